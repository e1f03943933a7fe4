import { priorities, type Priority } from '../../crm/index.ts';

/** The port's name of a mark's priority. */
function priorityOf(mark: number): Priority {
  return priorities[mark] ?? 'fields';
}

export function mostPressing(marks: readonly { readonly priority: number }[]): Priority {
  return priorityOf(Math.min(...marks.map(({ priority }) => priority)));
}

/** Notes that a subject is to be looked at, with the most pressing of the priorities it is noted with. */
export function hurry(marks: Map<string, number>, subject: string, priority: number): void {
  marks.set(subject, Math.min(priority, marks.get(subject) ?? priority));
}

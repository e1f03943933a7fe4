import { priorities, type Priority } from '../../crm/index.ts';

/** The port's name of a mark's priority. */
function priorityOf(mark: number): Priority {
  return priorities[mark] ?? 'fields';
}

export function mostPressing(marks: readonly { readonly priority: number }[]): Priority {
  return priorityOf(Math.min(...marks.map(({ priority }) => priority)));
}

import type { HubspotAnswer } from './client.ts';
import { missingIn } from './errors.ts';
import { contactIdProperty } from './properties.ts';

/**
 * Properties this portal turned out not to have, which reads and searches leave out: not every portal has each phone
 * property, and whether HubSpot passes over an unknown one is not known for all calls.
 */
export interface AbsentProperties {
  without(names: readonly string[]): string[];
  /** Whether the answer is a refusal that names properties not known to be absent until now. */
  learn(answer: HubspotAnswer<unknown>): boolean;
  add(names: readonly string[]): void;
  /** Another look at the portal: what was absent may be there by now. */
  forget(): void;
}

export function createAbsentProperties(): AbsentProperties {
  let absent: ReadonlySet<string> = new Set();
  return {
    without: (names) => names.filter((name) => !absent.has(name)),
    learn(answer) {
      if (answer.ok) return false;
      const missing = new Set(missingIn(answer.refusal));
      if (missing.has(contactIdProperty) || missing.isSubsetOf(absent)) return false;
      absent = absent.union(missing);
      return true;
    },
    add(names) {
      absent = absent.union(new Set(names));
    },
    forget() {
      absent = new Set();
    },
  };
}

import type { MappingSource } from './contact-fields.ts';
import type { CrmField } from './field.ts';

/** Who decides a field's value once both sides may have touched it. docs/design.md §1, mapping. */
export const fieldPolicies = ['once', 'if-empty', 'ours', 'both', 'theirs'] as const;
export type FieldPolicy = (typeof fieldPolicies)[number];

/** As each CRM's guide tells it to admins. */
export const policyMeanings: Readonly<Record<FieldPolicy, string>> = {
  once: 'written once; what it becomes in the CRM afterwards stays',
  'if-empty':
    "filled where the CRM has nothing; what stands there stays, whoever wrote it, but for a number Sangam wrote that is somebody else's by now",
  ours: 'always what Sangam knows, also when that is nothing; a change made by hand is set back',
  both: 'shared: a change on either side reaches the other',
  theirs: 'the CRM decides: only read',
};

/** What is done to a text on its way. Times, flags and tags go as they are. */
export const transforms = ['as is', 'lower case', 'upper case', 'digits only', 'first line'] as const;
export type Transform = (typeof transforms)[number];

/** As each CRM's guide tells it to admins. */
export const transformMeanings: Readonly<Record<Transform, string>> = {
  'as is': 'nothing is done to it',
  'lower case': 'in small letters',
  'upper case': 'in capitals',
  'digits only': 'its digits 0 to 9 alone',
  'first line': 'up to its first line break',
};

/** The lines of a mapping that records of this type have a field for. */
export function linesOn(mapping: readonly FieldMapping[], type: string | undefined): readonly FieldMapping[] {
  return type === undefined ? mapping : mapping.filter(({ field: { on } }) => on?.includes(type) ?? true);
}

/** Which of our fields goes to which CRM field, and who decides it. */
export interface FieldMapping {
  readonly source: MappingSource;
  /** As the CRM described it when the mapping was saved. */
  readonly field: CrmField;
  readonly policy: FieldPolicy;
  readonly transform: Transform;
  /** What is written in place of a text of ours, such as `WhatsApp CTWA` → `whatsapp_ctwa`; others go by `transform`. */
  readonly values?: Readonly<Record<string, string>>;
  /** Of a date: where the day of a time is that day. Undefined: in UTC. */
  readonly timeZone?: string;
  /**
   * What may hold the place of a missing name, best first: a new record gets the first one that is known, and what we
   * wrote of them gives way once the value is. Literal texts stand in quotes.
   */
  readonly standIns?: readonly ('phone' | 'username' | `'${string}'`)[];
}

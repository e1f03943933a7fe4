import type { MappingSource } from './contact-fields.ts';
import type { CrmField } from './field.ts';

/** Who decides a field's value once both sides may have touched it. design.md §1, mapping. */
export const fieldOwners = ['once', 'if-empty', 'ours', 'both', 'theirs'] as const;
export type FieldOwner = (typeof fieldOwners)[number];

/** What is done to a text on its way. Times, flags and tags go as they are. */
export const transforms = ['as is', 'lower case', 'upper case', 'digits only', 'first line'] as const;
export type Transform = (typeof transforms)[number];

/** Which of our fields goes to which CRM field, and who decides it. */
export interface FieldMapping {
  readonly source: MappingSource;
  /** As the CRM described it when the mapping was saved. */
  readonly field: CrmField;
  readonly owner: FieldOwner;
  readonly transform: Transform;
  /**
   * What may hold the place of a missing name, best first: a new record gets the first one that is known, and what we
   * wrote of them gives way once the value is. Literal texts stand in quotes.
   */
  readonly standIns?: readonly ('phone' | 'username' | `'${string}'`)[];
}

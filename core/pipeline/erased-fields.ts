import type { CrmValues } from '../crm/index.ts';
import { type ErasedFields, fieldOfNumber } from '../mapping/index.ts';
import { erasedHash, erasedKeyField, type ErasedValues, hashable } from '../store/index.ts';

/** Draws, or remembers, the key by which a workspace's erased people are known again. */
export type ErasureKeyOf = (workspaceId: string) => Promise<Buffer>;

/**
 * Which of these values have such a hash, our id by `erasedKeyField`; of a list of phones, which of its numbers.
 * `numbersIn`: those of a list; where nobody says, lists are looked at as a whole.
 */
export function fieldsHolding(
  erased: ErasedValues,
  values: CrmValues,
  contactId: string | undefined,
  key: Buffer,
  numbersIn: (list: string) => readonly string[] = () => [],
): ErasedFields {
  const standing: CrmValues = contactId === undefined ? values : { ...values, [erasedKeyField]: contactId };
  const holding = new Map<string, readonly string[]>();
  for (const [name, hashes] of Object.entries(erased)) {
    const field = fieldOfNumber(name);
    const value = standing[field];
    if (value === undefined) continue;
    const said = field === name ? [value] : numbersIn(value);
    const found = said.filter((one) => hashes.includes(erasedHash(key, hashable(name, one)).toString('hex')));
    if (found.length > 0) holding.set(field, [...(holding.get(field) ?? []), ...found]);
  }
  return holding;
}

import type { CrmValues } from '../crm/index.ts';
import { erasedHash, erasedKeyField, type ErasedValues } from '../store/index.ts';

/** Draws, or remembers, the key by which a workspace's erased people are known again. */
export type ErasureKeyOf = (workspaceId: string) => Promise<Buffer>;

/** Which of these values have such a hash, our id by `erasedKeyField`. */
export function fieldsHolding(
  erased: ErasedValues,
  values: CrmValues,
  contactId: string | undefined,
  key: Buffer,
): ReadonlySet<string> {
  const standing: CrmValues = contactId === undefined ? values : { ...values, [erasedKeyField]: contactId };
  return new Set(
    Object.entries(erased).flatMap(([field, hashes]) => {
      const value = standing[field];
      const holds = value !== undefined && hashes.includes(erasedHash(key, value).toString('hex'));
      return holds ? [field] : [];
    }),
  );
}

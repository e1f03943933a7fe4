import type { CrmRecord } from '../../crm/index.ts';
import { type ErasedFields, fieldOfNumber } from '../../mapping/index.ts';
import {
  type AgreedRecord,
  erasedKeyField,
  type ErasedValues,
  erasedValuesOf,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { type ErasureKeyOf, fieldsHolding } from '../erased-fields.ts';
import type { Followed } from '../followed.ts';

/** Which fields of a record, as it was read, hold what we wrote there of somebody erased since; our id by `erasedKeyField`. */
export type ErasedFieldsOf = (
  erased: ErasedValues,
  current: Pick<CrmRecord, 'values' | 'contactId'> | undefined,
) => ErasedFields;

/** Tells that of these records. */
export async function erasedFieldsOf(
  workspaceId: string,
  all: readonly ErasedValues[],
  { numbersIn }: Followed,
  keyOf: ErasureKeyOf,
): Promise<ErasedFieldsOf> {
  if (all.every((erased) => Object.keys(erased).length === 0)) return () => new Map();
  const key = await keyOf(workspaceId);
  return (erased, current) =>
    current === undefined
      ? new Map()
      : fieldsHolding(erased, current.values, current.contactId, key, numbersIn);
}

/**
 * What both sides agreed on without values of somebody erased, whoever wrote or read them meanwhile: no base holds one. With
 * what may still stand at the CRM; a field that was seen to hold something else is done.
 */
export async function withoutErasedValues(
  trx: WorkspaceTransaction,
  { connectionId, fields, numbersIn }: Followed,
  agreed: readonly AgreedRecord[],
  keyOf: ErasureKeyOf,
): Promise<{
  readonly agreed: readonly AgreedRecord[];
  readonly standing: ReadonlyMap<string, ErasedValues>;
}> {
  const erasedOf = await erasedValuesOf(
    trx,
    connectionId,
    agreed.map(({ recordId }) => recordId),
  );
  if (erasedOf.size === 0) return { agreed, standing: erasedOf };
  const key = await keyOf(trx.workspaceId);
  const standing = new Map<string, ErasedValues>();
  const left = agreed.map((record) => {
    const erased = erasedOf.get(record.recordId);
    if (erased === undefined) return record;
    const holding = fieldsHolding(erased, record.base, record.keyContactId, key, numbersIn);
    const kept = Object.entries(record.base).filter(([field]) => !holding.has(fieldOfNumber(field)));
    const base = Object.fromEntries(kept);
    // Nothing is read of a field that is mapped no longer.
    const stands = ([name]: [string, unknown]): boolean => {
      const field = fieldOfNumber(name);
      return field === erasedKeyField ? holding.has(field) : fields.has(field) && base[field] === undefined;
    };
    standing.set(record.recordId, Object.fromEntries(Object.entries(erased).filter(stands)));
    return { ...record, base, keyContactId: holding.has(erasedKeyField) ? undefined : record.keyContactId };
  });
  return { agreed: left, standing };
}

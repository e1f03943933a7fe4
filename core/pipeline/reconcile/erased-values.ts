import type { CrmRecord } from '../../crm/index.ts';
import {
  erasedKeyField,
  type ErasedValues,
  erasedValuesOf,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { type ErasureKeyOf, fieldsHolding } from '../erased-fields.ts';
import type { Followed } from '../followed.ts';
import type { Findings } from './findings.ts';

/** Which fields of a record, as it was read, hold what we wrote there of somebody erased since; our id by `erasedKeyField`. */
export type ErasedFieldsOf = (
  erased: ErasedValues,
  current: Pick<CrmRecord, 'values' | 'contactId'> | undefined,
) => ReadonlySet<string>;

/** Tells that of these records. */
export async function erasedFieldsOf(
  workspaceId: string,
  all: readonly ErasedValues[],
  keyOf: ErasureKeyOf,
): Promise<ErasedFieldsOf> {
  if (all.every((erased) => Object.keys(erased).length === 0)) return () => new Set();
  const key = await keyOf(workspaceId);
  return (erased, current) =>
    current === undefined ? new Set() : fieldsHolding(erased, current.values, current.contactId, key);
}

/**
 * Takes out of findings what of it is a value of somebody erased, whoever wrote or read it meanwhile: no base holds one.
 * Returns what may still stand at the CRM; a field that was seen to hold something else is done.
 */
export async function forgetErasedValues(
  trx: WorkspaceTransaction,
  { connectionId, fields }: Followed,
  { agreed }: Findings,
  keyOf: ErasureKeyOf,
): Promise<ReadonlyMap<string, ErasedValues>> {
  const erasedOf = await erasedValuesOf(
    trx,
    connectionId,
    agreed.map(({ recordId }) => recordId),
  );
  if (erasedOf.size === 0) return erasedOf;
  const key = await keyOf(trx.workspaceId);
  const left = new Map<string, ErasedValues>();
  for (const [index, record] of agreed.entries()) {
    const erased = erasedOf.get(record.recordId);
    if (erased === undefined) continue;
    const holding = fieldsHolding(erased, record.base, record.keyContactId, key);
    const base = Object.fromEntries(Object.entries(record.base).filter(([field]) => !holding.has(field)));
    const { keyContactId } = record;
    agreed[index] = { ...record, base, keyContactId: holding.has(erasedKeyField) ? undefined : keyContactId };
    // Nothing is read of a field that is mapped no longer.
    const stands = ([field]: [string, unknown]): boolean =>
      field === erasedKeyField ? holding.has(field) : fields.has(field) && base[field] === undefined;
    left.set(record.recordId, Object.fromEntries(Object.entries(erased).filter(stands)));
  }
  return left;
}

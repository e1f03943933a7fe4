import type { CrmValues } from '../../crm/index.ts';
import {
  erasedHash,
  type ErasedValues,
  erasedValuesOf,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import type { ErasureKeyOf } from '../erased.ts';
import type { Followed } from '../followed.ts';
import type { Findings } from './findings.ts';

/** Which fields of a record, as it was read, hold what we wrote there of somebody erased since. */
export type ErasedFieldsOf = (erased: ErasedValues, current: CrmValues) => ReadonlySet<string>;

/** Tells that of these records. */
export async function erasedFieldsOf(
  workspaceId: string,
  all: readonly ErasedValues[],
  keyOf: ErasureKeyOf,
): Promise<ErasedFieldsOf> {
  if (all.every((erased) => Object.keys(erased).length === 0)) return () => new Set();
  const key = await keyOf(workspaceId);
  return (erased, current) => fieldsHolding(erased, current, key);
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
    const holding = fieldsHolding(erased, record.base, key);
    const base = Object.fromEntries(Object.entries(record.base).filter(([field]) => !holding.has(field)));
    agreed[index] = { ...record, base };
    // Nothing is read of a field that is mapped no longer.
    const stands = ([field]: [string, unknown]): boolean => fields.has(field) && base[field] === undefined;
    left.set(record.recordId, Object.fromEntries(Object.entries(erased).filter(stands)));
  }
  return left;
}

function fieldsHolding(erased: ErasedValues, values: CrmValues, key: Buffer): ReadonlySet<string> {
  return new Set(
    Object.entries(erased).flatMap(([field, hashes]) => {
      const value = values[field];
      const holds = value !== undefined && hashes.includes(erasedHash(key, value).toString('hex'));
      return holds ? [field] : [];
    }),
  );
}

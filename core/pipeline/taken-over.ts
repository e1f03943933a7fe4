import {
  createsSince,
  deleteOccurrences,
  erasedValuesOf,
  hasErased,
  mergedInto,
  type MergedRecord,
  occurrencesOf,
  type RecordRow,
  type WorkspaceTransaction,
} from '../store/index.ts';
import { type ErasureKeyOf, fieldsHolding } from './erased-fields.ts';
import { type Followed, isTried } from './followed.ts';

/** The vendor's times of a merge and of what it changed may differ by this much. */
const skewMs = 60_000;

/**
 * A record others were merged into takes over values of theirs, and the vendor tells them as changes somebody made then.
 * They are none: takes such occurrences of these records out, and those of fields that are ours. Nor is what we wrote of
 * somebody erased kept as a change. To be called whenever occurrences or merges became known: whichever came first, the other
 * finds it.
 */
export async function forgetTakenOver(
  trx: WorkspaceTransaction,
  { connectionId, ours, same }: Followed,
  recordIds: readonly string[],
  erasureKeyOf: ErasureKeyOf,
): Promise<void> {
  await forgetErased(trx, connectionId, [...new Set(recordIds)], erasureKeyOf);
  const merged = await mergedInto(trx, connectionId, [...new Set(recordIds)]);
  if (merged.length === 0) return;
  const bySurvivor = Map.groupBy(merged, ({ survivorId }) => survivorId);
  const known = await occurrencesOf(trx, connectionId, [
    ...bySurvivor.keys(),
    ...merged.map(({ recordId }) => recordId),
  ]);
  const toldOf = Map.groupBy(known, ({ recordId }) => recordId);
  const held = ({ recordId, base }: Pick<RecordRow, 'recordId' | 'base'>, field: string): string[] => [
    ...(base[field] === undefined ? [] : [base[field]]),
    ...(toldOf.get(recordId) ?? []).filter((one) => one.field === field).map(({ value }) => value),
  ];
  const key = merged.some(({ erasedBase }) => erasedBase !== null)
    ? await erasureKeyOf(trx.workspaceId)
    : undefined;
  // What a create made without a word, and nobody saw before it went.
  const unseen = merged.filter(({ agreed, base }) => !agreed && Object.keys(base).length === 0);
  const creates =
    unseen.length === 0
      ? []
      : await createsSince(trx, connectionId, Math.min(...unseen.map(({ goneAt }) => goneAt)));
  const written = creates.map((one) => one.written);
  const wasMade = (one: MergedRecord, field: string, value: string): boolean =>
    unseen.includes(one) && isTried(written, field, value, same);
  const stood = (one: MergedRecord, field: string, value: string): boolean =>
    held(one, field).some((before) => same(field, before, value)) ||
    wasMade(one, field, value) ||
    (key !== undefined && fieldsHolding(one.erasedBase ?? {}, { [field]: value }, undefined, key).has(field));
  await deleteOccurrences(
    trx,
    connectionId,
    known.filter(({ recordId, field, value, changedAt }) =>
      (bySurvivor.get(recordId) ?? []).some(
        (one) => Math.abs(changedAt - one.goneAt) <= skewMs && (ours.has(field) || stood(one, field, value)),
      ),
    ),
  );
}

async function forgetErased(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
  erasureKeyOf: ErasureKeyOf,
): Promise<void> {
  if (recordIds.length === 0 || !(await hasErased(trx))) return;
  const erasedOf = await erasedValuesOf(trx, connectionId, recordIds);
  if (erasedOf.size === 0) return;
  const key = await erasureKeyOf(trx.workspaceId);
  const told = await occurrencesOf(trx, connectionId, [...erasedOf.keys()]);
  await deleteOccurrences(
    trx,
    connectionId,
    told.filter(({ recordId, field, value }) =>
      fieldsHolding(erasedOf.get(recordId) ?? {}, { [field]: value }, undefined, key).has(field),
    ),
  );
}

/**
 * What both sides agreed on of records that went into others: found on the survivor, it is what was agreed there, and nobody's
 * news, until it is part of what is agreed on of the survivor.
 */
export function takenOver(
  merged: readonly MergedRecord[],
  now: number,
): ReadonlyMap<string, readonly MergedRecord[]> {
  return Map.groupBy(
    merged.filter((one) => one.agreed && (!one.takenOver || now <= one.goneAt + skewMs)),
    ({ survivorId }) => survivorId,
  );
}

import { type AccountTraits, type CrmChange, type CrmRecord, type ScanPage } from '../../crm/index.ts';
import {
  addOccurrences,
  type ConnectionRow,
  erasedTriesOf,
  fillBases,
  type JournalEntry,
  holdContactsOf,
  linkByPhone,
  markPriority,
  markRecords,
  openWrites,
  phonesIn,
  type RecordRow,
  recordsById,
  saveRecords,
  typedPhones,
  unansweredWrites,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { applyLives } from '../apply/crm-changes.ts';
import { type ErasureKeyOf, withoutErased } from '../erased.ts';
import { takeInDeals } from '../deal-changes.ts';
import { followedBy, noticeFollowed } from '../followed.ts';
import { wholeMappingOf } from '../mapping-of.ts';
import { seenRecord } from '../reconcile/candidates.ts';
import { forgetTakenOver } from '../taken-over.ts';

interface Seen {
  readonly record: CrmRecord;
  readonly row: RecordRow | undefined;
}

/**
 * Takes in one page of a scan. What people changed becomes occurrences, where no write of ours can have made it; what both
 * sides agreed on stays, and the reconciler reads what differs from it. `all`: the scan is of all records, so that even
 * what both sides agreed on was seen just now, and a record that was said to be gone is there. Returns when what it is the
 * first to tell of was changed.
 */
export async function takeIn(
  trx: WorkspaceTransaction,
  connection: ConnectionRow,
  traits: AccountTraits,
  page: ScanPage,
  all: boolean,
  erasureKeyOf: ErasureKeyOf,
  now: number,
): Promise<readonly number[]> {
  const { connectionId, region } = connection;
  const ids = page.records.map(({ recordId }) => recordId);
  const gone = [...page.gone, ...page.merged].map(({ recordId }) => recordId);
  const rows = new Map(
    (await recordsById(trx, connectionId, [...ids, ...gone])).map((row) => [row.recordId, row]),
  );
  const scanned = page.records
    .map((record): Seen => ({ record, row: rows.get(record.recordId) }))
    .filter(isNews);
  const back = scanned.filter(({ row }) => row !== undefined && row.gone !== null);
  const there = back.filter((one) => all || wentBefore(one));
  const saved = scanned.filter(
    (one) => there.includes(one) || ((all || one.row?.agreed !== true) && !back.includes(one)),
  );
  const seen = saved.map(({ record }) => seenRecord(record, traits, region));
  // People first, as where events are applied.
  await holdContactsOf(trx, connectionId, {
    contactIds: [],
    recordIds: [...gone, ...page.merged.map(({ into }) => into), ...seen.map(({ recordId }) => recordId)],
    phones: phonesIn(seen),
  });
  // Links and writes follow merges first, so that a survivor is no second record of anybody, and ours are ours there.
  const tries = await erasedTriesOf(trx, connectionId);
  await applyLives(trx, connectionId, traits, endsOf(page, rows, tries.length > 0), erasureKeyOf, now);
  const idsOf = (some: readonly Seen[]): string[] => some.map(({ record }) => record.recordId);
  const known = idsOf(scanned.filter(({ row }) => row !== undefined));
  const writes = [
    ...(await openWrites(trx, connectionId, known, now)),
    ...(await unansweredWrites(trx, connectionId, known)),
  ];
  const phones = await typedPhones(trx, connectionId, known);
  const found = compareScanned(scanned, { connection, traits, writes, phones, now });
  await addOccurrences(trx, found.occurrences, now);
  await fillBases(trx, connectionId, found.filled);

  const followed = followedBy(connection, traits);
  await saveRecords(trx, connectionId, await withoutErased(trx, followed, seen, erasureKeyOf), now);
  await takeInDeals(trx, connectionId, traits, page.deals ?? [], now);
  const matched = await linkByPhone(
    trx,
    connectionId,
    seen.map(({ recordId }) => recordId),
    now,
  );
  const mark = (recordIds: readonly string[], priority: number, reread: boolean): Promise<void> =>
    markRecords(trx, connectionId, recordIds, { priority, reread }, now);
  await mark(matched, markPriority.fields, false);
  await mark(found.optOuts, markPriority.consent, true);
  const others = [...found.differing, ...back.map(({ record }) => record.recordId)];
  await mark(others, markPriority.fields, true);
  await forgetTakenOver(
    trx,
    followed,
    [...page.merged.map(({ into }) => into), ...found.occurrences.map(({ recordId }) => recordId)],
    erasureKeyOf,
  );
  return found.occurrences.map(({ changedAt }) => changedAt);
}

/** A vendor's index lags: what it shows may be older than what was seen already. */
function isNews({ record, row }: Seen): boolean {
  return (record.changedAt ?? Infinity) >= (row?.changedAt ?? -Infinity);
}

/** Somebody changed it since it went, so it is there again; else the vendor's index may lag. */
function wentBefore({ record, row }: Seen): boolean {
  return record.changedAt !== undefined && record.changedAt > (row?.goneAt ?? Infinity);
}

/** What was not known yet of records that went or live on as others; `strangers`: of those nobody had seen too. */
function endsOf(
  { gone, merged }: ScanPage,
  rows: ReadonlyMap<string, RecordRow>,
  strangers: boolean,
): CrmChange[] {
  return [
    ...gone.map(({ recordId, at }): CrmChange => ({ kind: 'deleted', recordId, at })),
    ...merged.flatMap(({ recordId, into, at }): CrmChange[] => {
      const row = rows.get(recordId);
      const passed = row === undefined ? !strangers : row.gone === 'merged' || row.gone === 'erased';
      return passed ? [] : [{ kind: 'merged', recordId, into, at }];
    }),
  ];
}

/** Compares records with what is known of them. */
function compareScanned(
  scanned: readonly Seen[],
  by: {
    readonly connection: ConnectionRow;
    readonly traits: AccountTraits;
    readonly writes: readonly JournalEntry[];
    readonly phones: ReadonlyMap<string, Readonly<Record<string, string>>>;
    readonly now: number;
  },
) {
  const { connection, traits, writes, phones, now } = by;
  const followed = followedBy(connection, traits);
  const optOut = wholeMappingOf(connection, traits).find(({ source }) => source === 'opt-out')?.field.name;
  const found = {
    occurrences: [] as ReturnType<typeof noticeFollowed>['occurrences'][number][],
    filled: [] as Parameters<typeof fillBases>[2][number][],
    optOuts: [] as string[],
    differing: [] as string[],
  };
  for (const { record, row } of scanned) {
    if (row === undefined) continue;
    const { recordId } = record;
    const { occurrences, seen } = noticeFollowed(row, record, followed, [], now);
    const ours = writes.filter((write) => write.recordId === recordId);
    // An index that lags shows what stood there before our own write: reading the record tells.
    const isUnsure = (field: string): boolean => ours.some(({ written }) => field in written);
    found.occurrences.push(...occurrences.filter(({ field }) => !isUnsure(field)));
    if (!row.agreed) continue;
    const sure = Object.fromEntries(Object.entries(seen).filter(([field]) => !isUnsure(field)));
    found.filled.push({ ...row, base: { ...row.base, ...sure }, changedAt: record.changedAt ?? null });
    if (occurrences.some(({ field }) => field === optOut)) found.optOuts.push(recordId);
    const typed = phones.get(recordId) ?? {};
    const differs = traits.phoneFields.some(
      (field) => record.values[field] !== undefined && record.values[field] !== (typed[field] ?? ''),
    );
    // What stands where nobody has looked yet is read: a merge may come, and what stood there before is to be known then.
    const isUnread = [...followed.fields.difference(followed.theirs)].some(
      (field) => row.base[field] === undefined && (record.values[field] ?? '') !== '' && !isUnsure(field),
    );
    if (differs || isUnread || occurrences.length > 0) found.differing.push(recordId);
  }
  return found;
}

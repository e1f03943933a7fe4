import type { FieldMapping } from '../../crm/index.ts';
import {
  addCounts,
  addOccurrences,
  agreeRecords,
  lockWorkspace,
  closeEndedConflicts,
  type ConnectionRow,
  decideCreations,
  phonesIn,
  deleteCrmLetters,
  dueTimeline,
  erasedTriesOf,
  type DirtyRecord,
  givePrimaryRecords,
  holdContactsOf,
  holdDirty,
  leaveGonePrimaries,
  linkByPhone,
  lockDirty,
  markContacts,
  markEachRecord,
  markGone,
  markLater,
  markPriority,
  markRecords,
  markTwins,
  forgetAnswered,
  nameWrites,
  openConflicts,
  parkDeadLetters,
  preferPrimaries,
  recordsById,
  repointLinks,
  returnDirty,
  saveErasedValues,
  saveLinks,
  saveRecords,
  settleDirty,
  trustRecords,
  subjectOfContact,
  subjectOfRecord,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { type ErasureKeyOf, withoutErased } from '../erased.ts';
import { noteErasedBirths, noteErasedEnds } from '../erased-tries.ts';
import type { Followed } from '../followed.ts';
import { forgetTakenOver } from '../taken-over.ts';
import { withoutErasedValues } from './erased-values.ts';
import { takeOver } from './take-over.ts';
import { withoutGonePeople } from './without-gone-people.ts';
import type { BatchOutcome, Findings } from './findings.ts';

/** How long after a repeated create one more look is taken: by then whatever was made is found. */
const twinLookMs = 30 * 60 * 1000;

export async function rememberFindings(
  trx: WorkspaceTransaction,
  connection: ConnectionRow,
  batch: {
    readonly leased: readonly DirtyRecord[];
    readonly lease: string;
    readonly mapping: readonly FieldMapping[];
    /** Whether the CRM moves timeline entries of merged records itself. */
    readonly entriesMove: boolean;
    readonly makingIsToldAsOne?: boolean;
    readonly followed: Followed;
    readonly erasureKeyOf: ErasureKeyOf;
  },
  found: Findings,
  now: number,
): Promise<void> {
  const { connectionId } = connection;
  // What people changed becomes evidence: who is who must not change under us, and this lock comes before all others.
  if (found.taking.some(({ taken }) => taken.length > 0)) await lockWorkspace(trx);
  const scanned = [...found.seen, ...found.agreed].filter(
    ({ phoneFields }) => phoneFields === undefined || phoneFields.length > 0,
  );
  const shown = await mergesShown(trx, connectionId, found.seen, now);
  const gone = [...shown, ...found.gone];
  const goneIds = gone.map(({ recordId }) => recordId);
  const survivorIds = gone.flatMap(({ movedTo }) => movedTo ?? []);
  // People first, as where events are applied and somebody is erased, then all marks at once, then the rest: two that cross
  // wait for each other instead of ending in a deadlock.
  await holdContactsOf(trx, connectionId, {
    contactIds: found.links.map(({ contactId }) => contactId),
    recordIds: [...goneIds, ...survivorIds, ...scanned.map(({ recordId }) => recordId)],
    phones: phonesIn(scanned),
  });
  const findings = await withoutGonePeople(trx, connectionId, found, batch.erasureKeyOf);
  await lockDirty(trx, connectionId, [
    ...batch.leased.map(({ subject }) => subject),
    ...[...findings.instead.keys(), ...[...scanned, ...findings.links].map(({ recordId }) => recordId)].map(
      subjectOfRecord,
    ),
    ...[...findings.back.keys()].map(subjectOfContact),
  ]);
  await addOccurrences(trx, findings.noticed, now);
  await followMerges(trx, connectionId, shown, batch, now);
  await saveRecords(
    trx,
    connectionId,
    await withoutErased(trx, batch.followed, findings.seen, batch.erasureKeyOf),
    now,
  );
  await noteErasedBirths(trx, connectionId, findings.bornOfErased, batch.erasureKeyOf);
  const { agreed, standing } = await withoutErasedValues(
    trx,
    batch.followed,
    findings.agreed,
    batch.erasureKeyOf,
  );
  await agreeRecords(trx, connectionId, agreed, now);
  await saveErasedValues(trx, connectionId, standing, now);
  await trustRecords(trx, connectionId, findings.standing);
  await followMerges(trx, connectionId, findings.gone, batch, now);
  const given = await givePrimaryRecords(
    trx,
    connectionId,
    [...goneIds, ...scanned.map(({ recordId }) => recordId)],
    now,
  );
  await closeEndedConflicts(trx, connectionId, goneIds, now);
  await forgetTakenOver(
    trx,
    batch.followed,
    [...survivorIds, ...findings.noticed.map(({ recordId }) => recordId)],
    batch.erasureKeyOf,
  );
  await leaveGonePrimaries(trx, connectionId, [...findings.back.keys()]);
  const joined = await saveLinks(trx, connectionId, findings.links, now);
  await preferPrimaries(trx, connectionId, findings.preferred);
  await nameWrites(trx, connectionId, findings.named);
  if (batch.makingIsToldAsOne === true) {
    await forgetAnswered(
      trx,
      connectionId,
      findings.named.map(({ to }) => to),
    );
  }
  await decideCreations(trx, connectionId, findings.newKeys, now);
  await takeOver(trx, connectionId, findings.taking, batch.mapping, now);
  await openConflicts(trx, findings.conflicts, now);
  await deleteCrmLetters(trx, connectionId, findings.mended);
  await parkDeadLetters(trx, findings.letters, now);

  const matched = await linkByPhone(
    trx,
    connectionId,
    scanned.map(({ recordId }) => recordId),
    now,
  );
  const instead = [...findings.instead].map(([recordId, priority]) => ({ recordId, priority }));
  await markEachRecord(trx, connectionId, instead, false, now);
  const fields = { priority: markPriority.fields, reread: false };
  await markRecords(trx, connectionId, [...matched, ...given], fields, now);
  await markRecords(trx, connectionId, joined, { priority: markPriority.consent, reread: false }, now);
  await markContacts(
    trx,
    [...findings.back].map(([contactId, priority]) => ({
      contactId,
      priority: Math.min(priority, markPriority.newLead),
    })),
    now,
  );
  await markTwins(trx, connectionId, findings.repeated, now + twinLookMs, now);
  await dueTimeline(
    trx,
    connectionId,
    findings.preferred.map(({ contactId }) => contactId),
    now,
  );

  await holdDirty(
    trx,
    connectionId,
    findings.held.map(({ subject }) => subject),
    'More new people than usual: an admin has to let them in.',
  );
  const settled = [...findings.outcomes.keys()];
  const done = await settleDirty(trx, { connectionId, lease: batch.lease, settled });
  const returned = batch.leased
    .filter((dirty) => !findings.outcomes.has(dirty))
    .map((dirty) => findings.returned.get(dirty) ?? { dirty });
  await markLater(trx, connectionId, findings.unsettled, now);
  await returnDirty(trx, { connectionId, lease: batch.lease, returned });
  await addCounts(trx, countsOf(connectionId, findings.outcomes, new Set(done), now));
}

/** Records that are no more: what is known of them goes with those they went into. */
async function followMerges(
  trx: WorkspaceTransaction,
  connectionId: string,
  gone: Findings['gone'],
  { entriesMove, erasureKeyOf }: { readonly entriesMove: boolean; readonly erasureKeyOf: ErasureKeyOf },
  now: number,
): Promise<void> {
  const moves = gone.flatMap(({ recordId, movedTo }) =>
    movedTo === undefined ? [] : [{ from: recordId, to: movedTo }],
  );
  await noteErasedEnds(trx, connectionId, moves, erasureKeyOf, now);
  await markGone(trx, connectionId, gone);
  await repointLinks(trx, connectionId, moves, { entriesMove, now });
}

/**
 * What searches bring up tells of merges as well, which are to be known before what stands there is: of somebody erased it
 * is not remembered.
 */
async function mergesShown(
  trx: WorkspaceTransaction,
  connectionId: string,
  seen: Findings['seen'],
  now: number,
): Promise<Findings['gone']> {
  const merged = seen.flatMap(({ recordId, mergedFrom = [], changedAt = now }) =>
    mergedFrom.map((from) => ({ recordId: from, movedTo: recordId, changedAt })),
  );
  if (merged.length === 0) return [];
  const rows = await recordsById(
    trx,
    connectionId,
    merged.map(({ recordId }) => recordId),
  );
  const rowOf = new Map(rows.map((row) => [row.recordId, row]));
  const tries = await erasedTriesOf(trx, connectionId);
  return merged.flatMap(({ recordId, movedTo, changedAt }) => {
    const row = rowOf.get(recordId);
    // One nobody had seen may have been made by a create of somebody erased.
    const passed = row === undefined ? tries.length === 0 : row.gone === 'merged' || row.gone === 'erased';
    const at = row?.goneAt ?? row?.doubtedAt ?? changedAt;
    return passed ? [] : [{ recordId, how: 'merged' as const, at, movedTo }];
  });
}

/** What the statement of a day counts: each mark once, when it is done. */
function countsOf(
  connectionId: string,
  outcomes: ReadonlyMap<DirtyRecord, BatchOutcome>,
  done: ReadonlySet<string>,
  now: number,
): Parameters<typeof addCounts>[1][number][] {
  const counts: Parameters<typeof addCounts>[1][number][] = [];
  let created = 0;
  for (const [dirty, outcome] of outcomes) {
    if (outcome === 'created') created += 1;
    if (!done.has(dirty.subject)) continue;
    const name = outcome === 'created' || outcome === 'updated' ? 'written' : outcome;
    counts.push({ name, at: dirty.markedAt, count: 1, connectionId });
  }
  if (created > 0) counts.push({ name: 'created', at: now, count: created, connectionId });
  return counts;
}

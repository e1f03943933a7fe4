import type { FieldMapping } from '../../crm/index.ts';
import {
  addCounts,
  agreeRecords,
  type ConnectionRow,
  type Creation,
  type DeadLetter,
  decideCreations,
  deleteCrmLetters,
  type DirtyRecord,
  dueTimeline,
  holdDirty,
  leaveGoneHomes,
  linkByPhone,
  lockDirty,
  type LinkReason,
  type LinkRow,
  markContacts,
  markGone,
  markPriority,
  markRecords,
  nameWrites,
  openConflicts,
  parkDeadLetters,
  repointLinks,
  returnDirty,
  saveLinks,
  saveRecords,
  type SeenRecord,
  settleDirty,
  subjectOfContact,
  subjectOfRecord,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { type ErasureKeyOf, withoutErased } from '../erased.ts';
import type { TargetPlan } from './plan-target.ts';
import { takeOver } from './take-over.ts';

export type BatchOutcome = 'created' | 'updated' | 'unchanged' | 'refused' | 'left alone';

/** What a batch's calls brought to light, to be remembered in one transaction. */
export class Findings {
  /** What became of a mark. One without an outcome goes back as it was. */
  readonly outcomes = new Map<DirtyRecord, BatchOutcome>();
  readonly held: DirtyRecord[] = [];
  readonly agreed: (SeenRecord & { readonly ours: readonly string[] })[] = [];
  readonly seen: SeenRecord[] = [];
  readonly gone: {
    readonly recordId: string;
    readonly how: 'deleted' | 'merged';
    readonly at: number;
    readonly movedTo?: string;
  }[] = [];
  readonly links: (LinkRow & { readonly reason: LinkReason })[] = [];
  readonly letters: DeadLetter[] = [];
  /** Contacts whose record was written: what was refused of them before is no longer so. */
  readonly mended: string[] = [];
  /** Records to be looked at in place of what was marked. */
  readonly instead = new Set<string>();
  readonly newKeys: Creation[] = [];
  readonly named: { readonly from: string; readonly to: string }[] = [];
  readonly conflicts: Parameters<typeof openConflicts>[1][number][] = [];
  /** Contacts whose record is no more and that wrote since, or have another one now. */
  readonly back: string[] = [];
  readonly taking: TargetPlan[] = [];
}

export async function rememberFindings(
  trx: WorkspaceTransaction,
  connection: ConnectionRow,
  batch: {
    readonly leased: readonly DirtyRecord[];
    readonly lease: string;
    readonly mapping: readonly FieldMapping[];
    readonly erasureKeyOf: ErasureKeyOf;
  },
  findings: Findings,
  now: number,
): Promise<void> {
  const { connectionId } = connection;
  await saveRecords(trx, connectionId, await withoutErased(trx, findings.seen, batch.erasureKeyOf), now);
  await agreeRecords(trx, connectionId, findings.agreed, now);
  await markGone(trx, connectionId, findings.gone);
  const moves = findings.gone.flatMap(({ recordId, movedTo }) =>
    movedTo === undefined ? [] : [{ from: recordId, to: movedTo }],
  );
  await repointLinks(trx, connectionId, moves);
  await leaveGoneHomes(trx, connectionId, findings.back);
  await saveLinks(trx, connectionId, findings.links, now);
  await nameWrites(trx, connectionId, findings.named);
  await decideCreations(trx, connectionId, findings.newKeys, now);
  await takeOver(trx, connectionId, findings.taking, batch.mapping, now);
  await openConflicts(trx, findings.conflicts, now);
  await deleteCrmLetters(trx, connectionId, findings.mended);
  await parkDeadLetters(trx, findings.letters, now);

  const looked = [...findings.seen, ...findings.agreed].filter(
    ({ phoneFields }) => phoneFields === undefined || phoneFields.length > 0,
  );
  const matched = await linkByPhone(
    trx,
    connectionId,
    looked.map(({ recordId }) => recordId),
    now,
  );
  const priority = Math.min(markPriority.fields, ...batch.leased.map((dirty) => dirty.priority));
  await lockDirty(trx, connectionId, [
    ...batch.leased.map(({ subject }) => subject),
    ...[...findings.instead, ...matched, ...findings.links.map(({ recordId }) => recordId)].map(
      subjectOfRecord,
    ),
    ...findings.back.map(subjectOfContact),
  ]);
  await markRecords(trx, connectionId, [...findings.instead, ...matched], { priority, reread: false }, now);
  await markContacts(
    trx,
    findings.back.map((contactId) => ({ contactId, priority: markPriority.newLead })),
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
  const returned = batch.leased.filter((dirty) => !findings.outcomes.has(dirty));
  await returnDirty(trx, { connectionId, lease: batch.lease, returned });
  // Marks before entries, as apply takes them.
  const homes = findings.links.filter(({ home }) => home).map(({ contactId }) => contactId);
  await dueTimeline(trx, connectionId, homes, now);
  await addCounts(trx, countsOf(connectionId, findings.outcomes, new Set(done), now));
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

import { decideCreations, type DirtyRecord, markTried, noteWrites, unborn } from '../../store/index.ts';
import { followedBy } from '../followed.ts';
import type { BatchWork } from './batch-work.ts';
import { type BatchOutcome, Findings, rememberFindings } from './findings.ts';
import type { TargetPlan } from './plan-target.ts';
import { hurry } from './priority.ts';
import type { CreatingValues } from './resolve.ts';
import { lookForTwins } from './twins.ts';
import { seedFollowed } from './seed-followed.ts';
import { createNew, resolveNew } from './write-new.ts';
import { hasWrite, planStanding, updateStanding, withoutGone } from './write-standing.ts';

/**
 * Brings one leased batch in step: first records that stand, a STOP among them, then contacts that have none, whose search
 * may take its time. Reads what has to be seen and writes what differs, in as few calls as the CRM allows. Returns how
 * many came to what.
 */
export async function writeBatch(work: BatchWork): Promise<ReadonlyMap<BatchOutcome, number>> {
  const { batch } = work;
  const counted = new Map<BatchOutcome, number>();
  const remember = async (leased: readonly DirtyRecord[], findings: Findings): Promise<void> => {
    const { store, clock, connection, connector, lease, mapping, erasureKeyOf } = work;
    const entriesMove = connector.traits.timeline.movesWithMerge;
    const followed = followedBy(connection, connector.traits);
    await store.transact(connection.workspaceId, (trx) =>
      rememberFindings(
        trx,
        connection,
        { leased, lease, mapping, entriesMove, followed, erasureKeyOf },
        findings,
        clock.now(),
      ),
    );
    for (const outcome of findings.outcomes.values()) counted.set(outcome, (counted.get(outcome) ?? 0) + 1);
  };

  if (batch.targets.length + batch.idle.length > 0) {
    const findings = new Findings();
    for (const dirty of batch.idle) findings.outcomes.set(dirty, 'unchanged');
    for (const [recordId, priority] of batch.instead) hurry(findings.instead, recordId, priority);
    const standing = withoutGone(batch.targets, findings, work.clock.now());
    const plans = await planStanding(work, standing, findings);
    await noteIntentions(work, [], plans);
    await updateStanding(work, plans, findings);
    await remember([...batch.targets.map(({ dirty }) => dirty), ...batch.idle], findings);
  }
  if (batch.homeless.length > 0) {
    const findings = new Findings();
    const toCreate = await resolveNew(work, batch.homeless, findings);
    await noteIntentions(work, toCreate.creating, []);
    await createNew(work, toCreate, findings);
    await remember(
      batch.homeless.map(({ dirty }) => dirty),
      findings,
    );
    await seedFollowed(work, findings.unseen);
  }
  if (batch.twins.length > 0) {
    const findings = new Findings();
    await lookForTwins(work, batch.twins, findings);
    await remember(batch.twins, findings);
  }
  return counted;
}

/** Notes what is about to be written before it is: an echo may be quicker than the answer, and a process may die. */
async function noteIntentions(
  { store, clock, connection }: BatchWork,
  creating: readonly CreatingValues[],
  plans: readonly TargetPlan[],
): Promise<void> {
  const writing = plans.filter(hasWrite);
  if (creating.length + writing.length === 0) return;
  const { connectionId } = connection;
  await store.transact(connection.workspaceId, async (trx) => {
    const now = clock.now();
    const fresh = creating.filter(({ decidedBefore, newKey }) => !decidedBefore || newKey);
    await decideCreations(
      trx,
      connectionId,
      fresh.map(({ creation }) => creation),
      now,
    );
    await markTried(
      trx,
      connectionId,
      [...creating.map(({ homeless }) => homeless.dirty), ...writing.map(({ target }) => target.dirty)].map(
        ({ subject }) => subject,
      ),
    );
    await noteWrites(
      trx,
      connectionId,
      [
        ...creating.map(({ creation, values }) => ({ recordId: unborn(creation.key), values })),
        ...writing.map(({ target, write }) => ({ recordId: target.recordId, values: write })),
      ],
      now,
    );
  });
}

import type { AccountTraits, CrmValues } from '../../crm/index.ts';
import {
  decideCreations,
  type DirtyRecord,
  standingContacts,
  markTried,
  noteWrites,
  shareCreates,
  unborn,
} from '../../store/index.ts';
import { ownNumberOf, ownNumbersOf } from '../../mapping/index.ts';
import { followedBy, settlesAt, settlesFrom } from '../followed.ts';
import type { BatchWork } from './batch-work.ts';
import { type BatchOutcome, type Finding, foldFindings } from './findings.ts';
import type { TargetPlan } from './plan-target.ts';
import { rememberFindings } from './remember-findings.ts';
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
  const remember = async (leased: readonly DirtyRecord[], found: readonly Finding[]): Promise<void> => {
    const findings = foldFindings(found);
    const { store, clock, connection, connector, lease, mapping, erasureKeyOf } = work;
    const { timeline, makingIsToldAsOne = false } = connector.traits;
    const entriesMove = timeline.movesWithMerge;
    const followed = followedBy(connection, connector.traits);
    await store.transact(connection.workspaceId, (trx) =>
      rememberFindings(
        trx,
        connection,
        { leased, lease, mapping, entriesMove, makingIsToldAsOne, followed, erasureKeyOf },
        findings,
        clock.now(),
      ),
    );
    for (const outcome of findings.outcomes.values()) counted.set(outcome, (counted.get(outcome) ?? 0) + 1);
  };

  if (batch.targets.length + batch.idle.length > 0) {
    const idle = {
      outcomes: batch.idle.map((dirty) => [dirty, 'unchanged'] as const),
      instead: batch.instead,
    };
    const sorted = withoutGone(batch.targets, work.clock.now());
    const planned = await planStanding(work, sorted.standing);
    const noted = await noteIntentions(work, [], planned.plans);
    const updated = await updateStanding(work, noted.plans);
    await remember(
      [...batch.targets.map(({ dirty }) => dirty), ...batch.idle],
      [idle, ...sorted.found, ...planned.found, noted.found, ...updated],
    );
  }
  if (batch.unlinked.length > 0) {
    const resolved = await resolveNew(work, batch.unlinked);
    const noted = await noteIntentions(work, resolved.toCreate.creating, []);
    const created = await createNew(work, { ...resolved.toCreate, creating: noted.creating });
    await remember(
      batch.unlinked.map(({ dirty }) => dirty),
      [...resolved.found, noted.found, ...created],
    );
    await seedFollowed(
      work,
      created.flatMap(({ unseen = [] }) => unseen),
    );
  }
  if (batch.twins.length > 0) {
    await remember(batch.twins, await lookForTwins(work, batch.twins));
  }
  return counted;
}

/**
 * Notes what is about to be written before it is: an echo may be quicker than the answer, and a process may die. Returns
 * what is to be: nothing that was decided with somebody who was erased since. A record that is others' too is marked anew.
 */
async function noteIntentions(
  { store, clock, connection, connector: { traits }, mapping }: BatchWork,
  creating: readonly CreatingValues[],
  plans: readonly TargetPlan[],
): Promise<{
  readonly creating: readonly CreatingValues[];
  readonly plans: readonly TargetPlan[];
  readonly found: Finding;
}> {
  if (creating.length + plans.filter(hasWrite).length === 0) return { creating, plans, found: {} };
  const { connectionId } = connection;
  return store.transact(connection.workspaceId, async (trx) => {
    const now = clock.now();
    const here = await standingContacts(trx, [
      ...creating.map(({ creation }) => creation.contactId),
      ...plans.flatMap(peopleOf),
    ]);
    const gone = [
      ...creating.filter((one) => !here.has(one.creation.contactId)).map(({ unlinked }) => unlinked.dirty),
      ...plans
        .filter((plan) => !peopleOf(plan).every((id) => here.has(id)))
        .map(({ target }) => target.dirty),
    ];
    const left = {
      creating: creating.filter(({ unlinked }) => !gone.includes(unlinked.dirty)),
      plans: plans.filter(({ target }) => !gone.includes(target.dirty)),
    };
    const writing = left.plans.filter(hasWrite);
    const fresh = left.creating.filter(({ decidedBefore, newKey }) => !decidedBefore || newKey);
    await decideCreations(
      trx,
      connectionId,
      fresh.map(({ creation }) => creation),
      now,
    );
    await markTried(
      trx,
      connectionId,
      [
        ...left.creating.map(({ unlinked }) => unlinked.dirty),
        ...writing.map(({ target }) => target.dirty),
      ].map(({ subject }) => subject),
    );
    await noteWrites(
      trx,
      connectionId,
      [
        ...left.creating.map(({ creation: { key }, values }) => ({
          recordId: unborn(key),
          values: { ...values, ...ownNumbersOf(values, mapping, traits.spelling) },
          underKey: key,
        })),
        ...writing.map((plan) => ({ recordId: plan.target.recordId, values: asTold(plan) })),
      ],
      now,
    );
    // Where our id is unique, a create under it writes to the record that bears it.
    const bearing = traits.writeClass === 'keyed' ? writing.flatMap((plan) => bearingOf(plan, traits)) : [];
    const shared = await shareCreates(trx, connectionId, bearing, settlesFrom(now, traits));
    return {
      ...left,
      found: {
        outcomes: gone.map((dirty) => [dirty, 'left alone']),
        unsettled: shared.map(({ recordId, at }) => ({ recordId, dueAt: settlesAt({ at }, traits) + 1 })),
      },
    };
  });
}

/** What a write leaves there: one that adds to a list names what is added alone. Which of a list is ours goes with it. */
function asTold({ write, agreed: { base } }: TargetPlan): CrmValues {
  return Object.fromEntries(
    Object.entries(write).flatMap(([field, value]) => {
      const { [ownNumberOf(field)]: number = '' } = base;
      const told = [field, base[field] ?? value] as const;
      return number === '' ? [told] : [told, [ownNumberOf(field), number] as const];
    }),
  );
}

/** The record that gets our id by this, and the id. */
function bearingOf(
  { target: { recordId }, write }: TargetPlan,
  { contactIdField }: AccountTraits,
): { recordId: string; key: string }[] {
  const { [contactIdField]: key = '' } = write;
  return key === '' ? [] : [{ recordId, key }];
}

function peopleOf({ target: { primaryFor, others } }: TargetPlan): string[] {
  return [...primaryFor, ...others].map(({ contactId }) => contactId);
}

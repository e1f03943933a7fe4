import {
  type Connector,
  type CrmRecord,
  type CrmValues,
  type FieldMapping,
  phonesOf,
} from '../../crm/index.ts';
import {
  type AgreedRecord,
  erasedKeyField,
  type ErasedTry,
  type RecordRow,
  recordsById,
  triedValues,
  unborn,
} from '../../store/index.ts';
import { bornOfErased } from '../erased-tries.ts';
import { followedBy, noticeFollowed } from '../followed.ts';
import { asAnswered, type BatchWork, comeBack, refusedAsWhole, tellLeftOut } from './batch-work.ts';
import { seenRecord } from './candidates.ts';
import { erasedFieldsOf } from './erased-values.ts';
import type { Finding } from './findings.ts';
import { optOutFieldsOf, refusedValues, storedOtherwise, withoutLeftOut } from './left-out.ts';
import type { DirtyTarget } from './load-batch.ts';
import { planTarget, type TargetPlan } from './plan-target.ts';
import { mostPressing } from './priority.ts';
import { fieldsToRead } from './resolve.ts';
import { type LeftOut, updateRecords } from './write-records.ts';

/** Sorts out records that are no more: merged ones point on, deleted ones are left unless their person wrote since. */
export function withoutGone(
  targets: readonly DirtyTarget[],
  now: number,
): { readonly standing: readonly DirtyTarget[]; readonly found: readonly Finding[] } {
  const sorted = targets.map((target) => ({ target, found: ifGone(target, now) }));
  return {
    standing: sorted.filter(({ found }) => found === undefined).map(({ target }) => target),
    found: sorted.flatMap(({ found }) => found ?? []),
  };
}

/** Undefined: it stands, or has to be read. */
function ifGone(target: DirtyTarget, now: number): Finding | undefined {
  const { row, dirty, primaryFor, others, keyIsOthers } = target;
  const goneAt = row?.goneAt ?? now;
  if (row?.gone === 'merged' && row.movedTo !== null) {
    return {
      instead: [[row.movedTo, dirty.priority]],
      // Somebody who is tied to it still, as after a decision was undone, is tied to where it lives on.
      gone: [{ recordId: row.recordId, how: 'merged', at: goneAt, movedTo: row.movedTo }],
      outcomes: [[dirty, 'unchanged']],
    };
  }
  if (row !== undefined && row.gone !== null && !dirty.reread) {
    return { back: writersSince(target, goneAt), outcomes: [[dirty, 'left alone']] };
  }
  return primaryFor.length + others.length === 0 && !dirty.reread && !keyIsOthers
    ? { outcomes: [[dirty, 'left alone']] }
    : undefined;
}

/** People whose record it was and who wrote after it went. */
function writersSince({ dirty, primaryFor }: DirtyTarget, goneAt: number): [string, number][] {
  return primaryFor
    .filter(({ lastInboundAt }) => (lastInboundAt ?? 0) > goneAt)
    .map(({ contactId }) => [contactId, dirty.priority]);
}

/** Decides about records that stand, after reading those that have to be seen. */
export async function planStanding(
  work: BatchWork,
  standing: readonly DirtyTarget[],
): Promise<{ readonly plans: readonly TargetPlan[]; readonly found: readonly Finding[] }> {
  const { connection, connector, mapping, clock } = work;
  const { traits } = connector;
  const followed = followedBy(connection, traits);
  const plans = standing.map((target) => planTarget(target, undefined, mapping, traits, followed, new Map()));
  const asking = plans.filter(({ needsRead }) => needsRead).map(({ target }) => target);
  if (asking.length === 0) return { plans, found: [] };
  const read = await work.calls.inParts(asking, traits.sizes.read, (part) =>
    connector.read(
      part.map(({ recordId }) => recordId),
      fieldsToRead(connector, mapping),
      mostPressing(part.map(({ dirty }) => dirty)),
    ),
  );
  const records = read.answers;
  const unread = new Set([...read.unheard, ...read.left]);
  const byAsked = new Map(records.map((record) => [record.askedAs, record]));
  const born = await bornUnanswered(work, asking, records);
  const erasedOf = await erasedFieldsOf(
    connection.workspaceId,
    asking.map(({ erasedValues }) => erasedValues),
    followed,
    work.erasureKeyOf,
  );
  const { erasedTries } = work.batch;
  const keyed = records.map(({ recordId, contactId }) => ({ recordId, keyContactId: contactId }));
  const bornOf =
    erasedTries.length === 0
      ? new Map<string, ErasedTry>()
      : bornOfErased(erasedTries, keyed, await work.erasureKeyOf(connection.workspaceId));
  const swallowed = await newlySwallowed(work, records);
  const afterLook = (target: DirtyTarget): { readonly plan?: TargetPlan; readonly found: Finding } => {
    const { recordId, dirty, primaryFor, others, keyIsOthers, row } = target;
    const record = byAsked.get(recordId);
    const at = wentAt(target, clock.now());
    if (record === undefined) return { found: leftGone(target, at) };
    const joining = swallowed.filter(({ into }) => into === record.recordId);
    if (record.recordId !== recordId || joining.length > 0) {
      // The survivor's last change is the latest that the merge can have been.
      const mergedAt = (one: RecordRow | undefined): number =>
        one?.goneAt ?? one?.doubtedAt ?? record.changedAt ?? at;
      const ended = joining.map((one) => ({ recordId: one.recordId, at: mergedAt(one.row) }));
      if (record.recordId !== recordId) ended.push({ recordId, at: mergedAt(row) });
      return {
        found: {
          gone: ended.map((one) => ({ ...one, how: 'merged', movedTo: record.recordId })),
          // Nothing is taken from it before all that went into it are known: what they held is nobody's news there.
          instead: [[record.recordId, dirty.priority]],
          outcomes: [[dirty, 'unchanged']],
        },
      };
    }
    const made = bornOf.get(recordId);
    if (made !== undefined && target.erasedValues[erasedKeyField]?.includes(made.keyHash) !== true) {
      return {
        found: {
          bornOfErased: [{ recordId, keyContactId: record.contactId }],
          instead: [[recordId, dirty.priority]],
          outcomes: [[dirty, 'unchanged']],
        },
      };
    }
    const looked: Finding = {
      noticed: noticeFollowed(row, record, followed, target.tried, clock.now()).occurrences,
      standing: row !== undefined && row.doubtedAt !== null ? [recordId] : [],
    };
    if (primaryFor.length + others.length === 0 && !keyIsOthers) {
      const seen = [seenRecord(record, traits, connection.region)];
      return { found: { ...looked, seen, outcomes: [[dirty, 'unchanged']] } };
    }
    const tries = born.get(recordId);
    const named =
      tries !== undefined && record.contactId !== undefined
        ? [{ from: unborn(record.contactId), to: recordId }]
        : [];
    const known = tries === undefined ? target : { ...target, tried: [...tries, ...target.tried] };
    const plan = planTarget(known, record, mapping, traits, followed, erasedOf(target.erasedValues, record));
    return { plan, found: { ...looked, named, taking: [plan] } };
  };
  const heard = asking.filter((target) => !unread.has(target));
  const looked = heard.map(afterLook);
  return {
    plans: [...plans.filter(({ needsRead }) => !needsRead), ...looked.flatMap(({ plan }) => plan ?? [])],
    found: [
      ...looked.map(({ found }) => found),
      { unsettled: heard.flatMap((target) => settling(target, clock.now())) },
    ],
  };
}

/** Its writes may still take effect. */
function settling({ recordId, settlesAt }: DirtyTarget, now: number): { recordId: string; dueAt: number }[] {
  return settlesAt !== undefined && settlesAt > now ? [{ recordId, dueAt: settlesAt + 1 }] : [];
}

/**
 * Records we know that went into these, and of which we did not know it. Of those nobody had seen one may have been made by
 * a create of somebody erased.
 */
async function newlySwallowed(
  { store, connection: { workspaceId, connectionId }, batch }: BatchWork,
  records: readonly CrmRecord[],
): Promise<{ readonly recordId: string; readonly row: RecordRow | undefined; readonly into: string }[]> {
  const into = new Map(
    records.flatMap(({ recordId, mergedFrom = [] }) => mergedFrom.map((id) => [id, recordId] as const)),
  );
  if (into.size === 0) return [];
  const rows = await store.transact(workspaceId, (trx) => recordsById(trx, connectionId, [...into.keys()]));
  const rowOf = new Map(rows.map((row) => [row.recordId, row]));
  return [...into].flatMap(([recordId, survivor]) => {
    const row = rowOf.get(recordId);
    const passed =
      row === undefined ? batch.erasedTries.length === 0 : row.gone === 'merged' || row.gone === 'erased';
    return passed ? [] : [{ recordId, row, into: survivor }];
  });
}

/** What we tried to make records of that nobody had agreed on yet and that hold the key of such a try. */
async function bornUnanswered(
  { store, connection: { workspaceId, connectionId } }: BatchWork,
  asking: readonly DirtyTarget[],
  records: readonly CrmRecord[],
): Promise<ReadonlyMap<string, readonly CrmValues[]>> {
  const agreed = new Set(asking.flatMap(({ recordId, row }) => (row?.agreed === true ? [recordId] : [])));
  const keyed = records.flatMap(({ recordId, contactId: key }) =>
    agreed.has(recordId) || key === undefined ? [] : [{ recordId, key }],
  );
  if (keyed.length === 0) return new Map();
  const keys = keyed.map(({ key }) => key);
  const tried = await store.transact(workspaceId, (trx) => triedValues(trx, connectionId, keys));
  return new Map(
    keyed.flatMap(({ recordId, key }) => {
      const tries = tried.get(key);
      return tries === undefined ? [] : [[recordId, tries] as const];
    }),
  );
}

/** Writes what differs. */
export async function updateStanding(
  { connection, connector, mapping, clock, calls }: BatchWork,
  plans: readonly TargetPlan[],
): Promise<Finding[]> {
  const unchanged = plans
    .filter((one) => !hasWrite(one))
    .map((plan): Finding => ({
      outcomes: [[plan.target.dirty, 'unchanged']],
      agreed: plan.record === undefined ? [] : [agreedOf(connector, mapping, plan, {}, connection.region)],
    }));
  const writing = plans.filter(hasWrite);
  if (writing.length === 0) return unchanged;
  const optOutFields = optOutFieldsOf(mapping);
  const written = await updateRecords(
    calls,
    connector,
    writing.map(({ target, write }) => ({ recordId: target.recordId, values: write })),
    optOutFields,
    {
      priority: mostPressing(writing.map(({ target }) => target.dirty)),
      automations: connection.settings.automations.onUpdate,
    },
  );
  const now = clock.now();
  const updated = writing.flatMap((plan): Finding[] => {
    const { dirty, recordId, primaryFor, others } = plan.target;
    const outcome = written.outcomes.get(recordId);
    if (outcome === undefined) {
      const untried = !written.unheard.has(recordId) && !dirty.tried;
      return [{ returned: [[dirty, { dirty, untried }]] }];
    }
    const people = [...primaryFor, ...others].map(({ contactId }) => contactId);
    // Our id on another record is that record's matter: it is taken off there when it is not the person's primary record.
    const withoutKey = outcome.leftOut.some(({ values }) => connector.traits.contactIdField in values);
    const leftOut = outcome.leftOut.filter(({ values }) => !(connector.traits.contactIdField in values));
    switch (outcome.outcome) {
      case 'written': {
        const refused = { ...plan.refused, ...refusedValues(leftOut, optOutFields) };
        const otherwise = storedOtherwise(plan.write, outcome.values, mapping, connector.traits.spelling);
        const agreed = {
          ...agreedOf(connector, mapping, plan, outcome.values, connection.region, leftOut),
          refused: { ...refused, ...otherwise },
          ...(withoutKey ? { keyContactId: undefined } : {}),
        };
        const whole = leftOut.length + Object.keys(refused).length === 0;
        const moved = outcome.recordId !== recordId;
        return [
          tellLeftOut(connection, { contactId: people[0], recordId }, leftOut, now),
          {
            agreed: [agreed],
            mended: whole ? people.map((contactId) => ({ contactId, recordId: outcome.recordId })) : [],
            outcomes: [[dirty, 'updated']],
            gone: moved ? [{ recordId, how: 'merged', at: now, movedTo: outcome.recordId }] : [],
            instead: moved ? [[outcome.recordId, dirty.priority]] : [],
          },
        ];
      }
      case 'gone':
        return [leftGone(plan.target, wentAt(plan.target, now))];
      case 'later':
      case 'unknown':
        return [comeBack({ connection, now }, dirty, people[0], outcome)];
      case 'refused':
      case 'taken':
      case 'exists':
        return [refusedAsWhole({ connection, now }, dirty, { contactId: people[0], recordId }, outcome)];
    }
  });
  return [...unchanged, ...updated];
}

/** When the vendor said it went; where it did not, some time after it was last seen, or known to have stood. */
function wentAt({ row, stoodAt }: DirtyTarget, now: number): number {
  return row?.goneAt ?? row?.doubtedAt ?? row?.readAt ?? stoodAt ?? now;
}

/** Leaves a deleted record alone, unless its person wrote since. */
function leftGone(target: DirtyTarget, at: number): Finding {
  const { recordId, dirty } = target;
  return {
    gone: [{ recordId, how: 'deleted', at }],
    back: writersSince(target, at),
    outcomes: [[dirty, 'left alone']],
  };
}

export function hasWrite({ write }: TargetPlan): boolean {
  return Object.keys(write).length > 0;
}

/** What both sides agree on after a write, or after a look that found nothing to write. */
function agreedOf(
  { traits }: Connector,
  mapping: readonly FieldMapping[],
  plan: TargetPlan,
  answered: CrmValues,
  region: string | undefined,
  leftOut: readonly LeftOut[] = [],
): AgreedRecord {
  const { target, before, key, record, write } = plan;
  const { base, ours } = withoutLeftOut(plan.agreed, before, leftOut);
  const agreed = asAnswered(base, write, answered, mapping, traits.spelling);
  // A phone nobody maps stands as it was read, whatever was known of it before.
  const unwritten = Object.entries(record?.values ?? {}).filter(([field]) => !(field in write));
  return {
    recordId: target.recordId,
    keyContactId: key,
    base: agreed,
    ours,
    refused: plan.refused,
    tookOver: target.takenOver.map((one) => one.recordId),
    phones: phonesOf({ values: { ...agreed, ...Object.fromEntries(unwritten) } }, traits, region),
    rank: record?.rank,
    createdAt: record?.createdAt,
    changedAt: record?.changedAt,
    ...(record === undefined ? { phoneFields: traits.phoneFields.filter((field) => field in write) } : {}),
  };
}

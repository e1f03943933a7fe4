import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { type Connector, type CrmValues, type FieldMapping, phonesOf } from '../../crm/index.ts';
import { valuesForNew } from '../../mapping/index.ts';
import {
  type ConnectionRow,
  type DeadLetter,
  decideCreations,
  type DirtyRecord,
  markTried,
  noteWrites,
  raiseAlert,
  type SeenRecord,
  type Store,
  unborn,
} from '../../store/index.ts';
import type { ErasureKeyOf } from '../erased.ts';
import { type BatchOutcome, Findings, rememberFindings } from './findings.ts';
import type { DirtyBatch, DirtyTarget, Homeless } from './load-batch.ts';
import { planTarget, type TargetPlan } from './plan-target.ts';
import { mostPressing } from './priority.ts';
import {
  assignOwners,
  type Creating,
  fieldsToRead,
  loadResolveFacts,
  resolveHomeless,
  seenRecord,
} from './resolve.ts';
import { createRecords, type RecordOutcome, updateRecords } from './write-records.ts';

interface BatchWork {
  readonly store: Store;
  readonly clock: Clock;
  readonly connection: ConnectionRow;
  readonly connector: Connector;
  readonly mapping: readonly FieldMapping[];
  readonly batch: DirtyBatch;
  readonly lease: string;
  readonly erasureKeyOf: ErasureKeyOf;
}

type CreatingValues = Creating & { readonly values: CrmValues };

/**
 * Brings one leased batch in step: first records that stand, a STOP among them, then contacts that have none, whose search
 * may take its time. Reads what has to be seen and writes what differs, in as few calls as the CRM allows. Returns how
 * many came to what.
 */
export async function writeBatch(work: BatchWork): Promise<ReadonlyMap<BatchOutcome, number>> {
  const { batch } = work;
  const counted = new Map<BatchOutcome, number>();
  const remember = async (leased: readonly DirtyRecord[], findings: Findings): Promise<void> => {
    const { store, clock, connection, lease, mapping, erasureKeyOf } = work;
    await store.transact(connection.workspaceId, (trx) =>
      rememberFindings(trx, connection, { leased, lease, mapping, erasureKeyOf }, findings, clock.now()),
    );
    for (const outcome of findings.outcomes.values()) counted.set(outcome, (counted.get(outcome) ?? 0) + 1);
  };

  if (batch.targets.length + batch.idle.length > 0) {
    const findings = new Findings();
    for (const dirty of batch.idle) findings.outcomes.set(dirty, 'unchanged');
    for (const recordId of batch.instead) findings.instead.add(recordId);
    const standing = withoutGone(batch.targets, findings, work.clock.now());
    const plans = await planStanding(work, standing, findings);
    await noteIntentions(work, [], plans);
    await update(work, plans, findings);
    await remember([...batch.targets.map(({ dirty }) => dirty), ...batch.idle], findings);
  }
  if (batch.homeless.length > 0) {
    const findings = new Findings();
    const creating = await resolve(work, batch.homeless, findings);
    await noteIntentions(work, creating, []);
    await create(work, creating, findings);
    await remember(
      batch.homeless.map(({ dirty }) => dirty),
      findings,
    );
  }
  return counted;
}

/** Sorts out records that are no more: merged ones point on, deleted ones are left unless their person wrote since. */
function withoutGone(targets: readonly DirtyTarget[], findings: Findings, now: number): DirtyTarget[] {
  return targets.filter(({ row, dirty, homes, others }) => {
    const goneAt = row?.goneAt ?? now;
    if (row?.gone === 'merged' && row.movedTo !== null) {
      findings.instead.add(row.movedTo);
      findings.outcomes.set(dirty, 'unchanged');
    } else if (row !== undefined && row.gone !== null && !dirty.reread) {
      const back = homes.filter(({ lastInboundAt }) => (lastInboundAt ?? 0) > goneAt);
      findings.back.push(...back.map(({ contactId }) => contactId));
      findings.outcomes.set(dirty, 'left alone');
    } else if (homes.length + others.length === 0 && !dirty.reread) {
      findings.outcomes.set(dirty, 'left alone');
    }
    return !findings.outcomes.has(dirty);
  });
}

/** Finds the records of contacts that have none; returns those whose record is to be made. */
async function resolve(
  { store, clock, connection, connector, mapping, erasureKeyOf }: BatchWork,
  homeless: readonly Homeless[],
  findings: Findings,
): Promise<CreatingValues[]> {
  const { traits } = connector;
  const { workspaceId, connectionId } = connection;
  const facts = await store.transact(workspaceId, (trx) =>
    loadResolveFacts(trx, connection, homeless, erasureKeyOf, clock.now()),
  );
  const fields = fieldsToRead(connector, mapping);
  const resolved = await resolveHomeless(connector, connection, homeless, facts, fields, clock.now());
  findings.seen.push(...resolved.seen);
  findings.agreed.push(...resolved.ours);
  findings.held.push(...resolved.held);
  for (const { homeless: one, recordId, reason, others } of resolved.found) {
    const { contactId } = one.contact;
    findings.links.push({ contactId, recordId, home: true, reason });
    findings.links.push(
      ...others.map((other) => ({ contactId, recordId: other, home: false, reason: 'phone' as const })),
    );
    for (const found of [recordId, ...others]) findings.instead.add(found);
    if (one.tombstoneAt !== undefined) findings.back.push(contactId);
    findings.outcomes.set(one.dirty, 'unchanged');
  }
  for (const dirty of resolved.leftAlone) findings.outcomes.set(dirty, 'left alone');
  if (resolved.rush) {
    const message = connection.settings.creation.rush.hold
      ? 'Far more new people than in the usual hour wrote in. No records are made for them until an admin lets them in.'
      : 'Far more new people than in the usual hour wrote in, and a record is made for each. Check where they come from.';
    await store.transact(workspaceId, (trx) =>
      raiseAlert(trx, { connectionId, kind: 'rush of new records', message }, clock.now()),
    );
  }
  const assigned =
    connection.settings.owner.kind === 'nobody'
      ? resolved.creating
      : await store.transact(workspaceId, (trx) =>
          assignOwners(trx, connection, resolved.creating, facts.first),
        );
  return assigned.map((one) => {
    const { ownerId } = one.creation;
    const owner = traits.ownerField === undefined || ownerId === null ? {} : { [traits.ownerField]: ownerId };
    const values = valuesForNew(one.homeless.contact, mapping, traits.spelling);
    return { ...one, values: { ...values, ...owner } };
  });
}

/** Decides about records that stand, after reading those that have to be seen. */
async function planStanding(
  { connection, connector, mapping, clock }: BatchWork,
  standing: readonly DirtyTarget[],
  findings: Findings,
): Promise<TargetPlan[]> {
  const { traits } = connector;
  const plans = standing.map((target) => planTarget(target, undefined, mapping, traits));
  const asking = plans.filter(({ needsRead }) => needsRead).map(({ target }) => target);
  if (asking.length === 0) return plans;
  const records = await connector.read(
    asking.map(({ recordId }) => recordId),
    fieldsToRead(connector, mapping),
    mostPressing(asking.map(({ dirty }) => dirty)),
  );
  const byAsked = new Map(records.map((record) => [record.askedAs, record]));
  return [
    ...plans.filter(({ needsRead }) => !needsRead),
    ...asking.flatMap((target) => {
      const { recordId, dirty, homes, others, row } = target;
      const record = byAsked.get(recordId);
      // When it went is not known: some time after it was last seen.
      const at = row?.readAt ?? clock.now();
      if (record === undefined) {
        findings.gone.push({ recordId, how: 'deleted', at });
        findings.instead.add(recordId);
        findings.outcomes.set(dirty, 'left alone');
        return [];
      }
      if (record.recordId !== recordId) {
        findings.gone.push({ recordId, how: 'merged', at, movedTo: record.recordId });
        findings.instead.add(record.recordId);
        findings.outcomes.set(dirty, 'unchanged');
        return [];
      }
      if (homes.length + others.length === 0) {
        findings.seen.push(seenRecord(record, traits.phoneFields, connection.region));
        findings.outcomes.set(dirty, 'unchanged');
        return [];
      }
      const plan = planTarget(target, record, mapping, traits);
      findings.taking.push(plan);
      return [plan];
    }),
  ];
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
    const fresh = creating.filter(({ decidedBefore }) => !decidedBefore);
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

async function create(
  { connection, connector, clock }: BatchWork,
  creating: readonly CreatingValues[],
  findings: Findings,
): Promise<void> {
  if (creating.length === 0) return;
  const outcomes = await createRecords(
    connector,
    creating.map(({ creation, values }) => ({ contactId: creation.key, values })),
    mostPressing(creating.map(({ homeless }) => homeless.dirty)),
  );
  const byKey = new Map(outcomes.map((outcome) => [outcome.item, outcome]));
  for (const { homeless, creation, values } of creating) {
    const outcome = byKey.get(creation.key);
    const { contactId } = homeless.contact;
    if (outcome === undefined) continue;
    noteLeftOut(findings, connection, contactId, outcome);
    // A deleted record may keep our key for itself: the new one gets another, once.
    const keyTaken = outcome.outcome === 'taken' && creation.key === contactId;
    if (outcome.outcome === 'written') {
      const { recordId } = outcome;
      findings.links.push({ contactId, recordId, home: true, reason: 'created' });
      findings.agreed.push({
        recordId,
        keyContactId: creation.key,
        base: asAnswered(values, values, outcome.values),
        ours: Object.keys(values).toSorted(),
        phones: phonesOf({ values }, connector.traits.phoneFields, connection.region),
      });
      findings.named.push({ from: unborn(creation.key), to: recordId });
      findings.mended.push(contactId);
      if (homeless.tombstoneAt !== undefined) findings.back.push(contactId);
      findings.outcomes.set(homeless.dirty, 'created');
    } else if (keyTaken) {
      findings.newKeys.push({ ...creation, key: randomUUID() });
    } else {
      findings.letters.push(letterOf(connection, contactId, outcome, clock.now()));
      findings.outcomes.set(homeless.dirty, 'refused');
    }
  }
}

async function update(
  { connection, connector, clock }: BatchWork,
  plans: readonly TargetPlan[],
  findings: Findings,
): Promise<void> {
  for (const plan of plans.filter((one) => !hasWrite(one))) {
    findings.outcomes.set(plan.target.dirty, 'unchanged');
    if (plan.record !== undefined) findings.agreed.push(agreedOf(connector, plan, {}, connection.region));
  }
  const writing = plans.filter(hasWrite);
  if (writing.length === 0) return;
  const outcomes = await updateRecords(
    connector,
    writing.map(({ target, write }) => ({ recordId: target.recordId, values: write })),
    mostPressing(writing.map(({ target }) => target.dirty)),
  );
  const byRecord = new Map(outcomes.map((outcome) => [outcome.item, outcome]));
  for (const plan of writing) {
    const { dirty, recordId, homes, others } = plan.target;
    const outcome = byRecord.get(recordId);
    if (outcome === undefined) continue;
    const people = [...homes, ...others].map(({ contactId }) => contactId);
    // Our id on another record is that record's matter: it is taken off there when it is not the person's home.
    const withoutKey = outcome.leftOut?.field === connector.traits.contactIdField;
    if (!withoutKey) noteLeftOut(findings, connection, people[0], outcome);
    if (outcome.outcome === 'written') {
      const agreed = agreedOf(connector, plan, outcome.values, connection.region);
      findings.agreed.push(withoutKey ? { ...agreed, keyContactId: undefined } : agreed);
      findings.mended.push(...people);
      findings.outcomes.set(dirty, 'updated');
      if (outcome.recordId !== recordId) {
        findings.gone.push({ recordId, how: 'merged', at: clock.now(), movedTo: outcome.recordId });
        findings.instead.add(outcome.recordId);
      }
    } else if (outcome.outcome === 'gone') {
      const at = plan.target.row?.readAt ?? clock.now();
      findings.gone.push({ recordId, how: 'deleted', at });
      // Once more, to see whether its person wrote since.
      findings.instead.add(recordId);
      findings.outcomes.set(dirty, 'left alone');
    } else {
      findings.letters.push(letterOf(connection, people[0], outcome, clock.now()));
      findings.outcomes.set(dirty, 'refused');
    }
  }
}

function hasWrite({ write }: TargetPlan): boolean {
  return Object.keys(write).length > 0;
}

/** What both sides agree on after a write, or after a look that found nothing to write. */
function agreedOf(
  { traits }: Connector,
  plan: TargetPlan,
  answered: CrmValues,
  region: string | undefined,
): SeenRecord & { readonly ours: readonly string[] } {
  const { target, agreed, key, record, write } = plan;
  const base = asAnswered(agreed.base, write, answered);
  return {
    recordId: target.recordId,
    keyContactId: key,
    base,
    ours: agreed.ours,
    phones: phonesOf({ values: { ...record?.values, ...base } }, traits.phoneFields, region),
    ...(record === undefined ? { phoneFields: traits.phoneFields.filter((field) => field in write) } : {}),
  };
}

/** What we wrote in the form the CRM answered it. */
function asAnswered(base: CrmValues, written: CrmValues, answered: CrmValues): CrmValues {
  const agreed: Record<string, string> = { ...base };
  for (const field of Object.keys(written)) {
    const value = answered[field];
    if (value !== undefined && field in base) agreed[field] = value;
  }
  return agreed;
}

function noteLeftOut(
  findings: Findings,
  { connectionId }: ConnectionRow,
  contactId: string | undefined,
  { leftOut }: RecordOutcome,
): void {
  if (leftOut === undefined || contactId === undefined) return;
  findings.conflicts.push({
    connectionId,
    kind: 'taken by another record',
    contactId,
    recordIds: [leftOut.recordId],
    explanation: leftOut.explanation,
  });
}

function letterOf(
  { connectionId }: ConnectionRow,
  contactId: string | undefined,
  outcome: Exclude<RecordOutcome, { outcome: 'written' }>,
  now: number,
): DeadLetter {
  return {
    ...(outcome.outcome === 'refused'
      ? { reason: outcome.code, explanation: outcome.explanation }
      : {
          reason: outcome.outcome,
          explanation: 'explanation' in outcome ? outcome.explanation : 'The record is no longer there.',
        }),
    source: 'crm',
    connectionId,
    ...(contactId === undefined ? {} : { contactId }),
    receivedAt: now,
  };
}

import { randomUUID } from 'node:crypto';
import { type CrmValues, phonesOf } from '../../crm/index.ts';
import { valuesForNew } from '../../mapping/index.ts';
import { raiseAlert, unborn } from '../../store/index.ts';
import { followedBy } from '../followed.ts';
import { asAnswered, type BatchWork, letterOf, noteLeftOut } from './batch-work.ts';
import type { Findings } from './findings.ts';
import type { Homeless } from './load-batch.ts';
import { mostPressing } from './priority.ts';
import { loadResolveFacts } from './resolve-facts.ts';
import { assignOwners, type Creating, fieldsToRead, resolveHomeless } from './resolve.ts';
import { createRecords } from './write-records.ts';

/** A record to be made, and what it is to hold. */
export type CreatingValues = Creating & { readonly values: CrmValues };

/** Finds the records of contacts that have none; returns those whose record is to be made. */
export async function resolveNew(
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
  for (const { recordId, keyContactId } of resolved.ours) {
    if (keyContactId !== undefined) findings.named.push({ from: unborn(keyContactId), to: recordId });
  }
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

/** Makes them. */
export async function createNew(
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
  const { theirs } = followedBy(connection, connector.traits);
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
        base: { ...onlyOf(outcome.values, theirs), ...asAnswered(values, values, outcome.values) },
        ours: Object.keys(values).toSorted(),
        phones: phonesOf({ values }, connector.traits.phoneFields, connection.region),
      });
      findings.named.push({ from: unborn(creation.key), to: recordId });
      if (!theirs.isSubsetOf(new Set(Object.keys(outcome.values)))) findings.unseen.push(recordId);
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

function onlyOf(values: CrmValues, fields: ReadonlySet<string>): CrmValues {
  return Object.fromEntries(Object.entries(values).filter(([field]) => fields.has(field)));
}

import { randomUUID } from 'node:crypto';
import { type CrmValues, linesOn, phonesOf } from '../../crm/index.ts';
import { ownNumbersOf, standInsOf, valuesForNew } from '../../mapping/index.ts';
import { raiseAlert, twoRecords, unborn } from '../../store/index.ts';
import { followedBy, settlesAt } from '../followed.ts';
import { adoptNamed, type NamedTwin, namesTwin } from './adopt.ts';
import { asAnswered, type BatchWork, comeBack, refusedAsWhole, tellLeftOut } from './batch-work.ts';
import type { Finding } from './findings.ts';
import { optOutFieldsOf, refusedValues, storedOtherwise } from './left-out.ts';
import type { UnlinkedContact } from './load-batch.ts';
import { mostPressing } from './priority.ts';
import { loadResolveFacts, type ResolveFacts } from './resolve-facts.ts';
import { assignOwners, type CreatingValues, fieldsToRead, madeType, resolveUnlinked } from './resolve.ts';
import { createRecords, type RecordOutcome, type RecordsWritten } from './write-records.ts';

/** Records to be made, and which records are not their people's. */
export type ToCreate = Pick<ResolveFacts, 'parted' | 'losing'> & {
  readonly creating: readonly CreatingValues[];
};

/** Finds the records of contacts that have none; returns those whose record is to be made. */
export async function resolveNew(
  { store, clock, connection, connector, mapping, erasureKeyOf }: BatchWork,
  unlinked: readonly UnlinkedContact[],
): Promise<{ readonly toCreate: ToCreate; readonly found: readonly Finding[] }> {
  const { traits } = connector;
  const { workspaceId, connectionId } = connection;
  const facts = await store.transact(workspaceId, (trx) =>
    loadResolveFacts(trx, connection, unlinked, erasureKeyOf, clock.now()),
  );
  const fields = fieldsToRead(connector, mapping);
  const resolved = await resolveUnlinked(connector, connection, unlinked, facts, fields, clock.now());
  const found = resolved.found.map(({ unlinked: one, recordId, reason, others }): Finding => {
    const { contactId } = one.contact;
    const [other, ...more] = others;
    const doubled = reason === 'our id' && other !== undefined;
    return {
      links: [
        { contactId, recordId, primary: true, reason },
        ...others.map((another) => ({ contactId, recordId: another, primary: false, reason })),
      ],
      instead: [recordId, ...others].map((id) => [id, one.dirty.priority]),
      conflicts: doubled ? [twoRecords(connectionId, contactId, [recordId, other, ...more])] : [],
      back: one.tombstoneAt === undefined ? [] : [[contactId, one.dirty.priority]],
      outcomes: [[one.dirty, 'unchanged']],
    };
  });
  const others: Finding = {
    seen: resolved.seen,
    agreed: resolved.ours,
    named: resolved.ours.flatMap(({ recordId, keyContactId }) =>
      keyContactId === undefined ? [] : [{ from: unborn(keyContactId), to: recordId }],
    ),
    held: resolved.held,
    outcomes: resolved.leftAlone.map((dirty) => [dirty, 'left alone']),
  };
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
  const type = madeType(connection, traits);
  const creating = assigned.map((one) => {
    const { ownerId } = one.creation;
    const owner = traits.ownerField === undefined || ownerId === null ? {} : { [traits.ownerField]: ownerId };
    const values = valuesForNew(one.unlinked.contact, linesOn(mapping, type), traits.spelling);
    const elsewhere = facts.typedElsewhere.get(one.unlinked.contact.contactId) ?? [];
    return { ...one, values: { ...values, ...owner }, elsewhere: elsewhere.map(({ recordId }) => recordId) };
  });
  return { toCreate: { creating, parted: facts.parted, losing: facts.losing }, found: [...found, others] };
}

/** Makes them, and takes in their place what the vendor names as the person's. */
export async function createNew(work: BatchWork, { creating, ...facts }: ToCreate): Promise<Finding[]> {
  const { connection, connector, clock } = work;
  const { traits } = connector;
  if (creating.length === 0) return [];
  // A try before this one may still come through, late: two records are looked for then.
  const repeated = creating.filter(
    ({ unlinked }) => traits.writeClass === 'findable' && unlinked.dirty.tried,
  );
  const found: Finding[] = [{ repeated: repeated.map(({ unlinked }) => unlinked.contact.contactId) }];
  const { outcomes, unheard } = await create(work, creating);
  const twins = creating.flatMap((one): NamedTwin[] => {
    const outcome = outcomes.get(one.creation.key);
    return outcome !== undefined && namesTwin(outcome, traits) ? [{ creating: one, outcome }] : [];
  });
  const named = new Set(twins.map((twin) => twin.creating));
  for (const one of creating.filter((other) => !named.has(other))) {
    found.push(...createdOne(work, one, outcomes.get(one.creation.key), unheard));
  }
  if (twins.length === 0) return found;
  const adopted = await adoptNamed(work, twins, facts);
  const again = adopted.notTheirs.flatMap(({ twin, values }) =>
    values === undefined ? [] : [{ ...twin.creating, values }],
  );
  const second = await create(work, again);
  for (const one of again) {
    found.push(...createdOne(work, one, second.outcomes.get(one.creation.key), second.unheard));
  }
  const refused = adopted.notTheirs.filter(({ values }) => values === undefined);
  return [
    ...found,
    ...adopted.found,
    ...refused.map(({ twin }) => {
      const { dirty, contact } = twin.creating.unlinked;
      return refusedAsWhole({ connection, now: clock.now() }, dirty, contact, twin.outcome);
    }),
  ];
}

async function create(
  { connection, connector, mapping, calls }: BatchWork,
  creating: readonly CreatingValues[],
): Promise<RecordsWritten> {
  const contactOf = new Map(creating.map(({ creation, unlinked }) => [creation.key, unlinked.contact]));
  const standIns = (key: string, field: string): string[] => {
    const line = mapping.find((one) => one.field.name === field);
    const contact = contactOf.get(key);
    return line === undefined || contact === undefined
      ? []
      : standInsOf(line, contact, connector.traits.spelling);
  };
  return createRecords(
    calls,
    connector,
    creating.map(({ creation, values }) => ({ contactId: creation.key, values })),
    madeType(connection, connector.traits),
    standIns,
    {
      priority: mostPressing(creating.map(({ unlinked }) => unlinked.dirty)),
      automations: connection.settings.automations.onCreate,
    },
  );
}

/** What became of one create. */
function createdOne(
  { connection, connector, mapping, clock }: BatchWork,
  { unlinked, creation, elsewhere }: CreatingValues,
  outcome: RecordOutcome | undefined,
  unheard: ReadonlySet<string>,
): Finding[] {
  const { traits } = connector;
  const { dirty, contact } = unlinked;
  const { contactId } = contact;
  const now = clock.now();
  // So long a create that got no answer may still be made, where the vendor does not keep it from being made twice.
  const settled = traits.writeClass === 'findable' ? { notBefore: now + traits.settleMs } : {};
  if (outcome === undefined) {
    const back = unheard.has(creation.key) ? settled : { untried: !dirty.tried };
    return [{ returned: [[dirty, { dirty, ...back }]] }];
  }
  const { leftOut, sent } = outcome;
  switch (outcome.outcome) {
    case 'written': {
      const { theirs } = followedBy(connection, traits);
      const { recordId } = outcome;
      const { ownerField } = traits;
      // Made for nobody: an answer that tells no owner tells that.
      const stands = ownerField === undefined ? outcome.values : { [ownerField]: '', ...outcome.values };
      const [holder, ...more] = elsewhere;
      const base = asAnswered(sent, sent, outcome.values, mapping, traits.spelling);
      const agreed = {
        recordId,
        keyContactId: creation.key,
        base: {
          ...onlyOf(stands, theirs),
          ...base,
          ...ownNumbersOf(sent, mapping, traits.spelling),
        },
        ours: Object.keys(sent).toSorted(),
        refused: {
          ...refusedValues(leftOut, optOutFieldsOf(mapping)),
          ...storedOtherwise(sent, outcome.values, mapping, traits.spelling),
        },
        phones: phonesOf({ values: sent }, traits, connection.region),
      };
      return [
        tellLeftOut(connection, { contactId, recordId }, leftOut, now),
        {
          links: [{ contactId, recordId, primary: true, reason: 'created' }],
          conflicts:
            holder === undefined
              ? []
              : [twoRecords(connection.connectionId, contactId, [recordId, holder, ...more])],
          agreed: [agreed],
          named: [{ from: unborn(creation.key), to: recordId }],
          // The try before may still be made under the same id, with what it was to say then.
          unsettled: dirty.tried ? [{ recordId, dueAt: settlesAt({ at: now }, traits) + 1 }] : [],
          unseen: theirs.isSubsetOf(new Set(Object.keys(stands))) ? [] : [recordId],
          // What the account's own rules set of what both sides change is looked at.
          instead: Object.keys(sent).every((field) => field in base) ? [] : [[recordId, dirty.priority]],
          mended: leftOut.length === 0 ? [{ contactId, recordId }] : [],
          back: unlinked.tombstoneAt === undefined ? [] : [[contactId, dirty.priority]],
          outcomes: [[dirty, 'created']],
        },
      ];
    }
    case 'later':
    case 'unknown': {
      const { notBefore } = outcome.outcome === 'unknown' ? settled : {};
      return [comeBack({ connection, now }, dirty, contactId, outcome, notBefore)];
    }
    case 'taken':
    case 'exists':
    case 'refused':
    case 'gone': {
      // A deleted record may keep our key for itself: the new one gets another, once.
      const keyTaken = outcome.outcome === 'taken' && outcome.field === traits.contactIdField;
      if (keyTaken && creation.key === contactId) {
        return [{ newKeys: [{ ...creation, key: randomUUID() }] }];
      }
      return [refusedAsWhole({ connection, now }, dirty, { contactId }, outcome)];
    }
  }
}

function onlyOf(values: CrmValues, fields: ReadonlySet<string>): CrmValues {
  return Object.fromEntries(Object.entries(values).filter(([field]) => fields.has(field)));
}

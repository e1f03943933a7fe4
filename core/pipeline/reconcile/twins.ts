import type { CrmRecord } from '../../crm/index.ts';
import { creationsOf, type DirtyRecord, twoRecords } from '../../store/index.ts';
import { knownByErased } from '../erased.ts';
import type { BatchWork } from './batch-work.ts';
import { byAge, inChunks, orderOf, seenRecord } from './candidates.ts';
import { contactFields } from './contact-fields.ts';
import type { Findings } from './findings.ts';
import type { UnlinkedContact } from './load-batch.ts';
import { hurry } from './priority.ts';
import { fieldsToRead } from './resolve.ts';
import { searchByPhone } from './search.ts';

/**
 * Looks once more, a while after a create was repeated, whether both tries made a record: the oldest is the person's, and
 * what becomes of the other a person decides. Nothing is deleted. Whoever is known by the phone of somebody who was erased
 * is looked for by it. Throws as the connector does.
 */
export async function lookForTwins(
  work: BatchWork,
  marks: readonly DirtyRecord[],
  findings: Findings,
): Promise<void> {
  if (marks.length === 0) return;
  const later = await lookByErasedPhones(work, marks, findings);
  const { store, connection, connector, mapping } = work;
  const { traits } = connector;
  const { workspaceId, connectionId } = connection;
  const contactIds = marks.flatMap(({ contactId }) => contactId ?? []);
  const creations = await store.transact(workspaceId, (trx) => creationsOf(trx, connectionId, contactIds));
  const contactOf = new Map(creations.map(({ key, contactId }) => [key, contactId]));
  const held = new Map<string, CrmRecord[]>();
  for (const keys of inChunks([...contactOf.keys()], traits.sizes.findByContactId)) {
    for (const record of await connector.findByContactId(keys, fieldsToRead(connector, mapping), 'fields')) {
      const contactId = contactOf.get(record.contactId ?? '');
      if (contactId !== undefined) held.set(contactId, [...(held.get(contactId) ?? []), record]);
    }
  }
  for (const [contactId, records] of held) {
    const [oldest, second, ...more] = records
      .map(orderOf)
      .toSorted(byAge)
      .map(({ recordId }) => recordId);
    if (oldest === undefined || second === undefined) continue;
    findings.seen.push(...records.map((record) => seenRecord(record, traits, connection.region)));
    for (const recordId of [oldest, second, ...more]) {
      findings.links.push({ contactId, recordId, primary: recordId === oldest, reason: 'our id' });
      hurry(findings.instead, recordId, marks[0]?.priority ?? 0);
    }
    findings.preferred.push({ contactId, recordId: oldest });
    findings.conflicts.push(twoRecords(connectionId, contactId, [oldest, second, ...more]));
  }
  for (const dirty of marks) if (!later.has(dirty)) findings.outcomes.set(dirty, 'unchanged');
}

/** Whatever holds their phones is indexed, and so takes their opt-out. Returns marks about which nothing was heard. */
async function lookByErasedPhones(
  { store, clock, connection, connector, mapping, erasureKeyOf }: BatchWork,
  marks: readonly DirtyRecord[],
  findings: Findings,
): Promise<ReadonlySet<DirtyRecord>> {
  const dirtyOf = new Map(marks.map((dirty) => [dirty.contactId, dirty]));
  const people = await store.transact(connection.workspaceId, async (trx) => {
    const contactIds = await knownByErased(
      trx,
      marks.flatMap(({ contactId }) => contactId ?? []),
      erasureKeyOf,
    );
    const contacts = await contactFields(trx, contactIds, clock.now());
    return contacts.flatMap((contact): UnlinkedContact[] => {
      const dirty = dirtyOf.get(contact.contactId);
      return dirty === undefined ? [] : [{ dirty, contact, tombstoneAt: undefined }];
    });
  });
  if (people.length === 0) return new Set();
  const fields = fieldsToRead(connector, mapping);
  const found = await searchByPhone(connector, connection.region, people, new Set(), fields);
  findings.seen.push(...found.seen);
  return new Set(found.later.map(({ dirty }) => dirty));
}

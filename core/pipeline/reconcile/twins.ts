import type { CrmRecord } from '../../crm/index.ts';
import { creationsOf, type DirtyRecord, twoRecords } from '../../store/index.ts';
import { knownByErased } from '../erased.ts';
import type { BatchWork } from './batch-work.ts';
import { byAge, inChunks, orderOf, seenRecord } from './candidates.ts';
import { contactFields } from './contact-fields.ts';
import type { Finding } from './findings.ts';
import type { UnlinkedContact } from './load-batch.ts';
import { fieldsToRead } from './resolve.ts';
import { searchByPhone } from './search.ts';

/**
 * Looks once more, a while after a create was repeated, whether both tries made a record: the oldest is the person's, and
 * what becomes of the other a person decides. Nothing is deleted. Whoever is known by the phone of somebody who was erased
 * is looked for by it. Throws as the connector does.
 */
export async function lookForTwins(work: BatchWork, marks: readonly DirtyRecord[]): Promise<Finding[]> {
  const byErasedPhones = await lookByErasedPhones(work, marks);
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
  const found = [...held].flatMap(([contactId, records]): Finding[] => {
    const [oldest, second, ...more] = records
      .map(orderOf)
      .toSorted(byAge)
      .map(({ recordId }) => recordId);
    if (oldest === undefined || second === undefined) return [];
    const all = [oldest, second, ...more] as const;
    return [
      {
        seen: records.map((record) => seenRecord(record, traits.phoneFields, connection.region)),
        links: all.map((recordId) => ({
          contactId,
          recordId,
          primary: recordId === oldest,
          reason: 'our id',
        })),
        instead: all.map((recordId) => [recordId, marks[0]?.priority ?? 0]),
        preferred: [{ contactId, recordId: oldest }],
        conflicts: [twoRecords(connectionId, contactId, all)],
      },
    ];
  });
  const heard = marks.filter((dirty) => !byErasedPhones.later.has(dirty));
  return [byErasedPhones, ...found, { outcomes: heard.map((dirty) => [dirty, 'unchanged']) }];
}

/** Whatever holds their phones is indexed, and so takes their opt-out. `later`: marks about which nothing was heard. */
async function lookByErasedPhones(
  { store, clock, connection, connector, mapping, erasureKeyOf }: BatchWork,
  marks: readonly DirtyRecord[],
): Promise<Required<Pick<Finding, 'seen'>> & { readonly later: ReadonlySet<DirtyRecord> }> {
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
  if (people.length === 0) return { seen: [], later: new Set() };
  const fields = fieldsToRead(connector, mapping);
  const found = await searchByPhone(connector, connection.region, people, new Set(), fields);
  return { seen: found.seen, later: new Set(found.later.map(({ dirty }) => dirty)) };
}

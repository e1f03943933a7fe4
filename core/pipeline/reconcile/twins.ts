import type { CrmRecord } from '../../crm/index.ts';
import { creationsOf, type DirtyRecord, twoRecords } from '../../store/index.ts';
import type { BatchWork } from './batch-work.ts';
import { byAge, inChunks, orderOf, seenRecord } from './candidates.ts';
import type { Findings } from './findings.ts';
import { hurry } from './priority.ts';
import { fieldsToRead } from './resolve.ts';

/**
 * Looks once more, a while after a create was repeated, whether both tries made a record: the oldest is the person's, and
 * what becomes of the other a person decides. Nothing is deleted. Throws as the connector does.
 */
export async function lookForTwins(
  { store, connection, connector, mapping }: BatchWork,
  marks: readonly DirtyRecord[],
  findings: Findings,
): Promise<void> {
  if (marks.length === 0) return;
  const { traits } = connector;
  const { workspaceId, connectionId } = connection;
  const contactIds = marks.flatMap(({ contactId }) => contactId ?? []);
  const creations = await store.transact(workspaceId, (trx) => creationsOf(trx, connectionId, contactIds));
  const contactOf = new Map(creations.map(({ key, contactId }) => [key, contactId]));
  const held = new Map<string, CrmRecord[]>();
  for (const keys of inChunks([...contactOf.keys()], traits.batchSize)) {
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
    findings.seen.push(...records.map((record) => seenRecord(record, traits.phoneFields, connection.region)));
    for (const recordId of [oldest, second, ...more]) {
      findings.links.push({ contactId, recordId, home: recordId === oldest, reason: 'our id' });
      hurry(findings.instead, recordId, marks[0]?.priority ?? 0);
    }
    findings.preferred.push({ contactId, recordId: oldest });
    findings.conflicts.push(twoRecords(connectionId, contactId, [oldest, second, ...more]));
  }
  for (const dirty of marks) findings.outcomes.set(dirty, 'unchanged');
}

import { sql } from 'kysely';
import { isEarlierHolders } from './earlier-holders.ts';
import { holdContacts } from './hold-contacts.ts';
import { linksOfRecords } from './links.ts';
import type { WorkspaceTransaction } from '../store.ts';
import { dueTimeline } from '../timeline/timeline-moves.ts';

/**
 * People tied to these records whose primary record was deleted get another of their records that stands, if there is
 * one: whoever deletes one of two records, or restores one, says which is theirs. Timelines fall due there. Returns the
 * new primary records.
 */
export async function givePrimaryRecords(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
  now: number,
): Promise<string[]> {
  if (recordIds.length === 0) return [];
  const tied = await linksOfRecords(trx, connectionId, recordIds);
  const contactIds = [...new Set(tied.map(({ contactId }) => contactId))];
  await holdContacts(trx, contactIds);
  const earlier = isEarlierHolders(trx, connectionId, contactIds, {
    contactId: sql`tied.contact_id`,
    recordId: sql`tied.record_id`,
  });
  const { rows } = await sql<{ contactId: string; recordId: string; primary: boolean }>`
    with tied as (
      select l.contact_id, l.record_id, l.is_primary, r.gone is null as stands, coalesce(r.rank, 0) as rank, r.created_at
      from crm_links l
      left join crm_records r on r.workspace_id = l.workspace_id and r.connection_id = l.connection_id
                             and r.record_id = l.record_id
      where l.workspace_id = ${trx.workspaceId} and l.connection_id = ${connectionId} and l.parted_at is null
        and l.contact_id in (select t.contact_id from crm_links t
                             where t.workspace_id = ${trx.workspaceId} and t.connection_id = ${connectionId}
                               and t.record_id = any(${recordIds}::text[]) and t.parted_at is null)
    ), unlinked as (
      select contact_id from tied group by contact_id having bool_or(is_primary) and not bool_or(is_primary and stands)
    ), given as (
      select distinct on (contact_id) contact_id, tied.record_id from tied join unlinked using (contact_id)
      where stands and not ${earlier}
      order by contact_id, rank, created_at, length(record_id), record_id)
    update crm_links l set is_primary = (l.record_id = given.record_id)
    from given
    where l.workspace_id = ${trx.workspaceId} and l.connection_id = ${connectionId}
      and l.contact_id = given.contact_id and (l.is_primary or l.record_id = given.record_id)
    returning l.contact_id as "contactId", l.record_id as "recordId", l.is_primary as "primary"`.execute(trx);
  const primaries = rows.filter(({ primary }) => primary);
  await dueTimeline(
    trx,
    connectionId,
    primaries.map(({ contactId }) => contactId),
    now,
  );
  return primaries.map(({ recordId }) => recordId);
}

import { type RawBuilder, sql } from 'kysely';
import type { WorkspaceTransaction } from './store.ts';

/**
 * Of a phone `p` of `crm_phones`: whether we wrote it on a record that is of people who stand, by a link or by our key, and
 * none of them has it. It stands there until it is put right, and says nothing of whose record that is.
 */
export const isStrayPhone = (
  { workspaceId }: WorkspaceTransaction,
  connectionId: string | RawBuilder<unknown>,
): RawBuilder<boolean> => sql`
  exists (
    select 1 from crm_records w
    where w.workspace_id = ${workspaceId} and w.connection_id = ${connectionId} and w.record_id = p.record_id
      and p.field = any(w.ours)
      and position(convert_to(to_json(p.field)::text || ':' || to_json(p.typed)::text, 'UTF8') in w.base) > 0
      and (select bool_and(not exists (select 1 from identities i
                                       where i.workspace_id = ${workspaceId} and i.value = p.phone
                                         and i.contact_id = owner.contact_id))
           from (select l.contact_id from crm_links l
                 where l.workspace_id = ${workspaceId} and l.connection_id = ${connectionId}
                   and l.record_id = w.record_id and l.home and l.parted_at is null
                 union all
                 select coalesce(c.merged_into, c.contact_id) from contacts c
                 where c.workspace_id = ${workspaceId}
                   and c.contact_id = case when w.key_contact_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                                           then w.key_contact_id::uuid end) owner))`;

/** Records that hold phones of these contacts by such writes alone: they are not theirs. */
export async function recordsOfStrayPhones(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactIds: readonly string[],
): Promise<{ readonly contactId: string; readonly recordId: string }[]> {
  if (contactIds.length === 0) return [];
  const { rows } = await sql<{ contactId: string; recordId: string }>`
    select i.contact_id as "contactId", p.record_id as "recordId" from identities i
    join crm_phones p on p.workspace_id = ${trx.workspaceId} and p.phone = i.value and p.connection_id = ${connectionId}
    where i.workspace_id = ${trx.workspaceId} and i.contact_id = any(${contactIds}::uuid[])
    group by i.contact_id, p.record_id
    having bool_and(${isStrayPhone(trx, connectionId)})`.execute(trx);
  return rows;
}

import { type RawBuilder, sql } from 'kysely';
import type { WorkspaceTransaction } from './store.ts';

/**
 * Of a contact and a record: whether that record is the home of somebody who held one of the contact's phones before. It
 * stays theirs though it may still hold the number.
 */
export const isEarlierHolders = (
  { workspaceId }: WorkspaceTransaction,
  connectionId: string,
  {
    contactId,
    recordId,
  }: { readonly contactId: RawBuilder<unknown>; readonly recordId: RawBuilder<unknown> },
): RawBuilder<boolean> => sql`
  exists (select 1 from identities mine
          join identities earlier on earlier.workspace_id = mine.workspace_id and earlier.value = mine.value
                                 and earlier.since < mine.since and earlier.contact_id <> mine.contact_id
          join crm_links l on l.workspace_id = mine.workspace_id and l.connection_id = ${connectionId}
                          and l.contact_id = earlier.contact_id and l.home and l.parted_at is null
          where mine.workspace_id = ${workspaceId} and mine.contact_id = ${contactId} and l.record_id = ${recordId})`;

/** A record that is the home of somebody who held one of the contact's phones before. */
export interface EarlierHome {
  readonly contactId: string;
  readonly recordId: string;
  /** It holds that phone, and we did not write it there. */
  readonly typed: boolean;
}

export async function homesOfEarlierHolders(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactIds: readonly string[],
): Promise<EarlierHome[]> {
  if (contactIds.length === 0) return [];
  const { rows } = await sql<EarlierHome>`
    select mine.contact_id as "contactId", l.record_id as "recordId",
           bool_or(p.field is not null and not coalesce(r.agreed and p.field = any(r.ours), false)) as typed
    from identities mine
    join identities earlier on earlier.workspace_id = mine.workspace_id and earlier.value = mine.value
                           and earlier.since < mine.since and earlier.contact_id <> mine.contact_id
    join crm_links l on l.workspace_id = mine.workspace_id and l.connection_id = ${connectionId}
                    and l.contact_id = earlier.contact_id and l.home and l.parted_at is null
    left join crm_phones p on p.workspace_id = l.workspace_id and p.connection_id = l.connection_id
                          and p.record_id = l.record_id and p.phone = mine.value
    left join crm_records r on r.workspace_id = l.workspace_id and r.connection_id = l.connection_id
                           and r.record_id = l.record_id
    where mine.workspace_id = ${trx.workspaceId} and mine.contact_id = any(${contactIds}::uuid[])
      and mine.value like '+%'
    group by 1, 2
    order by 1, 2`.execute(trx);
  return rows;
}

import { sql } from 'kysely';
import type { WorkspaceTransaction } from './store.ts';
import { dueTimeline } from './timeline-moves.ts';

/**
 * People whose home was deleted and who have another record that stands are at home there: whoever deletes one of two
 * records says which is theirs. Timelines fall due there. Returns the new homes.
 */
export async function passHomes(
  trx: WorkspaceTransaction,
  connectionId: string,
  goneIds: readonly string[],
  now: number,
): Promise<string[]> {
  if (goneIds.length === 0) return [];
  const { rows } = await sql<{ contactId: string; recordId: string; home: boolean }>`
    with standing as (
      select l.contact_id, l.record_id, l.home, coalesce(r.rank, 0) as rank, r.created_at
      from crm_links l
      left join crm_records r on r.workspace_id = l.workspace_id and r.connection_id = l.connection_id
                             and r.record_id = l.record_id
      where l.workspace_id = ${trx.workspaceId} and l.connection_id = ${connectionId} and l.parted_at is null
        and r.gone is null
        and l.contact_id in (select g.contact_id from crm_links g
                             where g.workspace_id = ${trx.workspaceId} and g.connection_id = ${connectionId}
                               and g.record_id = any(${goneIds}::text[]) and g.home and g.parted_at is null)
    ), heirs as (
      select distinct on (contact_id) contact_id, record_id from standing
      where not exists (select 1 from standing s where s.contact_id = standing.contact_id and s.home)
      order by contact_id, rank, created_at, length(record_id), record_id)
    update crm_links l set home = (l.record_id = heirs.record_id)
    from heirs
    where l.workspace_id = ${trx.workspaceId} and l.connection_id = ${connectionId}
      and l.contact_id = heirs.contact_id and (l.home or l.record_id = heirs.record_id)
    returning l.contact_id as "contactId", l.record_id as "recordId", l.home`.execute(trx);
  const heirs = rows.filter(({ home }) => home);
  await dueTimeline(
    trx,
    connectionId,
    heirs.map(({ contactId }) => contactId),
    now,
  );
  return heirs.map(({ recordId }) => recordId);
}

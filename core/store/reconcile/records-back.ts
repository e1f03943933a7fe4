import { sql } from 'kysely';
import type { WorkspaceTransaction } from '../store.ts';
import { dueTimeline } from '../timeline/timeline-moves.ts';

/**
 * Around every statement that may say of records that were gone that they are there: what was said to people whose primary records are
 * those while they were gone falls due.
 */
export async function withRecordsBack(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
  now: number,
  say: () => Promise<unknown>,
): Promise<void> {
  const { rows: gone } = await sql<{ recordId: string }>`
    select record_id as "recordId" from crm_records
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${recordIds}::text[]) and gone is not null
    order by record_id for update`.execute(trx);
  await say();
  if (gone.length === 0) return;
  const { rows: people } = await sql<{ contactId: string }>`
    select distinct l.contact_id as "contactId" from crm_records r
    join crm_links l on l.workspace_id = r.workspace_id and l.connection_id = r.connection_id
                    and l.record_id = r.record_id and l.is_primary and l.parted_at is null
    where r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId}
      and r.record_id = any(${gone.map(({ recordId }) => recordId)}::text[]) and r.gone is null`.execute(trx);
  await dueTimeline(
    trx,
    connectionId,
    people.map(({ contactId }) => contactId),
    now,
  );
}

import { sql } from 'kysely';
import { sweepWrites } from '../reconcile/crm-writes.ts';
import { markContacts, markPriority } from '../reconcile/dirty.ts';
import type { WorkspaceTransaction } from '../store.ts';
import { sweepTimeline } from '../timeline/timeline-sweep.ts';

/** What time changes without an event: ended windows, writes whose echo has had its time, and entries nobody looks for. */
export async function sweepWorkspace(trx: WorkspaceTransaction, now: number): Promise<void> {
  await sweepWindows(trx, now);
  await sweepWrites(trx, now);
  const { rows } = await sql`
    select 1 from window_sweeps where workspace_id = ${trx.workspaceId} and entries_at <= ${now}`.execute(
    trx,
  );
  if (rows.length > 0) await sweepTimeline(trx, now);
}

/** Marks contacts whose service window ended since the last look. */
export async function sweepWindows(trx: WorkspaceTransaction, now: number): Promise<void> {
  const { rows } = await sql<{ sweptUntil: number }>`
    select swept_until as "sweptUntil" from window_sweeps
    where workspace_id = ${trx.workspaceId} for update`.execute(trx);
  await sql`
    insert into window_sweeps as s (workspace_id, swept_until) values (${trx.workspaceId}, ${now})
    on conflict (workspace_id) do update set swept_until = greatest(s.swept_until, excluded.swept_until)`.execute(
    trx,
  );
  const since = rows[0]?.sweptUntil ?? 0;
  const { rows: ended } = await sql<{ contactId: string }>`
    select distinct contact_id as "contactId" from conversations
    where workspace_id = ${trx.workspaceId} and window_closes_at > ${since} and window_closes_at <= ${now}`.execute(
    trx,
  );
  await markContacts(
    trx,
    ended.map(({ contactId }) => ({ contactId, priority: markPriority.fields })),
    now,
  );
}

import { sql } from 'kysely';
import { dueTimeline } from './timeline-moves.ts';
import { homeRecordOf } from './timeline.ts';
import type { WorkspaceTransaction } from './store.ts';

/** Most entries one look takes in. */
const sweepSize = 1000;

/**
 * Looks at entries that stand nowhere and are not due, a part of them a time and round and round: those of contacts that
 * have a record by now fall due. Nothing should be found: it heals what a fault or an older version left behind.
 */
export async function sweepTimeline(trx: WorkspaceTransaction, now: number): Promise<void> {
  const { rows } = await sql<{ from: string | null; contactId: string | null; connectionId: string | null }>`
    select s.entries_from as from, e.contact_id as "contactId", e.connection_id as "connectionId"
    from window_sweeps s
    left join lateral (
      select contact_id, connection_id from timeline_entries
      where workspace_id = ${trx.workspaceId} and due_at is null and record_id is null and written_hash is null
        and contact_id > coalesce(s.entries_from, '00000000-0000-0000-0000-000000000000')
      order by contact_id, connection_id limit ${sweepSize}) e on true
    where s.workspace_id = ${trx.workspaceId}`.execute(trx);
  const looked = rows.flatMap(({ contactId, connectionId }) =>
    contactId === null || connectionId === null ? [] : [{ contactId, connectionId }],
  );
  const next = looked.length < sweepSize ? null : (looked.at(-1)?.contactId ?? null);
  if (next !== (rows[0]?.from ?? null)) {
    await sql`update window_sweeps set entries_from = ${next} where workspace_id = ${trx.workspaceId}`.execute(
      trx,
    );
  }
  for (const [connectionId, some] of Map.groupBy(looked, (one) => one.connectionId)) {
    const contactIds = [...new Set(some.map(({ contactId }) => contactId))];
    const { rows: homes } = await sql<{ contactId: string }>`
      select t.contact_id as "contactId" from unnest(${contactIds}::uuid[]) as t (contact_id)
      where exists (${homeRecordOf(trx.workspaceId, connectionId)})`.execute(trx);
    await dueTimeline(
      trx,
      connectionId,
      homes.map(({ contactId }) => contactId),
      now,
    );
  }
}

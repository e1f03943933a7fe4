import { sql } from 'kysely';
import { dueTimeline } from './timeline-moves.ts';
import { fromLostEntries } from './timeline.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** Most entries one look takes in, how soon the next follows, and how long all rest once all were looked at. */
const sweepSize = 1000;
const everyMs = 30_000;
const restMs = 6 * 60 * 60 * 1000;

/**
 * Looks at entries, a part of them a time and round and round: those that do not stand as they should on a record their
 * contact has, and wait for nothing, fall due. Nothing should be found: it heals what a fault or an older version left
 * behind.
 */
export async function sweepTimeline(trx: WorkspaceTransaction, now: number): Promise<void> {
  const { rows } = await sql<{ contactId: string | null }>`
    select e.contact_id as "contactId"
    from window_sweeps s
    left join lateral (
      select contact_id from timeline_entries
      where workspace_id = ${trx.workspaceId}
        and contact_id > coalesce(s.entries_from, '00000000-0000-0000-0000-000000000000')
      order by contact_id limit ${sweepSize}) e on true
    where s.workspace_id = ${trx.workspaceId}`.execute(trx);
  const scanned = rows.flatMap(({ contactId }) => contactId ?? []);
  const next = scanned.length < sweepSize ? null : (scanned.at(-1) ?? null);
  await sql`
    update window_sweeps set entries_from = ${next}, entries_at = ${now + (next === null ? restMs : everyMs)}
    where workspace_id = ${trx.workspaceId}`.execute(trx);
  if (scanned.length === 0) return;
  const { rows: lost } = await sql<{ connectionId: string; contactId: string }>`
    select distinct t.connection_id as "connectionId", t.contact_id as "contactId"
    ${fromLostEntries(trx.workspaceId)} and t.contact_id = any(${[...new Set(scanned)]}::uuid[])`.execute(
    trx,
  );
  for (const [connectionId, some] of Map.groupBy(lost, (one) => one.connectionId)) {
    await dueTimeline(
      trx,
      connectionId,
      some.map(({ contactId }) => contactId),
      now,
    );
  }
}

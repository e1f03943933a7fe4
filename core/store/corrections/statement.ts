import { sql } from 'kysely';
import type { CountName } from '../counts.ts';
import { fromLostEntries } from '../timeline/timeline.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** What was counted in a stretch of time, by connection; the workspace's id stands for none. */
export async function countsBetween(
  trx: WorkspaceTransaction,
  from: number,
  until: number,
): Promise<{ readonly connectionId: string; readonly name: CountName; readonly count: number }[]> {
  const { rows } = await sql<{ connectionId: string; name: CountName; count: number }>`
    select connection_id as "connectionId", name, sum(count)::int8 as count from counts
    where workspace_id = ${trx.workspaceId} and quarter >= ${from} and quarter < ${until}
    group by connection_id, name`.execute(trx);
  return rows;
}

/** What of the events received in that time lies parked, and what still waits to be applied. */
export async function unappliedBetween(
  trx: WorkspaceTransaction,
  from: number,
  until: number,
): Promise<{ readonly parked: number; readonly waiting: number }> {
  const { rows } = await sql<{ parked: number; waiting: number }>`
    select (select count(*)::int from dead_letters
            where workspace_id = ${trx.workspaceId} and event_key is not null
              and received_at >= ${from} and received_at < ${until}) as parked,
           (select count(*)::int from inbox
            where workspace_id = ${trx.workspaceId} and received_at >= ${from} and received_at < ${until}) as waiting`.execute(
    trx,
  );
  return rows[0] ?? { parked: 0, waiting: 0 };
}

/**
 * What fell due in that time and still waits: records, those held for a person, and timeline entries. `lost`: entries
 * that do not stand as they should on the record they belong to, wait for nothing and were not refused.
 */
export async function unwrittenBetween(
  trx: WorkspaceTransaction,
  connectionId: string,
  from: number,
  until: number,
): Promise<{
  readonly records: number;
  readonly held: number;
  readonly entries: number;
  readonly lost: number;
}> {
  const { rows } = await sql<{ records: number; held: number; entries: number; lost: number }>`
    select count(*) filter (where held is null)::int as records, count(*) filter (where held is not null)::int as held,
           (select count(*)::int from timeline_entries
            where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
              and marked_at >= ${from} and marked_at < ${until} and due_at is not null) as entries,
           (select count(*)::int ${fromLostEntries(trx.workspaceId)} and t.connection_id = ${connectionId}
              and t.marked_at >= ${from} and t.marked_at < ${until}) as lost
    from dirty_records
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and marked_at >= ${from} and marked_at < ${until}`.execute(trx);
  return rows[0] ?? { records: 0, held: 0, entries: 0, lost: 0 };
}

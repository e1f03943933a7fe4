import type pg from 'pg';
import type { DueTarget } from './due-notes.ts';

/** Most targets one look brings; the others are found once these are done. */
const mostDue = 10_000;

/** What is due, whoever's: the one look across workspaces, by one index. */
export async function scanDue(pool: pg.Pool, now: number): Promise<DueTarget[]> {
  const { rows } = await pool.query<DueTarget>(
    `select queue, workspace_id as "workspaceId", target_id as "targetId" from directory_due
     where due_at <= $1 order by due_at limit ${String(mostDue)}`,
    [now],
  );
  return rows;
}

/** Places of a table with waiting rows, each found by one probe of an index, whatever the length of its queue. */
const places = (queue: DueTarget['queue'], table: string, waits: string): string => `
  (with recursive place as (
     (select workspace_id, connection_id from ${table} where ${waits} order by workspace_id, connection_id limit 1)
     union all
     select next.workspace_id, next.connection_id
     from place p cross join lateral (
       select workspace_id, connection_id from ${table}
       where ${waits} and (workspace_id, connection_id) > (p.workspace_id, p.connection_id)
       order by workspace_id, connection_id limit 1) next)
   select workspace_id, '${queue}' as queue, connection_id as target_id from place)`;

const inbox = `
  (with recursive place as (
     (select workspace_id from inbox order by workspace_id limit 1)
     union all
     select next.workspace_id
     from place p cross join lateral (
       select workspace_id from inbox where workspace_id > p.workspace_id order by workspace_id limit 1) next)
   select workspace_id, 'inbox' as queue, workspace_id as target_id from place)`;

const waiting = [
  inbox,
  places('records', 'dirty_records', 'held is null'),
  places('timeline', 'timeline_entries', 'due_at is not null'),
  `select workspace_id, 'checks', connection_id from checks where state = 'running'`,
  `select workspace_id, 'numbers', workspace_id from directory_channels where proven group by workspace_id`,
].join(' union all ');

/** What has a time of its own, and stands in the list since it was first looked at. */
const scheduled = [
  `select workspace_id, 'polls' as queue, connection_id as target_id
   from crm_connections
   join crm_call_states using (workspace_id, connection_id)
   join crm_scan_states using (workspace_id, connection_id)
   where disconnected_at is null and blocked_reason is null and (mode <> 'shadow' or indexed_at is not null)`,
  `select workspace_id, 'silence', workspace_id from crm_call_states where failed_attempts > 0 group by workspace_id`,
  `select workspace_id, 'sweep', workspace_id from workspaces`,
  `select workspace_id, 'retention', workspace_id from workspaces`,
].join(' union all ');

/**
 * Enters all that waits as due, whatever the list says: for a process that starts. A database of an earlier version, or one
 * that was mended by hand, knows nothing of it.
 */
export async function findDue(pool: pg.Pool): Promise<void> {
  await pool.query(
    `insert into directory_due as d (workspace_id, queue, target_id, due_at)
     select workspace_id, queue, target_id, 0 from (${waiting}) w order by workspace_id, queue, target_id
     on conflict (workspace_id, queue, target_id) do update set due_at = 0 where d.due_at > 0`,
  );
  await pool.query(
    `insert into directory_due (workspace_id, queue, target_id, due_at)
     select workspace_id, queue, target_id, 0 from (${scheduled}) s order by workspace_id, queue, target_id
     on conflict do nothing`,
  );
}

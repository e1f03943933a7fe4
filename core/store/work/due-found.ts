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

/**
 * Connections with waiting rows in a table, and workspaces with a waiting inbox: one probe of an index each, whatever the
 * length of their queues. Nothing walks from one workspace to the next, for those may stand on other nodes.
 */
const places = (queue: DueTarget['queue'], table: string, waits: string): string => `
  select c.workspace_id, '${queue}' as queue, c.connection_id as target_id
  from crm_connections c
  cross join lateral (
    select 1 from ${table} t
    where t.workspace_id = c.workspace_id and t.connection_id = c.connection_id and ${waits} limit 1) waits`;

const inbox = `
  select w.workspace_id, 'inbox' as queue, w.workspace_id as target_id
  from workspaces w
  cross join lateral (select 1 from inbox i where i.workspace_id = w.workspace_id limit 1) waits`;

const waiting = [
  inbox,
  places('records', 'dirty_records', 't.held is null'),
  places('timeline', 'timeline_entries', 't.due_at is not null'),
  `select workspace_id, 'checks', connection_id from checks where state = 'running'`,
  `select s.workspace_id, 'sends', s.channel_id from channel_states s
   cross join lateral (
     select 1 from sends t
     where t.workspace_id = s.workspace_id and t.channel_id = s.channel_id and t.due_at is not null limit 1) waits`,
  `select s.workspace_id, 'media', s.channel_id from channel_states s
   cross join lateral (
     select 1 from media t
     where t.workspace_id = s.workspace_id and t.channel_id = s.channel_id and t.due_at is not null limit 1) waits`,
  `select w.workspace_id, 'deletions', w.workspace_id from workspaces w
   cross join lateral (select 1 from media_deletions t where t.workspace_id = w.workspace_id limit 1) waits`,
  `select workspace_id, 'numbers', workspace_id from directory_channels where proven group by workspace_id`,
].join(' union all ');

/** What has a time of its own, and stands in the list since it was first looked at. */
const scheduled = [
  `select workspace_id, 'polls' as queue, connection_id as target_id
   from crm_connections
   join crm_call_states using (workspace_id, connection_id)
   join crm_scan_states using (workspace_id, connection_id)
   where disconnected_at is null and blocked_reason is null and (mode <> 'shadow' or indexed_at is not null)`,
  `select workspace_id, 'webhooks', connection_id
   from crm_connections
   join crm_call_states using (workspace_id, connection_id)
   join crm_scan_states using (workspace_id, connection_id)
   where disconnected_at is null and blocked_reason is null and ask_webhooks_at is not null`,
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

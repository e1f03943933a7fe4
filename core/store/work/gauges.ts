import type pg from 'pg';

/** How things stand in all workspaces: counts and times, and nothing of anybody. */
export interface Gauges {
  /** What waits now and since when, milliseconds; a lane that is not here has nothing waiting. */
  readonly waiting: readonly { readonly lane: WaitingLane; readonly count: number; readonly since: number }[];
  readonly deadLetters: readonly { readonly source: string; readonly count: number }[];
  readonly alerts: readonly { readonly kind: string; readonly count: number }[];
  readonly blocked: number;
  /** Of whom calls have failed since `silentSince` or before. */
  readonly silent: number;
}

/** Lanes of the inbox, and those of a connection that is written to. */
export const waitingLanes = ['stop', 'inbound', 'crm', 'status', 'history', 'records', 'timeline'] as const;
type WaitingLane = (typeof waitingLanes)[number];

/** Counts stop here: a value as high says "that many or more". */
const mostCounted = 10_000;

/** A look that takes longer is given up: it is not to hold up what it tells of. */
const longestMs = 2_000;

/** Each place with waiting rows is found by one probe of an index, whatever the length of its queue. */
const inboxWaits = `
  with recursive place as (
    (select workspace_id, lane, received_at from inbox order by workspace_id, lane, received_at limit 1)
    union all
    select next.workspace_id, next.lane, next.received_at
    from place p cross join lateral (
      select workspace_id, lane, received_at from inbox
      where (workspace_id, lane) > (p.workspace_id, p.lane)
      order by workspace_id, lane, received_at limit 1) next)
  select (array['stop', 'inbound', 'crm', 'status', 'history'])[l.lane + 1] as lane, l.since,
         (select count(*)::int from (
            select 1 from place p
            cross join lateral (
              select 1 from inbox i where i.workspace_id = p.workspace_id and i.lane = p.lane limit ${String(mostCounted)}) w
            where p.lane = l.lane limit ${String(mostCounted)}) counted) as count
  from (select lane, min(received_at) as since from place group by lane) l`;

/** Of connections that are written to whole; $1 is now. */
const recordsWait = `
  with recursive place as (
    (select workspace_id, connection_id, priority from dirty_records where held is null
     order by workspace_id, connection_id, priority limit 1)
    union all
    select next.workspace_id, next.connection_id, next.priority
    from place p cross join lateral (
      select workspace_id, connection_id, priority from dirty_records
      where held is null and (workspace_id, connection_id, priority) > (p.workspace_id, p.connection_id, p.priority)
      order by workspace_id, connection_id, priority limit 1) next
  ), due as (
    select p.*, first.marked_at as since
    from place p
    join crm_connections c using (workspace_id, connection_id)
    cross join lateral (
      select marked_at from dirty_records d
      where d.workspace_id = p.workspace_id and d.connection_id = p.connection_id and d.priority = p.priority
        and d.held is null and d.due_at <= $1
      order by d.marked_at limit 1) first
    where c.mode = 'live' and c.disconnected_at is null)
  select 'records' as lane, min(since) as since,
         (select count(*)::int from (
            select 1 from due p
            cross join lateral (
              select 1 from dirty_records d
              where d.workspace_id = p.workspace_id and d.connection_id = p.connection_id and d.priority = p.priority
                and d.held is null and d.due_at <= $1
              limit ${String(mostCounted)}) d
            limit ${String(mostCounted)}) counted) as count
  from due having count(*) > 0`;

const timelineWaits = `
  with recursive place as (
    (select workspace_id, connection_id, due_at from timeline_entries where due_at is not null
     order by workspace_id, connection_id, due_at limit 1)
    union all
    select next.workspace_id, next.connection_id, next.due_at
    from place p cross join lateral (
      select workspace_id, connection_id, due_at from timeline_entries
      where due_at is not null and (workspace_id, connection_id) > (p.workspace_id, p.connection_id)
      order by workspace_id, connection_id, due_at limit 1) next
  ), written as (
    select p.* from place p join crm_connections c using (workspace_id, connection_id)
    where p.due_at <= $1 and c.mode = 'live' and c.disconnected_at is null)
  select 'timeline' as lane, min(due_at) as since,
         (select count(*)::int from (
            select 1 from written w
            cross join lateral (
              select 1 from timeline_entries e
              where e.workspace_id = w.workspace_id and e.connection_id = w.connection_id and e.due_at <= $1
              limit ${String(mostCounted)}) e
            limit ${String(mostCounted)}) counted) as count
  from written having count(*) > 0`;

const lettersOpen = `
  select source, count(*)::int as count
  from (select source from dead_letters where set_aside_at is null limit ${String(mostCounted)}) open group by source`;

const alertsOpen = `
  select kind, count(*)::int as count
  from (select kind from alerts where closed_at is null limit ${String(mostCounted)}) open group by kind`;

const connectionsHeld = `
  select count(*) filter (where coalesce(blocked_reason, timeline_blocked_reason) is not null)::int as blocked,
         count(*) filter (where blocked_reason is null and failed_attempts > 0 and failing_since <= $1
                          and mode <> 'shadow')::int as silent
  from crm_connections join crm_call_states using (workspace_id, connection_id) where disconnected_at is null`;

/** One look, which counts nothing that is over. Rejects when it takes longer than 2 s. */
export async function readGauges(
  client: pg.ClientBase,
  { now, silentSince }: { readonly now: number; readonly silentSince: number },
): Promise<Gauges> {
  await client.query(`begin read only; set local statement_timeout = ${String(longestMs)}`);
  try {
    const inbox = await client.query<Gauges['waiting'][number]>(inboxWaits);
    const records = await client.query<Gauges['waiting'][number]>(recordsWait, [now]);
    const timeline = await client.query<Gauges['waiting'][number]>(timelineWaits, [now]);
    const letters = await client.query<Gauges['deadLetters'][number]>(lettersOpen);
    const alerts = await client.query<Gauges['alerts'][number]>(alertsOpen);
    const held = await client.query<Pick<Gauges, 'blocked' | 'silent'>>(connectionsHeld, [silentSince]);
    return {
      waiting: [...inbox.rows, ...records.rows, ...timeline.rows],
      deadLetters: letters.rows,
      alerts: alerts.rows,
      blocked: held.rows[0]?.blocked ?? 0,
      silent: held.rows[0]?.silent ?? 0,
    };
  } finally {
    await client.query('rollback');
  }
}

import type pg from 'pg';
import { markPriority } from '../reconcile/dirty.ts';

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

/** Lanes of the inbox by their number there. */
const inboxLanes: readonly WaitingLane[] = ['stop', 'inbound', 'crm', 'status', 'history'];

/** Where something may wait in a lane, and how it is asked of one such place. */
interface Places {
  readonly lane: WaitingLane;
  readonly places: string;
  /** Since when: one probe of an index, whatever the length of its queue. */
  readonly oldest: string;
  readonly waiting: string;
}

const inboxPlaces: readonly Places[] = inboxLanes.map((lane, number) => {
  const waiting = `inbox i where i.workspace_id = w.workspace_id and i.lane = ${String(number)}`;
  const oldest = `select i.received_at as since from ${waiting} order by i.received_at limit 1`;
  return { lane, places: 'workspaces w', oldest, waiting };
});

/** Connections that are written to whole. */
const written = `(
  select workspace_id, connection_id from crm_connections where mode = 'live' and disconnected_at is null) c`;

function writtenPlaces(now: number): readonly Places[] {
  const marks = `dirty_records d
    where d.workspace_id = c.workspace_id and d.connection_id = c.connection_id and d.held is null
      and d.due_at <= ${String(now)}`;
  const entries = `timeline_entries e
    where e.workspace_id = c.workspace_id and e.connection_id = c.connection_id and e.due_at <= ${String(now)}`;
  const oldestMark = (priority: number): string =>
    `(select d.marked_at as since from ${marks} and d.priority = ${String(priority)} order by d.marked_at limit 1)`;
  return [
    {
      lane: 'records',
      places: written,
      oldest: Object.values(markPriority).map(oldestMark).join(' union all '),
      waiting: marks,
    },
    {
      lane: 'timeline',
      places: written,
      oldest: `select e.due_at as since from ${entries} order by e.due_at limit 1`,
      waiting: entries,
    },
  ];
}

const sinceWhen = ({ lane, places, oldest }: Places): string => `
  select '${lane}' as lane, min(since) as since from ${places} cross join lateral (${oldest}) oldest
  having min(since) is not null`;

const howMuch = ({ lane, places, waiting }: Places): string => `
  select '${lane}' as lane, count(*)::int as count
  from (select 1 from ${places}
        cross join lateral (select 1 from ${waiting} limit ${String(mostCounted)}) waiting
        limit ${String(mostCounted)}) counted`;

/**
 * Places are those there are, not each found from the one before by an index of all: they may stand on several nodes. Only
 * where something waits it is counted.
 */
async function readWaiting(client: pg.ClientBase, now: number): Promise<Gauges['waiting']> {
  const all = [...inboxPlaces, ...writtenPlaces(now)];
  const { rows: oldest } = await client.query<{ lane: WaitingLane; since: number }>(
    all.map(sinceWhen).join(' union all '),
  );
  const some = all.filter(({ lane }) => oldest.some((one) => one.lane === lane));
  if (some.length === 0) return [];
  const { rows: counts } = await client.query<{ lane: WaitingLane; count: number }>(
    some.map(howMuch).join(' union all '),
  );
  return oldest.map((one) => ({ ...one, count: counts.find(({ lane }) => lane === one.lane)?.count ?? 0 }));
}

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
    const waiting = await readWaiting(client, now);
    const letters = await client.query<Gauges['deadLetters'][number]>(lettersOpen);
    const alerts = await client.query<Gauges['alerts'][number]>(alertsOpen);
    const held = await client.query<Pick<Gauges, 'blocked' | 'silent'>>(connectionsHeld, [silentSince]);
    return {
      waiting,
      deadLetters: letters.rows,
      alerts: alerts.rows,
      blocked: held.rows[0]?.blocked ?? 0,
      silent: held.rows[0]?.silent ?? 0,
    };
  } finally {
    await client.query('rollback');
  }
}

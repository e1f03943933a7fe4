import { type RawBuilder, sql } from 'kysely';
import { channelQueues, type DueNote, type DueTarget, type Queue, type RestUntil } from './due-notes.ts';
import { mayCallNow, nextDue } from './next-due.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/** What a transaction made due. */
export interface NewlyDue extends DueTarget {
  /** Milliseconds. */
  readonly at: number;
  /** Nobody knew of anything to do there as soon. */
  readonly earlier: boolean;
}

/**
 * Enters what the transaction made due, where that is earlier than what stands there; returns all that may be worked off.
 *
 * Nothing is lost between who marks and who finds nothing left: a marker shares a lock from before it looks at the list
 * until its marks are seen by everybody, and the list is set back only by who holds that lock alone (`restDue`).
 */
export async function enterDue(trx: WorkspaceTransaction): Promise<NewlyDue[]> {
  const { workspaceId } = trx;
  const notes = trx.due.inOrder();
  if (notes.length === 0) return [];
  const locks = notes.map(({ queue, targetId }) => lockName({ queue, workspaceId, targetId }));
  await sql`
    select pg_advisory_xact_lock_shared(hashtextextended(name, 0))
    from (select unnest(${locks}::text[]) as name order by 1) locks`.execute(trx);
  const due = await callableOf(trx, notes);
  if (due.length === 0) return [];
  const { rows } = await sql<{ queue: Queue; targetId: string; at: number; earlier: boolean }>`
    with t as materialized (
      select * from ${asRows(due)}
    ), entered as (
      insert into directory_due as d (workspace_id, queue, target_id, due_at)
      select ${workspaceId}::uuid, queue, target_id, due_at from t
      where not exists (select 1 from directory_due k
                        where k.workspace_id = ${workspaceId} and k.queue = t.queue and k.target_id = t.target_id
                          and k.due_at <= t.due_at)
      order by queue, target_id
      on conflict (workspace_id, queue, target_id) do update set due_at = excluded.due_at
      where d.due_at > excluded.due_at
      returning queue, target_id)
    select queue, target_id as "targetId", t.due_at as at, e.queue is not null as earlier
    from t left join entered e using (queue, target_id)`.execute(trx);
  return rows.map((row) => ({ ...row, workspaceId }));
}

/**
 * Without what may not be called, and with when what waits may be. The list is read apart: of a distributed database it
 * stands on one node, connections and channels on another.
 */
async function callableOf(trx: WorkspaceTransaction, notes: readonly DueNote[]): Promise<readonly DueNote[]> {
  const ofWorkspace = notes.filter(({ targetId }) => targetId === trx.workspaceId);
  const ofTargets = notes.filter(({ targetId }) => targetId !== trx.workspaceId);
  const ofChannels = ofTargets.filter(({ queue }) => isOfChannel(queue));
  const ofConnections = ofTargets.filter(({ queue }) => !isOfChannel(queue));
  return [
    ...ofWorkspace,
    ...(await callableConnections(trx, ofConnections)),
    ...(await callableChannels(trx, ofChannels)),
  ];
}

const ofChannel: ReadonlySet<Queue> = new Set(channelQueues);
const isOfChannel = (queue: Queue): boolean => ofChannel.has(queue);

async function callableChannels(
  trx: WorkspaceTransaction,
  notes: readonly DueNote[],
): Promise<readonly DueNote[]> {
  if (notes.length === 0) return [];
  const { rows } = await sql<DueNote>`
    select t.queue, t.target_id as "targetId",
           case t.queue when 'sends' then greatest(t.due_at, s.next_call_at, s.slowed_until) else t.due_at end as at
    from ${asRows(notes)}
    join channel_states s on s.workspace_id = ${trx.workspaceId} and s.channel_id = t.target_id`.execute(trx);
  return rows;
}

async function callableConnections(
  trx: WorkspaceTransaction,
  ofConnections: readonly DueNote[],
): Promise<readonly DueNote[]> {
  if (ofConnections.length === 0) return [];
  const { rows } = await sql<DueNote>`
    select t.queue, t.target_id as "targetId", greatest(t.due_at, s.next_call_at) as at
    from ${asRows(ofConnections)}
    join crm_connections c on c.workspace_id = ${trx.workspaceId} and c.connection_id = t.target_id
    join crm_call_states s on s.workspace_id = ${trx.workspaceId} and s.connection_id = t.target_id
    where ${mayCallNow(sql`t.queue`)}`.execute(trx);
  return rows;
}

const asRows = (notes: readonly DueNote[]): RawBuilder<unknown> => sql`
  unnest(${notes.map(({ queue }) => queue)}::text[], ${notes.map(({ targetId }) => targetId)}::uuid[],
         ${notes.map(({ at }) => at)}::bigint[]) as t (queue, target_id, due_at)`;

/**
 * Sets a target's place in the list to when it has something to do next, or takes it out; returns that time. To be called
 * when nothing was left to do. Undefined: somebody is marking just now, so look again.
 */
export async function restDue(
  trx: WorkspaceTransaction,
  target: DueTarget,
  now: number,
  until?: RestUntil,
): Promise<number | undefined> {
  const { queue, targetId } = target;
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended(${lockName(target)}, 0)) as locked`.execute(trx);
  if (rows[0]?.locked !== true) return undefined;
  const next = await nextDue(trx, target, now, until);
  if (next === Infinity) {
    await sql`
      delete from directory_due
      where workspace_id = ${trx.workspaceId} and queue = ${queue} and target_id = ${targetId}`.execute(trx);
  } else if (next > now) {
    await sql`
      insert into directory_due as d (workspace_id, queue, target_id, due_at)
      values (${trx.workspaceId}, ${queue}, ${targetId}, ${Math.ceil(next)})
      on conflict (workspace_id, queue, target_id) do update set due_at = excluded.due_at
      where d.due_at <> excluded.due_at`.execute(trx);
  }
  return next;
}

function lockName({ queue, workspaceId, targetId }: DueTarget): string {
  return `${queue} ${workspaceId} ${targetId}`;
}

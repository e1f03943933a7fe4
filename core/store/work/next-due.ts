import { type RawBuilder, sql } from 'kysely';
import { silentMs } from '../accounts/call-state.ts';
import { connectionOf } from '../accounts/connections.ts';
import { channelSending } from '../sends/channel-states.ts';
import { nextDueDeletion, nextDueMedium } from '../media/media.ts';
import { nextDueSend, sendPriority } from '../sends/sends.ts';
import { echoMs } from '../reconcile/crm-writes.ts';
import type { DueTarget, Queue, RestUntil } from './due-notes.ts';
import { entriesWaiting, isReady, marksWaiting, writingColumns, type WritingTo } from './waiting.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/** When each queue has something to do next at a target, as what waits and the connection's state say. */

/**
 * Of connection `c`, whose calls fare as `s` says: whether a queue may call it at all, if not now. A check is told why it may
 * not.
 */
export const mayCallNow = (queue: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  (${queue} = 'checks'
   or c.disconnected_at is null and s.blocked_reason is null
      and (c.mode <> 'shadow' or ${queue} not in ('records', 'timeline'))
      and (s.timeline_blocked_reason is null or ${queue} <> 'timeline'))`;

/** How often that is looked for while calls fail. */
const silenceEveryMs = 60_000;

/** Milliseconds; `Infinity`: nothing waits. At or before `now`: there is something to do. */
export async function nextDue(
  trx: WorkspaceTransaction,
  { queue, targetId }: DueTarget,
  now: number,
  until: RestUntil | undefined,
): Promise<number> {
  switch (queue) {
    case 'inbox':
      return nextInbox(trx);
    case 'records':
      return leftAlone(until, (before) => nextMark(trx, targetId, now, before));
    case 'timeline':
      return leftAlone(until, () => nextEntry(trx, targetId, now));
    case 'checks':
      return nextCheck(trx, targetId);
    case 'polls':
      return nextPoll(trx, targetId);
    case 'webhooks':
      return nextAsking(trx, targetId);
    case 'sends':
      return leftAlone(until, () => nextSend(trx, targetId));
    case 'media':
      return leftAlone(until, () => nextDueMedium(trx, targetId));
    case 'deletions':
      return leftAlone(until, () => nextDueDeletion(trx));
    case 'sweep':
      return nextSweep(trx, now);
    case 'silence':
      return nextSilence(trx, now);
    case 'retention':
    case 'numbers':
      return until?.notBefore ?? 0;
  }
}

/** With what is left alone for a while. */
async function leftAlone(
  until: RestUntil | undefined,
  next: (before?: number) => Promise<number>,
): Promise<number> {
  if (until === undefined) return next();
  const others = Math.max(until.notBefore, await next());
  return until.from === undefined ? others : Math.min(others, await next(until.from));
}

async function nextInbox(trx: WorkspaceTransaction): Promise<number> {
  const { rows } = await sql`select 1 from inbox where workspace_id = ${trx.workspaceId} limit 1`.execute(
    trx,
  );
  return rows.length > 0 ? 0 : Infinity;
}

/** When this queue may call the connection, and how it is written; undefined: not until something changes. */
async function nextCall(
  trx: WorkspaceTransaction,
  connectionId: string,
  queue: Queue,
): Promise<(WritingTo & { readonly nextCallAt: number }) | undefined> {
  const { rows } = await sql<WritingTo & { readonly nextCallAt: number }>`
    select s.next_call_at as "nextCallAt", ${writingColumns}
    from crm_connections c join crm_call_states s using (workspace_id, connection_id)
    where c.workspace_id = ${trx.workspaceId} and c.connection_id = ${connectionId}
      and ${mayCallNow(sql`${queue}::text`)}`.execute(trx);
  return rows[0];
}

/** The earliest of rows that become free; what is leased is somebody's until its lease ends. */
async function earliest(
  trx: WorkspaceTransaction,
  now: number,
  waiting: RawBuilder<unknown>,
): Promise<number> {
  const { rows } = await sql<{ next: number | null }>`
    select least(
      (select w.due_at ${waiting} and w.due_at = 0 and ${isReady(now)} limit 1),
      (select w.due_at ${waiting} and w.due_at > 0 and (w.due_at > ${now} or ${isReady(now)})
       order by w.due_at limit 1),
      (select min(w.leased_until) ${waiting} and w.leased_until >= ${now} and w.due_at <= ${now})) as next`.execute(
    trx,
  );
  return rows[0]?.next ?? Infinity;
}

async function nextMark(
  trx: WorkspaceTransaction,
  connectionId: string,
  now: number,
  before: number | undefined,
): Promise<number> {
  const call = await nextCall(trx, connectionId, 'records');
  if (call === undefined) return Infinity;
  const pressing = before === undefined ? sql`` : sql`and w.priority < ${before}`;
  const waiting = sql`${marksWaiting(trx, call)} ${pressing}`;
  return Math.max(call.nextCallAt, await earliest(trx, now, waiting));
}

async function nextEntry(trx: WorkspaceTransaction, connectionId: string, now: number): Promise<number> {
  const call = await nextCall(trx, connectionId, 'timeline');
  if (call === undefined) return Infinity;
  return Math.max(call.nextCallAt, await earliest(trx, now, entriesWaiting(trx, call)));
}

async function nextCheck(trx: WorkspaceTransaction, connectionId: string): Promise<number> {
  const { rows } = await sql<{ next: number }>`
    select greatest(w.next_at, w.leased_until) as next from checks w
    join crm_connections c using (workspace_id, connection_id)
    join crm_call_states s using (workspace_id, connection_id)
    where w.workspace_id = ${trx.workspaceId} and w.connection_id = ${connectionId} and w.state = 'running'
      and c.disconnected_at is null and s.blocked_reason is null`.execute(trx);
  return rows[0]?.next ?? Infinity;
}

async function nextPoll(trx: WorkspaceTransaction, connectionId: string): Promise<number> {
  const connection = await connectionOf(trx, connectionId);
  if (connection === undefined || connection.indexedAt === null) return Infinity;
  const { disconnectedAt, blockedReason, nextPollAt, pollLeasedUntil, nextCallAt } = connection;
  if (disconnectedAt !== null || blockedReason !== null) return Infinity;
  return Math.max(nextPollAt, pollLeasedUntil === null ? 0 : pollLeasedUntil + 1, nextCallAt);
}

async function nextAsking(trx: WorkspaceTransaction, connectionId: string): Promise<number> {
  const connection = await connectionOf(trx, connectionId);
  if (connection === undefined || connection.askWebhooksAt === null) return Infinity;
  const { disconnectedAt, blockedReason, askWebhooksAt, nextCallAt } = connection;
  if (disconnectedAt !== null || blockedReason !== null) return Infinity;
  return Math.max(askWebhooksAt, nextCallAt);
}

async function nextSend(trx: WorkspaceTransaction, channelId: string): Promise<number> {
  const channel = await channelSending(trx, channelId);
  // What a number that was let go still owes has ended.
  if (channel === undefined) return nextDueSend(trx, channelId);
  if (channel.paused || channel.blockedReason !== null)
    return nextDueSend(trx, channelId, [sendPriority.afterwards]);
  return Math.max(channel.nextCallAt, await nextDueSend(trx, channelId));
}

async function nextSweep(trx: WorkspaceTransaction, now: number): Promise<number> {
  const { rows } = await sql<{ next: number | null }>`
    select least(
      (select min(window_closes_at) from conversations
       where workspace_id = ${trx.workspaceId}
         and window_closes_at > coalesce((select swept_until from window_sweeps
                                          where workspace_id = ${trx.workspaceId}), 0)),
      (select greatest(min(at), ${now}) + ${echoMs} from crm_writes where workspace_id = ${trx.workspaceId}),
      coalesce((select entries_at from window_sweeps where workspace_id = ${trx.workspaceId}), 0)) as next`.execute(
    trx,
  );
  return rows[0]?.next ?? Infinity;
}

async function nextSilence(trx: WorkspaceTransaction, now: number): Promise<number> {
  const { rows } = await sql<{ since: number | null }>`
    select min(s.failing_since) as since
    from crm_call_states s join crm_connections c using (workspace_id, connection_id)
    where s.workspace_id = ${trx.workspaceId} and s.failed_attempts > 0 and s.blocked_reason is null
      and c.disconnected_at is null and c.mode <> 'shadow'`.execute(trx);
  const since = rows[0]?.since ?? null;
  return since === null ? Infinity : Math.max(since + silentMs, now + silenceEveryMs);
}

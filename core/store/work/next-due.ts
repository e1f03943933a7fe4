import { type RawBuilder, sql } from 'kysely';
import { connectionOf, silentMs } from '../accounts/connections.ts';
import { echoMs } from '../reconcile/crm-writes.ts';
import type { DueTarget, RestUntil } from './due-notes.ts';
import type { ConnectionMode } from '../schema.ts';
import type { WorkspaceTransaction } from '../transaction.ts';
import { contactsOfPhones, subjectsOfPhones } from '../reconcile/writable.ts';

/** When each queue has something to do next at a target, as what waits and the connection's state say. */

/** Of connection `c`: whether a queue may call it at all, if not now. A check is told why it may not. */
export const mayCallNow = (queue: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  (${queue} = 'checks'
   or c.disconnected_at is null and c.blocked_reason is null
      and (c.mode <> 'shadow' or ${queue} not in ('records', 'timeline'))
      and (c.timeline_blocked_reason is null or ${queue} <> 'timeline'))`;

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

interface CallState {
  readonly mode: ConnectionMode;
  readonly testPhones: readonly string[];
  readonly nextCallAt: number;
}

/** Undefined: this queue may not call it until something changes. */
async function callState(
  trx: WorkspaceTransaction,
  connectionId: string,
  queue: string,
): Promise<CallState | undefined> {
  const { rows } = await sql<CallState>`
    select c.mode, c.test_phones as "testPhones", c.next_call_at as "nextCallAt" from crm_connections c
    where c.workspace_id = ${trx.workspaceId} and c.connection_id = ${connectionId}
      and ${mayCallNow(sql`${queue}::text`)}`.execute(trx);
  return rows[0];
}

/** The earliest of rows that become free; what is leased is somebody's until its lease ends. */
async function earliest(
  trx: WorkspaceTransaction,
  now: number,
  from: RawBuilder<unknown>,
  call: CallState,
): Promise<number> {
  const { rows } = await sql<{ next: number | null }>`
    select least(
      (select due_at ${from} and due_at = 0 and (leased_until is null or leased_until < ${now}) limit 1),
      (select due_at ${from} and due_at > 0
          and (leased_until is null or leased_until < ${now} or due_at > ${now})
       order by due_at limit 1),
      (select min(leased_until) ${from} and leased_until >= ${now} and due_at <= ${now})) as next`.execute(
    trx,
  );
  const next = rows[0]?.next ?? null;
  return next === null ? Infinity : Math.max(next, call.nextCallAt);
}

async function nextMark(
  trx: WorkspaceTransaction,
  connectionId: string,
  now: number,
  before: number | undefined,
): Promise<number> {
  const call = await callState(trx, connectionId, 'records');
  if (call === undefined) return Infinity;
  const only =
    call.mode === 'test'
      ? sql`and subject = any(${await subjectsOfPhones(trx, connectionId, call.testPhones)}::text[])`
      : sql``;
  const pressing = before === undefined ? sql`` : sql`and priority < ${before}`;
  const from = sql`from dirty_records where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
                     and held is null ${only} ${pressing}`;
  return earliest(trx, now, from, call);
}

async function nextEntry(trx: WorkspaceTransaction, connectionId: string, now: number): Promise<number> {
  const call = await callState(trx, connectionId, 'timeline');
  if (call === undefined) return Infinity;
  const only =
    call.mode === 'test'
      ? sql`and contact_id = any(${await contactsOfPhones(trx, call.testPhones)}::uuid[])`
      : sql``;
  const from = sql`from timeline_entries where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
                     and due_at is not null ${only}`;
  return earliest(trx, now, from, call);
}

async function nextCheck(trx: WorkspaceTransaction, connectionId: string): Promise<number> {
  const { rows } = await sql<{ next: number }>`
    select greatest(w.next_at, w.leased_until) as next from checks w
    join crm_connections c on c.workspace_id = ${trx.workspaceId} and c.connection_id = w.connection_id
    where w.workspace_id = ${trx.workspaceId} and w.connection_id = ${connectionId} and w.state = 'running'
      and c.disconnected_at is null and c.blocked_reason is null`.execute(trx);
  return rows[0]?.next ?? Infinity;
}

async function nextPoll(trx: WorkspaceTransaction, connectionId: string): Promise<number> {
  const connection = await connectionOf(trx, connectionId);
  if (connection === undefined || connection.indexedAt === null) return Infinity;
  const { disconnectedAt, blockedReason, nextPollAt, nextCallAt } = connection;
  if (disconnectedAt !== null || blockedReason !== null) return Infinity;
  return Math.max(nextPollAt, nextCallAt);
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
    select min(failing_since) as since from crm_connections
    where workspace_id = ${trx.workspaceId} and failed_attempts > 0 and blocked_reason is null
      and disconnected_at is null and mode <> 'shadow'`.execute(trx);
  const since = rows[0]?.since ?? null;
  return since === null ? Infinity : Math.max(since + silentMs, now + silenceEveryMs);
}

import { sql } from 'kysely';
import { closeAlertsOf, raiseAlert } from '../corrections/attention.ts';
import { markPriority } from '../reconcile/dirty.ts';
import {
  entriesWaiting,
  isReady,
  marksWaiting,
  writingColumns,
  writingTo,
  type WritingTo,
} from '../work/waiting.ts';
import type { WorkspaceTransaction } from '../transaction.ts';
import { connectionQueues, dueConnection, type Queue } from '../work/due-notes.ts';
import type { ConnectionRow } from './connections.ts';

/** How calls to an account fare: its breaker, and what a person has to mend before the next one. */

/** An account that has work and has not answered for so long is said to a person. */
export const silentMs = 15 * 60 * 1000;

/** The account answers. A block stays: it is lifted by whoever mended its cause. */
export async function noteAnswer(trx: WorkspaceTransaction, connectionId: string): Promise<void> {
  await sql`
    update crm_call_states set failed_attempts = 0, next_call_at = 0
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
  dueConnection(trx, connectionId);
}

/** A person let calls go again, or let the account go: whatever failed, or is failing still, is over. */
export async function openCalls(trx: WorkspaceTransaction, connectionId: string): Promise<void> {
  await sql`
    update crm_call_states
    set failed_attempts = 0, next_call_at = 0, blocked_reason = null, timeline_blocked_reason = null,
        access_version = access_version + 1
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
  dueConnection(trx, connectionId);
}

/** A person mended what blocked it: calls go again, and what was alerted is over. */
export async function liftBlock(trx: WorkspaceTransaction, connectionId: string, now: number): Promise<void> {
  await openCalls(trx, connectionId);
  await closeBlockAlerts(trx, connectionId, now);
}

/** Nothing is called until a person acts, who is told so; unless one acted since `accessVersion`. */
export async function blockCalls(
  trx: WorkspaceTransaction,
  { connectionId, accessVersion }: Pick<ConnectionRow, 'connectionId' | 'accessVersion'>,
  message: string,
  now: number,
): Promise<void> {
  const { numAffectedRows } = await sql`
    update crm_call_states set blocked_reason = ${message}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and access_version = ${accessVersion}`.execute(trx);
  if (numAffectedRows === 1n)
    await raiseAlert(trx, { connectionId, kind: 'connection blocked', message }, now);
}

/** The account may be called again: what was alerted is over. */
export async function closeBlockAlerts(
  trx: WorkspaceTransaction,
  connectionId: string,
  now: number,
): Promise<void> {
  await closeAlertsOf(trx, connectionId, 'connection blocked', now);
  await closeAlertsOf(trx, connectionId, 'timeline blocked', now);
}

/** Timelines wait for a person, and nothing else does. False: somebody acted since `accessVersion`. */
export async function blockTimeline(
  trx: WorkspaceTransaction,
  { connectionId, accessVersion }: Pick<ConnectionRow, 'connectionId' | 'accessVersion'>,
  message: string,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update crm_call_states set timeline_blocked_reason = ${message}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and access_version = ${accessVersion}`.execute(trx);
  return numAffectedRows === 1n;
}

/**
 * A call failed, made by somebody who saw the connection like this before it: those who fail together count once. Returns
 * since when nothing was answered, milliseconds; undefined: a person opened the account anew since, and nothing is noted.
 */
export async function noteFailure(
  trx: WorkspaceTransaction,
  {
    connectionId,
    accessVersion,
    failedAttempts: seen,
  }: Pick<ConnectionRow, 'connectionId' | 'accessVersion' | 'failedAttempts'>,
  failure: { at: number; nextCallAt: number; message: string; blocked: boolean },
): Promise<number | undefined> {
  const { at, nextCallAt, message, blocked } = failure;
  const { rows } = await sql<{ failingSince: number }>`
    update crm_call_states
    set failed_attempts = case when failed_attempts < ${seen} then 1
                               else greatest(failed_attempts, ${seen}::int + 1) end,
        next_call_at = case when failed_attempts = ${seen} then ${nextCallAt}::bigint
                            else greatest(next_call_at, ${nextCallAt}::bigint) end,
        failing_since = case when failed_attempts = 0 then ${at}::bigint
                             else coalesce(failing_since, ${at}::bigint) end,
        last_failure = ${message}, blocked_reason = ${blocked ? sql`${message}` : sql`blocked_reason`}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and access_version = ${accessVersion}
    returning failing_since as "failingSince"`.execute(trx);
  const failingSince = rows[0]?.failingSince;
  if (failingSince === undefined) return undefined;
  trx.due.add('silence', trx.workspaceId, failingSince + silentMs);
  // Whoever rests until the probe that failed would have been over is not to wait longer than the account is left alone.
  dueConnection(trx, connectionId, nextCallAt);
  return failingSince;
}

/** Who calls an account: those who bring records, write timelines, or look at what is there. */
export type CallerLane = 'records' | 'timeline' | 'scan';

/** So long the lane whose turn it is has for taking a probe, before any other may. */
const probeMs = 5_000;

/**
 * Whether this caller is the one who tries an account whose calls failed: nobody else has since `seen`. While consent that
 * may be written waits, only records may; else records and timelines take turns, by how often it failed, so that what always
 * fails in one lane does not keep the other from finding that the account answers.
 */
export async function claimProbe(
  trx: WorkspaceTransaction,
  connectionId: string,
  { lane, seen, until, now }: { lane: CallerLane; seen: number; until: number; now: number },
): Promise<boolean> {
  const to = await writingTo(trx, connectionId);
  if (to === undefined) return false;
  const marks = marksWaiting(trx, to);
  const entries = entriesWaiting(trx, to);
  const consent = sql`exists (select 1 ${marks} and ${isReady(now)} and w.priority = ${markPriority.consent})`;
  const isProbedByOther = {
    records: sql`failed_attempts % 2 = 1 and exists (select 1 ${entries} and ${isReady(now)})
                 and not ${consent}`,
    timeline: sql`failed_attempts % 2 = 0 and exists (select 1 ${marks} and ${isReady(now)})`,
    scan: sql`false`,
  }[lane];
  const { numAffectedRows } = await sql`
    update crm_call_states set next_call_at = ${until}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and next_call_at = ${seen} and failed_attempts > 0
      and not (next_call_at > ${now - probeMs} and ${isProbedByOther})
      ${lane === 'records' ? sql`` : sql`and not ${consent}`}`.execute(trx);
  return numAffectedRows === 1n;
}

/** What a lane works off. */
const queuesOf: Readonly<Record<CallerLane, readonly Queue[]>> = {
  records: ['records'],
  timeline: ['timeline'],
  scan: ['checks', 'polls', 'webhooks'],
};

/** Gives a probe back that nobody took over since: all is as it was `seen` before. */
export async function releaseProbe(
  trx: WorkspaceTransaction,
  connectionId: string,
  { lane, until, seen }: { readonly lane: CallerLane; readonly until: number; readonly seen: number },
): Promise<void> {
  await sql`
    update crm_call_states set next_call_at = ${seen}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and next_call_at = ${until}`.execute(trx);
  // Whoever rests until the probe is over may go now. Not whoever gives it back, which would take it again for nothing.
  for (const queue of connectionQueues) {
    if (!queuesOf[lane].includes(queue)) trx.due.add(queue, connectionId, seen);
  }
}

/** Accounts that have something to be written and answered nothing since `since`, with what they said last. */
export async function unansweredAccounts(
  trx: WorkspaceTransaction,
  since: number,
  now: number,
): Promise<{ readonly connectionId: string; readonly lastFailure: string }[]> {
  const { rows: failing } = await sql<WritingTo & { readonly lastFailure: string }>`
    select ${writingColumns}, s.last_failure as "lastFailure"
    from crm_call_states s join crm_connections c using (workspace_id, connection_id)
    where s.workspace_id = ${trx.workspaceId} and s.failed_attempts > 0 and s.failing_since <= ${since}
      and s.last_failure is not null and s.blocked_reason is null and c.disconnected_at is null`.execute(trx);
  const unanswered: typeof failing = [];
  for (const to of failing) {
    const { rows } = await sql<{ waits: boolean }>`
      select exists (select 1 ${marksWaiting(trx, to)} and w.due_at <= ${now})
          or exists (select 1 ${entriesWaiting(trx, to)} and w.due_at <= ${now}) as waits`.execute(trx);
    if (rows[0]?.waits === true) unanswered.push(to);
  }
  return unanswered;
}

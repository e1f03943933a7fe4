import { sql } from 'kysely';
import type { AttemptOutcome } from '../schema.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/** Tries at sending: committed before the call, so that whatever becomes of it is known for ours. */

export interface Attempt {
  readonly attemptId: string;
  readonly sendId: string;
  readonly channelId: string;
  readonly number: number;
  readonly beganAt: number;
}

export async function beginAttempts(trx: WorkspaceTransaction, attempts: readonly Attempt[]): Promise<void> {
  if (attempts.length === 0) return;
  await sql`
    insert into send_attempts (workspace_id, attempt_id, send_id, channel_id, number, began_at)
    select ${trx.workspaceId}::uuid, attempt_id, send_id, channel_id, number, began_at
    from unnest(${attempts.map((a) => a.attemptId)}::uuid[], ${attempts.map((a) => a.sendId)}::uuid[],
                ${attempts.map((a) => a.channelId)}::uuid[], ${attempts.map((a) => a.number)}::int[],
                ${attempts.map((a) => a.beganAt)}::bigint[]) as t (attempt_id, send_id, channel_id, number, began_at)`.execute(
    trx,
  );
}

export interface EndedAttempt {
  readonly attemptId: string;
  readonly outcome: AttemptOutcome;
  readonly errorCode: number | null;
  readonly details: string | null;
  readonly wamid: string | null;
  readonly endedAt: number;
}

/** Ends attempts that are under way; what ended before stays as it ended, save that an unknown outcome becomes known. */
export async function endAttempts(trx: WorkspaceTransaction, ended: readonly EndedAttempt[]): Promise<void> {
  if (ended.length === 0) return;
  const inOrder = ended.toSorted((x, y) => (x.attemptId < y.attemptId ? -1 : 1));
  await sql`
    update send_attempts a
    set outcome = t.outcome, error_code = t.error_code, details = t.details, wamid = coalesce(t.wamid, a.wamid),
        ended_at = t.ended_at
    from unnest(${inOrder.map((a) => a.attemptId)}::uuid[], ${inOrder.map((a) => a.outcome)}::text[],
                ${inOrder.map((a) => a.errorCode)}::int[], ${inOrder.map((a) => a.details)}::text[],
                ${inOrder.map((a) => a.wamid)}::text[], ${inOrder.map((a) => a.endedAt)}::bigint[])
         as t (attempt_id, outcome, error_code, details, wamid, ended_at)
    where a.workspace_id = ${trx.workspaceId} and a.attempt_id = t.attempt_id
      and (a.outcome is null or a.outcome = 'unknown')`.execute(trx);
}

/** Attempts under way of sends, which nobody answers any more: their outcome is unknown. */
export async function abandonAttempts(
  trx: WorkspaceTransaction,
  sendIds: readonly string[],
  now: number,
): Promise<void> {
  if (sendIds.length === 0) return;
  await sql`
    update send_attempts set outcome = 'unknown', ended_at = ${now}
    where workspace_id = ${trx.workspaceId} and send_id = any(${[...sendIds]}::uuid[]) and outcome is null`.execute(
    trx,
  );
}

interface AttemptNamed {
  readonly sendId: string;
  readonly attemptId: string;
  readonly number: number;
  readonly beganAt: number;
  readonly wamid: string | null;
}

/** Whose attempts WhatsApp's statuses speak of, by what we gave along and by the message's id. */
export async function sendsOfStatuses(
  trx: WorkspaceTransaction,
  attemptIds: readonly string[],
  wamids: readonly string[],
): Promise<AttemptNamed[]> {
  const { rows } = await sql<AttemptNamed>`
    select send_id as "sendId", attempt_id as "attemptId", number, began_at as "beganAt", wamid from send_attempts
    where workspace_id = ${trx.workspaceId} and attempt_id = any(${[...attemptIds]}::uuid[])
    union
    select send_id, attempt_id, number, began_at, wamid from send_attempts
    where workspace_id = ${trx.workspaceId} and wamid = any(${[...wamids]}::text[])`.execute(trx);
  return rows;
}

export interface AttemptRow extends Attempt {
  readonly endedAt: number | null;
  readonly outcome: AttemptOutcome | null;
  readonly errorCode: number | null;
  readonly details: string | null;
  readonly wamid: string | null;
}

/** The first first. */
export async function attemptsOf(
  trx: WorkspaceTransaction,
  sendIds: readonly string[],
): Promise<AttemptRow[]> {
  const { rows } = await sql<AttemptRow>`
    select attempt_id as "attemptId", send_id as "sendId", channel_id as "channelId", number, began_at as "beganAt",
           ended_at as "endedAt", outcome, error_code as "errorCode", details, wamid
    from send_attempts
    where workspace_id = ${trx.workspaceId} and send_id = any(${[...sendIds]}::uuid[])
    order by send_id, number`.execute(trx);
  return rows;
}

import { sql } from 'kysely';
import type { WorkspaceTransaction } from '../store.ts';

/** As its holder the lease is known by, and until when it is held. */
export interface PollLease {
  readonly lease: string;
  readonly until: number;
}

/**
 * Takes the poll of a connection, which nobody else then makes while the lease lives, nor before `nextAt` unless a hint brings
 * the next one forward.
 */
export async function claimPoll(
  trx: WorkspaceTransaction,
  connectionId: string,
  poll: PollLease & { readonly seen: number; readonly nextAt: number; readonly now: number },
): Promise<boolean> {
  const { rows } = await sql`
    update crm_scan_states
    set next_poll_at = ${poll.nextAt}, poll_lease = ${poll.lease}, poll_leased_until = ${poll.until}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and next_poll_at = ${poll.seen}
      and (poll_leased_until is null or poll_leased_until < ${poll.now})
    returning 1`.execute(trx);
  return rows.length > 0;
}

/** Where the poll goes on; with `knownUntil` it is done and changes are known up to there. False: it is another's by now. */
export async function advancePoll(
  trx: WorkspaceTransaction,
  connectionId: string,
  at: PollLease & { readonly cursor: string | null; readonly knownUntil?: number },
): Promise<boolean> {
  const { rows } = await sql`
    update crm_scan_states
    set poll_cursor = ${at.cursor}, polled_until = coalesce(${at.knownUntil ?? null}::bigint, polled_until),
        poll_leased_until = ${at.until}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and poll_lease = ${at.lease}
    returning 1`.execute(trx);
  return rows.length > 0;
}

/** Whatever became of it, the next poll may be made. */
export async function endPoll(trx: WorkspaceTransaction, connectionId: string, lease: string): Promise<void> {
  await sql`
    update crm_scan_states set poll_lease = null, poll_leased_until = null
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and poll_lease = ${lease}`.execute(
    trx,
  );
}

/** A connection's last webhook is noted this often at most. */
export const webhookNotedMs = 60_000;

/**
 * Notes that a poll was the first to tell of changes of then, unless a webhook came since: of an account that sends some, or was
 * asked to and has not ended. Returns since when no webhook told of any, milliseconds; `ended`: until now there were such.
 */
export async function noteUntold(
  trx: WorkspaceTransaction,
  connectionId: string,
  changedAt: readonly number[],
  now: number,
): Promise<{ readonly since: number | undefined; readonly ended: boolean }> {
  const { rows } = await sql<{ told: number | null; isOver: boolean; since: number | null }>`
    select greatest(last_webhook_at, webhooks_since) as told, coalesce(webhooks_until <= ${now}, false) as "isOver",
           untold_since as since
    from crm_scan_states
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} for update`.execute(trx);
  const [{ told, isOver, since: before } = { told: null, isOver: true, since: null }] = rows;
  const sends = told !== null && !isOver;
  const standing = sends && before !== null && before >= told ? before : undefined;
  const finds = sends && changedAt.some((at) => at > told + webhookNotedMs);
  const since = standing ?? (finds ? now : undefined);
  if (since !== (before ?? undefined)) {
    await sql`
      update crm_scan_states set untold_since = ${since ?? null}
      where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
  }
  return { since, ended: before !== null && standing === undefined };
}

/** What the account's own automation could not deliver was looked at up to there. */
export async function knowUndelivered(
  trx: WorkspaceTransaction,
  connectionId: string,
  until: number,
): Promise<void> {
  await sql`
    update crm_scan_states set undelivered_until = ${until}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
}

/** So long a poll is left alone by what makes the next one due sooner: a storm of hints is no storm of polls. */
const soonMs = 30_000;

/** The next poll of a connection is due now, or so long after the last. */
export async function pollSoon(trx: WorkspaceTransaction, connectionId: string, now: number): Promise<void> {
  const { rows } = await sql<{ at: number }>`
    update crm_scan_states
    set next_poll_at = least(next_poll_at, greatest(${now}, coalesce(polled_until, 0) + ${soonMs}::bigint))
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and indexed_at is not null
    returning next_poll_at as at`.execute(trx);
  for (const { at } of rows) trx.due.add('polls', connectionId, at);
}

/** The region by which phones are read may have changed: accounts that were looked through in another are not indexed. */
export async function duePolls(trx: WorkspaceTransaction): Promise<void> {
  const { rows } = await sql<{ connectionId: string }>`
    select connection_id as "connectionId" from crm_connections where workspace_id = ${trx.workspaceId}`.execute(
    trx,
  );
  for (const { connectionId } of rows) trx.due.add('polls', connectionId);
}

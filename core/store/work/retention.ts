import { sql } from 'kysely';
import type { WorkspaceTransaction } from '../store.ts';

/** For how many days what is kept for a time only is kept. */
export interface RetentionDays {
  /** The contents of dead letters; the letters themselves stay until they are replayed. */
  readonly deadLetterContents: number;
  readonly keptEvents: number;
  readonly occurrences: number;
  readonly audit: number;
}

export const dayMs = 24 * 60 * 60 * 1000;

/** WhatsApp repeats a webhook for 7 days; 400 leave a year and a month for whoever plays back what they recorded. */
const eventKeyDays = 400;

/** Who may say what left when, of a year and a month. */
const sendDays = 400;

/** Rows of one kind that go in one transaction: it holds no lock for longer than some milliseconds. */
const batch = 1000;

/**
 * Takes out the oldest of what has had its time, a batch of each kind, by an index each. What still says something about a
 * person's will (consent, suppression, a STOP that could not be applied) has no time. True: there may be more.
 */
export async function sweepRetention(
  trx: WorkspaceTransaction,
  days: RetentionDays,
  now: number,
): Promise<boolean> {
  const { workspaceId } = trx;
  const before = (kept: number): number => now - kept * dayMs;
  const swept = [
    await sql`
      delete from event_keys where workspace_id = ${workspaceId} and ctid = any(array(
        select ctid from event_keys
        where workspace_id = ${workspaceId} and received_at / ${sql.lit(dayMs)} < ${Math.floor(before(eventKeyDays) / dayMs)}::bigint
        order by received_at / ${sql.lit(dayMs)} limit ${batch}))`.execute(trx),
    await sql`
      delete from kept_events where workspace_id = ${workspaceId} and ctid = any(array(
        select ctid from kept_events
        where workspace_id = ${workspaceId} and received_at < ${before(days.keptEvents)}
        order by received_at limit ${batch}))`.execute(trx),
    await sql`
      delete from audit where workspace_id = ${workspaceId} and ctid = any(array(
        select ctid from audit where workspace_id = ${workspaceId} and at < ${before(days.audit)}
        order by at limit ${batch}))`.execute(trx),
    // By connection, as the index is.
    await sql`
      delete from occurrences where workspace_id = ${workspaceId} and ctid = any(array(
        select o.ctid from crm_connections c
        cross join lateral (
          select ctid from occurrences
          where workspace_id = ${workspaceId} and connection_id = c.connection_id
            and seen_at < ${before(days.occurrences)}
          order by seen_at limit ${batch}) o
        where c.workspace_id = ${workspaceId} limit ${batch}))`.execute(trx),
    await sql`
      delete from send_attempts where workspace_id = ${workspaceId} and ctid = any(array(
        select ctid from send_attempts
        where workspace_id = ${workspaceId} and began_at < ${before(sendDays)} order by began_at limit ${batch}))`.execute(
      trx,
    ),
    await sql`
      delete from sends where workspace_id = ${workspaceId} and ctid = any(array(
        select ctid from sends
        where workspace_id = ${workspaceId} and asked_at < ${before(sendDays)} and due_at is null
        order by asked_at limit ${batch}))`.execute(trx),
    await sql`
      update dead_letters set payload = null, contents_swept_at = ${now}
      where workspace_id = ${workspaceId} and ctid = any(array(
        select ctid from dead_letters
        where workspace_id = ${workspaceId} and payload is not null and not opt_out
          and parked_at < ${before(days.deadLetterContents)}
        order by parked_at limit ${batch}))`.execute(trx),
  ];
  return swept.some(({ numAffectedRows = 0n }) => numAffectedRows >= batch);
}

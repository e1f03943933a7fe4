import { sql } from 'kysely';
import { lanes } from '../../whatsapp/index.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** An event waiting to be applied. */
export interface InboxRow {
  readonly lane: number;
  readonly receivedAt: number;
  readonly eventKey: Buffer;
  readonly contentHash: Buffer;
  /** Null: it happened inside Sangam. */
  readonly channelId: string | null;
  readonly payload: Buffer;
  /** The trace that brought it; null: nobody traced. */
  readonly traceparent: string | null;
}

/** One process applies a workspace at a time; the lock goes with the transaction. False: another has it. */
export async function tryLockWorkspace(trx: WorkspaceTransaction): Promise<boolean> {
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended(${trx.workspaceId}, 0)) as locked`.execute(trx);
  return rows[0]?.locked === true;
}

/** Waits for the tick under way, if any: nobody applies this workspace's events until this transaction ends. */
export async function lockWorkspace(trx: WorkspaceTransaction): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${trx.workspaceId}, 0))`.execute(trx);
}

/** The events of one tick: first lane first, a tenth kept for history and imports. */
export async function readInbox(trx: WorkspaceTransaction, size: number): Promise<InboxRow[]> {
  const { rows } = await sql<InboxRow>`
    with pressing as (
      select lane, received_at, event_key, content_hash, channel_id, payload, traceparent from inbox
      where workspace_id = ${trx.workspaceId} and lane < ${lanes.history}
      order by lane, received_at, event_key, content_hash limit ${size - Math.ceil(size / 10)}
    ), patient as (
      select lane, received_at, event_key, content_hash, channel_id, payload, traceparent from inbox
      where workspace_id = ${trx.workspaceId} and lane = ${lanes.history}
      order by received_at, event_key, content_hash limit (${size} - (select count(*) from pressing))
    )
    select lane, received_at as "receivedAt", event_key as "eventKey", content_hash as "contentHash",
           channel_id as "channelId", payload, traceparent
    from (select * from pressing union all select * from patient) turn`.execute(trx);
  return rows;
}

/** Takes events out of the inbox; they are applied or parked by the same transaction. */
export async function removeFromInbox(trx: WorkspaceTransaction, rows: readonly InboxRow[]): Promise<void> {
  await sql`
    delete from inbox i
    using (select lane, received_at,
                  substr(${Buffer.concat(rows.map((r) => r.eventKey))}::bytea, (n::int - 1) * 16 + 1, 16) as event_key,
                  substr(${Buffer.concat(rows.map((r) => r.contentHash))}::bytea, (n::int - 1) * 8 + 1, 8) as content_hash
           from unnest(${rows.map((r) => r.lane)}::smallint[], ${rows.map((r) => r.receivedAt)}::bigint[])
                with ordinality as t (lane, received_at, n)) applied
    where i.workspace_id = ${trx.workspaceId} and i.lane = applied.lane and i.received_at = applied.received_at
      and i.event_key = applied.event_key and i.content_hash = applied.content_hash`.execute(trx);
}

/** Keeps what is acknowledged but that nothing applies. */
export async function keepEvents(
  trx: WorkspaceTransaction,
  events: readonly { row: InboxRow; what: string; at: number }[],
): Promise<void> {
  if (events.length === 0) return;
  await trx
    .insertInto('kept_events')
    .values(
      events.map(({ row, what, at }) => ({
        workspace_id: trx.workspaceId,
        event_key: row.eventKey,
        content_hash: row.contentHash,
        what,
        channel_id: row.channelId,
        at,
        received_at: row.receivedAt,
        payload: row.payload,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

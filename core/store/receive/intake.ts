import { sql } from 'kysely';
import { blobOf } from '../blob.ts';
import { addCounts } from '../counts.ts';
import { inParts } from '../in-parts.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** One event on its way into the inbox. */
export interface IntakeEvent {
  /** 16 bytes. */
  readonly eventKey: Buffer;
  /** 8 bytes: tells two contents under one key apart. */
  readonly contentHash: Buffer;
  readonly lane: number;
  /** Null: it happened inside Sangam. */
  readonly channelId: string | null;
  readonly receivedAt: number;
  readonly payload: Buffer;
  /** The trace that brought it; null: nobody traces. */
  readonly traceparent: string | null;
}

export interface SuppressionRow {
  readonly value: string;
  readonly eventKey: Buffer;
  readonly at: number;
}

/** Writes what has not been seen before, in one statement; returns how many were new, by when they were received. */
export async function putIntoInbox(
  trx: WorkspaceTransaction,
  events: readonly IntakeEvent[],
): Promise<{ readonly at: number; readonly count: number }[]> {
  if (events.length === 0) return [];
  // In key order, so that two processes storing one storm wait for each other instead of deadlocking.
  const sorted = events.toSorted(
    (x, y) => x.eventKey.compare(y.eventKey) || x.contentHash.compare(y.contentHash),
  );
  const payloads = blobOf(sorted.map((event) => event.payload));
  const { rows } = await sql<{ at: number; count: number }>`
    with item as (
      select substr(${Buffer.concat(sorted.map((e) => e.eventKey))}::bytea, (n::int - 1) * 16 + 1, 16) as event_key,
             substr(${Buffer.concat(sorted.map((e) => e.contentHash))}::bytea, (n::int - 1) * 8 + 1, 8) as content_hash,
             lane, channel_id, received_at, start, size, traceparent
      from unnest(${sorted.map((e) => e.lane)}::smallint[], ${sorted.map((e) => e.channelId)}::uuid[],
                  ${sorted.map((e) => e.receivedAt)}::bigint[], ${payloads.starts}::int[],
                  ${payloads.sizes}::int[], ${sorted.map((e) => e.traceparent)}::text[])
           with ordinality as t (lane, channel_id, received_at, start, size, traceparent, n)
    ), fresh as (
      insert into event_keys (workspace_id, event_key, content_hash, received_at)
      select ${trx.workspaceId}::uuid, event_key, content_hash, received_at from item
      on conflict do nothing
      returning event_key, content_hash
    ), stored as (
      insert into inbox (workspace_id, lane, received_at, event_key, content_hash, channel_id, payload, traceparent)
      select ${trx.workspaceId}::uuid, lane, received_at, event_key, content_hash, channel_id,
             substr(${payloads.bytes}::bytea, start, size), traceparent
      from item join fresh using (event_key, content_hash)
      returning received_at
    )
    select received_at as at, count(*)::int as count from stored group by received_at`.execute(trx);
  if (rows.length > 0) trx.due.add('inbox', trx.workspaceId);
  return rows;
}

/** As `putIntoInbox`, counted as received: for what joins a transaction of its own. */
export async function takeIntoInbox(
  trx: WorkspaceTransaction,
  events: readonly IntakeEvent[],
): Promise<void> {
  const stored = await putIntoInbox(trx, events);
  await addCounts(
    trx,
    stored.map((one) => ({ name: 'received' as const, ...one })),
  );
}

/**
 * Every STOP, from the moment its 200 is sent. One that was seen before is in the ledger by now, or stands here already;
 * to be called before the events themselves are written.
 */
export async function putSuppressions(
  trx: WorkspaceTransaction,
  rows: readonly SuppressionRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const { rows: seen } = await sql<{ key: string }>`
    select encode(event_key, 'hex') as key from event_keys
    where workspace_id = ${trx.workspaceId} and event_key = any(${rows.map((row) => row.eventKey)}::bytea[])`.execute(
    trx,
  );
  const known = new Set(seen.map(({ key }) => key));
  const fresh = rows.filter((row) => !known.has(row.eventKey.toString('hex')));
  for (const part of inParts(fresh)) {
    await trx
      .insertInto('suppression')
      .values(
        part.map((row) => ({
          workspace_id: trx.workspaceId,
          value: row.value,
          event_key: row.eventKey,
          at: row.at,
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

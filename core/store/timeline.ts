import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { type ConnectionSettings, connectionSettings } from '../crm/index.ts';
import { dayOf, replyMs } from '../timeline/index.ts';
import { addCounts } from './counts.ts';
import { fromJson } from './json.ts';
import type { WorkspaceTransaction } from './store.ts';

/** A message that was applied: written, or with `tickOnly` got further than it was. */
export interface TouchedMessage {
  readonly contactId: string;
  readonly channelId: string;
  /** The event's time. */
  readonly at: number;
  readonly wamid: string;
  readonly tickOnly: boolean;
}

/** Ticks are written at most this often. */
const tickMs = 60_000;

/** One part of a conversation some timeline shows, to be written anew. */
interface TouchedPart {
  readonly contactId: string;
  readonly channelId: string;
  readonly part: string;
  readonly tickOnly: boolean;
}

/** Marks what timelines show of these messages, for every connection that keeps one. */
export async function markTimeline(
  trx: WorkspaceTransaction,
  touched: readonly TouchedMessage[],
  now: number,
): Promise<void> {
  if (touched.length === 0) return;
  const connections = await timelinesOf(trx);
  if (connections.length === 0) return;
  const messages = await placesOf(trx, touched);
  for (const { connectionId, settings } of connections) {
    const parts = new Map<string, TouchedPart>();
    for (const { contactId, channelId, wamid, at, tickOnly } of messages) {
      const perDay = settings.timeline.entries === 'per conversation-day';
      const part = perDay ? dayOf(at, settings.timeZone) : wamid;
      const name = `${contactId} ${channelId} ${part}`;
      const known = parts.get(name);
      parts.set(name, { contactId, channelId, part, tickOnly: tickOnly && (known?.tickOnly ?? true) });
    }
    await markParts(
      trx,
      connectionId,
      [...parts].toSorted(([x], [y]) => (x < y ? -1 : 1)),
      now,
    );
  }
}

async function timelinesOf(
  trx: WorkspaceTransaction,
): Promise<{ readonly connectionId: string; readonly settings: ConnectionSettings }[]> {
  const { rows } = await sql<{ connectionId: string; settings: Buffer }>`
    select connection_id as "connectionId", settings from crm_connections
    where workspace_id = ${trx.workspaceId} and disconnected_at is null`.execute(trx);
  return rows
    .map((row) => ({ ...row, settings: connectionSettings.parse(fromJson(row.settings)) }))
    .filter(({ settings }) => settings.timeline.entries !== 'none');
}

/**
 * Where messages stand in their conversations: a tick comes later than its message. A customer's message may be the
 * reply to our last one before it, which shows that.
 */
async function placesOf(
  trx: WorkspaceTransaction,
  touched: readonly TouchedMessage[],
): Promise<TouchedMessage[]> {
  const { rows } = await sql<Omit<TouchedMessage, 'tickOnly'> & { ticks: boolean }>`
    with touched as (
      select channel_id, wamid, bool_and(tick_only) as ticks
      from unnest(${touched.map((m) => m.channelId)}::uuid[], ${touched.map((m) => m.wamid)}::text[],
                  ${touched.map((m) => m.tickOnly)}::bool[]) as t (channel_id, wamid, tick_only)
      group by channel_id, wamid
    ), message as (
      select m.contact_id, m.channel_id, m.wamid, m.at, m.direction, t.ticks
      from touched t
      join messages m on m.workspace_id = ${trx.workspaceId} and m.channel_id = t.channel_id and m.wamid = t.wamid
      where m.contact_id is not null
    )
    select contact_id as "contactId", channel_id as "channelId", wamid, at, ticks from message
    union all
    select answered.contact_id, answered.channel_id, answered.wamid, answered.at, false
    from message m
    cross join lateral (
      select o.contact_id, o.channel_id, o.wamid, o.at from messages o
      where o.workspace_id = ${trx.workspaceId} and o.contact_id = m.contact_id and o.channel_id = m.channel_id
        and o.direction = 'out' and o.at < m.at and o.at >= m.at - ${replyMs}
      order by o.at desc limit 1) answered
    where m.direction = 'in' and not m.ticks`.execute(trx);
  return rows.map(({ ticks, ...row }) => ({ ...row, tickOnly: ticks }));
}

async function markParts(
  trx: WorkspaceTransaction,
  connectionId: string,
  parts: readonly (readonly [string, TouchedPart])[],
  now: number,
): Promise<void> {
  const keys = parts.map(([name]) => entryKeyOf(`${trx.workspaceId} ${connectionId} ${name}`));
  const { rows } = await sql<{ fresh: boolean }>`
    insert into timeline_entries as e (workspace_id, connection_id, contact_id, channel_id, part, entry_key, due_at,
                                       marked_at)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, t.contact_id, t.channel_id, t.part, t.entry_key,
           case when home.record_id is not null then ${now}::bigint end, ${now}::bigint
    from unnest(${parts.map(([, p]) => p.contactId)}::uuid[], ${parts.map(([, p]) => p.channelId)}::uuid[],
                ${parts.map(([, p]) => p.part)}::text[], ${keys}::text[]) as t (contact_id, channel_id, part, entry_key)
    left join lateral (${homeOf(trx.workspaceId, connectionId)}) home on true
    on conflict (workspace_id, connection_id, contact_id, channel_id, part) do update set
      version = e.version + 1,
      marked_at = case when e.due_at is null then excluded.marked_at else e.marked_at end,
      due_at = case when excluded.due_at is null then e.due_at
                    else least(e.due_at, case when ${tickNames(parts)} then greatest(excluded.due_at, e.written_at + ${tickMs})
                                              else excluded.due_at end) end
    returning old.due_at is null and new.due_at is not null as fresh`.execute(trx);
  await countDue(trx, connectionId, rows, now);
}

/** Whether the entry at hand was touched by ticks alone. */
function tickNames(parts: readonly (readonly [string, TouchedPart])[]): ReturnType<typeof sql> {
  const ticks = parts.filter(([, { tickOnly }]) => tickOnly).map(([name]) => name);
  return sql`e.contact_id || ' ' || e.channel_id || ' ' || e.part = any(${ticks}::text[])`;
}

/** The live home record of contact `t`. */
function homeOf(workspaceId: string, connectionId: string): ReturnType<typeof sql> {
  return sql`
    select l.record_id from crm_links l
    left join crm_records r on r.workspace_id = l.workspace_id and r.connection_id = l.connection_id
                           and r.record_id = l.record_id
    where l.workspace_id = ${workspaceId} and l.connection_id = ${connectionId} and l.contact_id = t.contact_id
      and l.home and l.parted_at is null and r.gone is null
    order by l.created_at limit 1`;
}

/** Opaque, stable and short: it stands in the entry for people to see. */
function entryKeyOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 20);
}

async function countDue(
  trx: WorkspaceTransaction,
  connectionId: string,
  rows: readonly { readonly fresh: boolean }[],
  now: number,
): Promise<void> {
  const count = rows.filter(({ fresh }) => fresh).length;
  if (count > 0) await addCounts(trx, [{ name: 'entries due', at: now, count, connectionId }]);
}

/** Contacts got a home record, or another one: what is not shown there yet falls due. */
export async function dueTimeline(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactIds: readonly string[],
  now: number,
): Promise<void> {
  if (contactIds.length === 0) return;
  const { rows } = await sql<{ fresh: boolean }>`
    update timeline_entries e
    set due_at = ${now}, version = e.version + 1,
        marked_at = case when e.due_at is null then ${now} else e.marked_at end
    from unnest(${contactIds}::uuid[]) as t (contact_id)
    cross join lateral (${homeOf(trx.workspaceId, connectionId)}) home
    where e.workspace_id = ${trx.workspaceId} and e.connection_id = ${connectionId}
      and e.contact_id = t.contact_id and (e.record_id is distinct from home.record_id or e.written_hash is null)
    returning old.due_at is null as fresh`.execute(trx);
  await countDue(trx, connectionId, rows, now);
}

/** What was refused of these contacts' timelines is tried again, in every connection. */
export async function retryTimeline(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  now: number,
): Promise<void> {
  if (contactIds.length === 0) return;
  const { rows } = await sql<{ connectionId: string }>`
    update timeline_entries e set due_at = ${now}, version = e.version + 1, marked_at = ${now}
    where e.workspace_id = ${trx.workspaceId} and e.contact_id = any(${contactIds}::uuid[]) and e.due_at is null
      and e.written_hash is null and e.record_id is not null
    returning connection_id as "connectionId"`.execute(trx);
  await addCounts(
    trx,
    rows.map(({ connectionId }) => ({ name: 'entries due', at: now, count: 1, connectionId })),
  );
}

/**
 * Timelines follow contacts that turned out to be one person. A day both had is shown once, by the survivor's entry; the
 * other's is written anew without the messages that moved, which leaves it empty, and so it is taken away.
 */
export async function moveTimeline(
  trx: WorkspaceTransaction,
  merges: readonly { readonly contactId: string; readonly into: string }[],
  now: number,
): Promise<void> {
  if (merges.length === 0) return;
  const pairs = sql`unnest(${merges.map(({ contactId }) => contactId)}::uuid[], ${merges.map(({ into }) => into)}::uuid[])
                    as t (gone, survivor)`;
  await sql`
    update timeline_entries e set contact_id = t.survivor, version = e.version + 1
    from ${pairs}
    where e.workspace_id = ${trx.workspaceId} and e.contact_id = t.gone
      and not exists (select 1 from timeline_entries s
                      where s.workspace_id = e.workspace_id and s.connection_id = e.connection_id
                        and s.contact_id = t.survivor and s.channel_id = e.channel_id and s.part = e.part)`.execute(
    trx,
  );
  const { rows } = await sql<{ connectionId: string; fresh: boolean }>`
    update timeline_entries e
    set due_at = case when e.entry_id is null then null else ${now}::bigint end, version = e.version + 1,
        marked_at = case when e.due_at is null then ${now} else e.marked_at end
    from ${pairs}
    where e.workspace_id = ${trx.workspaceId} and e.contact_id in (t.gone, t.survivor)
    returning e.connection_id as "connectionId", old.due_at is null and new.due_at is not null as fresh`.execute(
    trx,
  );
  for (const [connectionId, ofConnection] of Map.groupBy(rows, (row) => row.connectionId)) {
    await countDue(trx, connectionId, ofConnection, now);
  }
}

/** An entry to be written. */
export interface DueEntry {
  readonly contactId: string;
  readonly channelId: string;
  readonly part: string;
  readonly entryKey: string;
  /** Where it stands now. */
  readonly recordId: string | null;
  readonly entryId: string | null;
  /** Where it should stand; null: its contact has no record. */
  readonly homeId: string | null;
  readonly writtenHash: Buffer | null;
  readonly version: number;
  readonly markedAt: number;
  /** It was tried before and nobody knows how that ended. */
  readonly tried: boolean;
  readonly twinCheck: boolean;
}

export async function leaseEntries(
  trx: WorkspaceTransaction,
  batch: {
    connectionId: string;
    lease: string;
    size: number;
    now: number;
    leaseMs: number;
    /** Of these contacts only. */
    only: readonly string[] | undefined;
  },
): Promise<DueEntry[]> {
  const only = batch.only === undefined ? sql`` : sql`and contact_id = any(${batch.only}::uuid[])`;
  const { rows } = await sql<DueEntry>`
    with t as materialized (
      select contact_id, channel_id, part from timeline_entries
      where workspace_id = ${trx.workspaceId} and connection_id = ${batch.connectionId} and due_at <= ${batch.now}
        and (leased_until is null or leased_until < ${batch.now}) ${only}
      order by due_at, contact_id, channel_id, part limit ${batch.size} for update skip locked)
    update timeline_entries e set lease = ${batch.lease}, leased_until = ${batch.now + batch.leaseMs}
    from t left join lateral (${homeOf(trx.workspaceId, batch.connectionId)}) home on true
    where e.workspace_id = ${trx.workspaceId} and e.connection_id = ${batch.connectionId}
      and e.contact_id = t.contact_id and e.channel_id = t.channel_id and e.part = t.part
    returning e.contact_id as "contactId", e.channel_id as "channelId", e.part, e.entry_key as "entryKey",
              e.record_id as "recordId", e.entry_id as "entryId", home.record_id as "homeId",
              e.written_hash as "writtenHash", e.version, e.marked_at as "markedAt", e.tried,
              e.twin_check as "twinCheck"`.execute(trx);
  return rows;
}

/** From here on nobody knows whether these were written, until somebody says so. */
export async function markEntriesTried(
  trx: WorkspaceTransaction,
  lease: string,
  entries: readonly DueEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  await sql`
    update timeline_entries e set tried = true
    where e.workspace_id = ${trx.workspaceId} and e.entry_key = any(${entries.map(({ entryKey }) => entryKey)}::text[])
      and e.lease = ${lease}`.execute(trx);
}

/** What became of an entry; `hash` null: it does not stand as it should. */
export interface SettledEntry {
  readonly entry: DueEntry;
  readonly recordId: string | null;
  readonly entryId: string | null;
  readonly hash: Buffer | null;
  /** Milliseconds; undefined: nothing was written. */
  readonly writtenAt: number | undefined;
  /** To be looked at once more, for a twin. */
  readonly lookAgainAt: number | undefined;
}

/** Ends a lease; returns the keys of entries that are done. What changed meanwhile stays due. */
export async function settleEntries(
  trx: WorkspaceTransaction,
  lease: string,
  settled: readonly SettledEntry[],
): Promise<string[]> {
  const { rows } = await sql<{ entryKey: string; done: boolean }>`
    update timeline_entries e set
      record_id = t.record_id, entry_id = t.entry_id,
      written_hash = case when t.hash = '' then null else decode(t.hash, 'hex') end,
      written_at = coalesce(t.written_at, e.written_at), tried = false, lease = null, leased_until = null,
      twin_check = t.look_again_at is not null,
      due_at = case when e.version = t.version then t.look_again_at else e.due_at end
    from unnest(${settled.map((s) => s.entry.entryKey)}::text[], ${settled.map((s) => s.entry.version)}::int[],
                ${settled.map((s) => s.recordId)}::text[], ${settled.map((s) => s.entryId)}::text[],
                ${settled.map((s) => s.hash?.toString('hex') ?? '')}::text[],
                ${settled.map((s) => s.writtenAt ?? null)}::bigint[], ${settled.map((s) => s.lookAgainAt ?? null)}::bigint[])
         as t (entry_key, version, record_id, entry_id, hash, written_at, look_again_at)
    where e.workspace_id = ${trx.workspaceId} and e.entry_key = t.entry_key and e.lease = ${lease}
    returning e.entry_key as "entryKey", e.due_at is null as done`.execute(trx);
  return rows.filter(({ done }) => done).map(({ entryKey }) => entryKey);
}

/** Gives entries back as they were, to be taken again at `retryAt`. */
export async function returnEntries(
  trx: WorkspaceTransaction,
  lease: string,
  entryKeys: readonly string[],
  retryAt: number,
): Promise<void> {
  if (entryKeys.length === 0) return;
  await sql`
    update timeline_entries set lease = null, leased_until = null, due_at = greatest(due_at, ${retryAt}::bigint)
    where workspace_id = ${trx.workspaceId} and entry_key = any(${entryKeys}::text[]) and lease = ${lease}`.execute(
    trx,
  );
}

/** Forgets entries that show nothing any more. */
export async function forgetEntries(trx: WorkspaceTransaction, entryKeys: readonly string[]): Promise<void> {
  if (entryKeys.length === 0) return;
  await sql`
    delete from timeline_entries
    where workspace_id = ${trx.workspaceId} and entry_key = any(${entryKeys}::text[])`.execute(trx);
}

/** Messages of parts of conversations, each with the place of its part among those asked for. */
export async function messagesOfParts(
  trx: WorkspaceTransaction,
  parts: readonly {
    readonly contactId: string;
    readonly channelId: string;
    readonly from: number;
    readonly until: number;
  }[],
): Promise<
  {
    readonly place: number;
    readonly wamid: string;
    readonly origin: 'customer' | 'phone app' | 'meta agent' | 'history' | 'other tool';
    readonly direction: 'in' | 'out';
    readonly at: number;
    readonly content: Buffer | null;
    readonly accepted: number | null;
    readonly sent: number | null;
    readonly failed: number | null;
    readonly delivered: number | null;
    readonly read: number | null;
    readonly played: number | null;
    readonly errorCode: number | null;
  }[]
> {
  const { rows } = await sql<Awaited<ReturnType<typeof messagesOfParts>>[number]>`
    select t.n::int - 1 as place, m.wamid, m.origin, m.direction, m.at, m.content, m.accepted_at as accepted,
           m.sent_at as sent, m.failed_at as failed, m.delivered_at as delivered, m.read_at as read,
           m.played_at as played, m.error_code as "errorCode"
    from unnest(${parts.map((p) => p.contactId)}::uuid[], ${parts.map((p) => p.channelId)}::uuid[],
                ${parts.map((p) => p.from)}::bigint[], ${parts.map((p) => p.until)}::bigint[])
         with ordinality as t (contact_id, channel_id, start_at, end_at, n)
    join messages m on m.workspace_id = ${trx.workspaceId} and m.contact_id = t.contact_id
      and m.channel_id = t.channel_id and m.at >= t.start_at
      and (m.at < t.end_at or (m.direction = 'in' and m.at < t.end_at + ${replyMs}))`.execute(trx);
  return rows;
}

/** When these messages were written: by channel and wamid. */
export async function timesOfMessages(
  trx: WorkspaceTransaction,
  messages: readonly { readonly channelId: string; readonly wamid: string }[],
): Promise<ReadonlyMap<string, number>> {
  if (messages.length === 0) return new Map();
  const { rows } = await sql<{ channelId: string; wamid: string; at: number }>`
    select m.channel_id as "channelId", m.wamid, m.at
    from unnest(${messages.map((m) => m.channelId)}::uuid[], ${messages.map((m) => m.wamid)}::text[])
         as t (channel_id, wamid)
    join messages m on m.workspace_id = ${trx.workspaceId} and m.channel_id = t.channel_id and m.wamid = t.wamid`.execute(
    trx,
  );
  return new Map(rows.map(({ channelId, wamid, at }) => [`${channelId} ${wamid}`, at]));
}

/** Contacts whose messages changed hands: everything their timelines show is looked at anew. */
export async function remarkTimeline(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  now: number,
): Promise<void> {
  if (contactIds.length === 0) return;
  const { rows } = await sql<Omit<TouchedMessage, 'tickOnly'>>`
    select contact_id as "contactId", channel_id as "channelId", wamid, at from messages
    where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])`.execute(trx);
  await markTimeline(
    trx,
    rows.map((row) => ({ ...row, tickOnly: false })),
    now,
  );
  const { rows: due } = await sql<{ connectionId: string; fresh: boolean }>`
    update timeline_entries e
    set due_at = ${now}, version = e.version + 1,
        marked_at = case when e.due_at is null then ${now} else e.marked_at end
    where e.workspace_id = ${trx.workspaceId} and e.contact_id = any(${contactIds}::uuid[]) and e.entry_id is not null
    returning connection_id as "connectionId", old.due_at is null as fresh`.execute(trx);
  for (const [connectionId, ofConnection] of Map.groupBy(due, (row) => row.connectionId)) {
    await countDue(trx, connectionId, ofConnection, now);
  }
}

/** Contacts who are known by one of these phones. */
export async function contactsOfPhones(
  trx: WorkspaceTransaction,
  phones: readonly string[],
): Promise<string[]> {
  const { rows } = await sql<{ contactId: string }>`
    select distinct contact_id as "contactId" from identities
    where workspace_id = ${trx.workspaceId} and value = any(${phones}::text[]) and contact_id is not null`.execute(
    trx,
  );
  return rows.map(({ contactId }) => contactId);
}

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
    left join lateral (${homeRecordOf(trx.workspaceId, connectionId)}) home on true
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
export function homeRecordOf(workspaceId: string, connectionId: string): ReturnType<typeof sql> {
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
  // In the order `markParts` takes them.
  await sql`
    select 1 from timeline_entries
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and contact_id = any(${contactIds}::uuid[])
    order by contact_id, channel_id, part for update`.execute(trx);
  const { rows } = await sql<{ fresh: boolean }>`
    update timeline_entries e
    set due_at = ${now}, version = e.version + 1,
        marked_at = case when e.due_at is null then ${now} else e.marked_at end
    from unnest(${contactIds}::uuid[]) as t (contact_id)
    cross join lateral (${homeRecordOf(trx.workspaceId, connectionId)}) home
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

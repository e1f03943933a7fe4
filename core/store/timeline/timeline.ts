import { createHash } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import { type ConnectionSettings, readStoredSettings, type TimelineRest } from '../../crm/index.ts';
import { dayOf, replyMs } from '../../timeline/index.ts';
import { addCounts } from '../counts.ts';
import { asTraces, joinTraces } from '../traces.ts';
import { fromJson } from '../json.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** A message that was applied: written, or with `statusOnly` got further than it was. */
export interface TouchedMessage {
  readonly contactId: string;
  readonly channelId: string;
  /** The event's time. */
  readonly at: number;
  readonly wamid: string;
  readonly statusOnly: boolean;
  /** Of the event. */
  readonly traceparent?: string | null;
}

/** How long a new entry waits for its contact to get a record; who gives it one makes the entry due at once. */
export const unlinkedMs = 5_000;

/** One part of a conversation some timeline shows, to be written anew. */
interface TouchedPart {
  readonly contactId: string;
  readonly channelId: string;
  readonly part: string;
  readonly statusOnly: boolean;
  readonly traceparents: readonly string[];
}

/** Marks what timelines show of these messages, for every connection that keeps one. */
export async function markTimeline(
  trx: WorkspaceTransaction,
  touched: readonly TouchedMessage[],
  /** By the name of a CRM. */
  restOf: (crm: string) => TimelineRest,
  now: number,
): Promise<void> {
  if (touched.length === 0) return;
  const connections = await timelinesOf(trx);
  if (connections.length === 0) return;
  const messages = await placesOf(trx, touched);
  const traces = Map.groupBy(touched, (message) => `${message.channelId} ${message.wamid}`);
  for (const { connectionId, crm, settings } of connections) {
    const parts = new Map<string, TouchedPart>();
    for (const { contactId, channelId, wamid, at, statusOnly } of messages) {
      const perDay = settings.timeline.entries === 'per conversation-day';
      const part = perDay ? dayOf(at, settings.timeZone) : wamid;
      const name = `${contactId} ${channelId} ${part}`;
      const known = parts.get(name);
      const told = traces.get(`${channelId} ${wamid}`)?.flatMap(({ traceparent }) => traceparent ?? []);
      parts.set(name, {
        contactId,
        channelId,
        part,
        statusOnly: statusOnly && (known?.statusOnly ?? true),
        traceparents: [...(known?.traceparents ?? []), ...(told ?? [])],
      });
    }
    await markParts(
      trx,
      connectionId,
      [...parts].toSorted(([x], [y]) => (x < y ? -1 : 1)),
      restOf(crm),
      now,
    );
  }
}

async function timelinesOf(
  trx: WorkspaceTransaction,
): Promise<{ readonly connectionId: string; readonly crm: string; readonly settings: ConnectionSettings }[]> {
  const { rows } = await sql<{ connectionId: string; crm: string; settings: Buffer }>`
    select connection_id as "connectionId", crm, settings from crm_connections
    where workspace_id = ${trx.workspaceId} and disconnected_at is null`.execute(trx);
  return rows
    .map((row) => ({ ...row, settings: readStoredSettings(fromJson(row.settings)).settings }))
    .filter(({ settings }) => settings.timeline.entries !== 'none');
}

/**
 * Where messages stand in their conversations: a status comes later than its message. A customer's message may be the
 * reply to our last one before it, which shows that.
 */
async function placesOf(
  trx: WorkspaceTransaction,
  touched: readonly TouchedMessage[],
): Promise<Omit<TouchedMessage, 'traceparent'>[]> {
  const { rows } = await sql<Omit<TouchedMessage, 'traceparent'>>`
    with touched as (
      select channel_id, wamid, bool_and(status_only) as status_only
      from unnest(${touched.map((m) => m.channelId)}::uuid[], ${touched.map((m) => m.wamid)}::text[],
                  ${touched.map((m) => m.statusOnly)}::bool[]) as t (channel_id, wamid, status_only)
      group by channel_id, wamid
    ), message as (
      select m.contact_id, m.channel_id, m.wamid, m.at, m.direction, t.status_only
      from touched t
      join messages m on m.workspace_id = ${trx.workspaceId} and m.channel_id = t.channel_id and m.wamid = t.wamid
      where m.contact_id is not null
    )
    select contact_id as "contactId", channel_id as "channelId", wamid, at, status_only as "statusOnly" from message
    union all
    select answered.contact_id, answered.channel_id, answered.wamid, answered.at, false
    from message m
    cross join lateral (
      select o.contact_id, o.channel_id, o.wamid, o.at from messages o
      where o.workspace_id = ${trx.workspaceId} and o.contact_id = m.contact_id and o.channel_id = m.channel_id
        and o.direction = 'out' and o.at < m.at and o.at >= m.at - ${replyMs}
      order by o.at desc limit 1) answered
    where m.direction = 'in' and not m.status_only`.execute(trx);
  return rows;
}

/**
 * A new entry is due whether its contact is seen to have a record or not: one that is being given meanwhile, by a
 * transaction that cannot see the entry, is found by the writer. An entry that was let go for want of a record stays so,
 * as one that does not stand as it should: who gives the record sees it.
 */
async function markParts(
  trx: WorkspaceTransaction,
  connectionId: string,
  parts: readonly (readonly [string, TouchedPart])[],
  rest: TimelineRest,
  now: number,
): Promise<void> {
  const keys = parts.map(([, part]) => entryKeyOf(trx.workspaceId, connectionId, part));
  const restMs = sql`(case when ${isStatusOnly(parts, keys)} then ${sql.lit(rest.status)} else ${sql.lit(rest.message)} end)`;
  const { rows } = await sql<MarkedEntry>`
    insert into timeline_entries as e (workspace_id, connection_id, contact_id, channel_id, part, entry_key, due_at,
                                       marked_at, traceparents)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, t.contact_id, t.channel_id, t.part, t.entry_key,
           case when primary_record.record_id is not null then ${now}::bigint else ${now + unlinkedMs}::bigint end, ${now}::bigint,
           string_to_array(t.traces, ' ')
    from unnest(${parts.map(([, p]) => p.contactId)}::uuid[], ${parts.map(([, p]) => p.channelId)}::uuid[],
                ${parts.map(([, p]) => p.part)}::text[], ${keys}::text[],
                ${parts.map(([, p]) => asTraces(p.traceparents))}::text[])
         as t (contact_id, channel_id, part, entry_key, traces)
    left join lateral (${primaryRecordOf(trx.workspaceId, connectionId)}) primary_record on true
    on conflict (workspace_id, connection_id, contact_id, channel_id, part) do update set
      version = e.version + 1,
      ${fallsDue}, ${sql.raw(joinTraces('e'))},
      marked_at = case when e.due_at is null then excluded.marked_at else e.marked_at end,
      written_hash = case when e.due_at is null and excluded.due_at > excluded.marked_at then null
                          else e.written_hash end,
      due_at = case when excluded.due_at > excluded.marked_at or (e.due_at is not null and (e.tried or e.attempts > 0))
                      then e.due_at
                    else least(e.due_at, greatest(excluded.due_at, e.written_at + ${restMs})) end,
      rest_ms = least(e.rest_ms, ${restMs})
    returning ${dueAgain}`.execute(trx);
  await noteDueEntries(trx, rows, now);
}

/** In an update that raises the version of entries `e`: remembers those that fall due by it. */
export const fallsDue = sql.raw(
  'due_version = case when e.due_at is null then e.version + 1 else e.due_version end',
);
/** When they are due, and whether `fallsDue` made them so. */
export const dueAgain = sql.raw(
  `e.connection_id as "connectionId", e.due_at as "dueAt", e.due_at is not null and e.due_version = e.version as fresh`,
);

/** An entry that was marked. */
export interface MarkedEntry {
  readonly connectionId: string;
  readonly dueAt: number | null;
  /** It was not due before. */
  readonly fresh: boolean;
}

/** Whether the entry at hand was touched by statuses alone. Said in the statement's text: `on conflict` takes no parameters. */
function isStatusOnly(
  parts: readonly (readonly [string, TouchedPart])[],
  keys: readonly string[],
): ReturnType<typeof sql> {
  const statusOnly = keys.filter((_key, index) => parts[index]?.[1].statusOnly === true);
  return sql`excluded.entry_key = any(${sql.lit(`{${statusOnly.join(',')}}`)}::text[])`;
}

/** The live primary record of contact `t`. */
export function primaryRecordOf(
  workspaceId: string,
  connectionId: string | RawBuilder<unknown>,
): ReturnType<typeof sql> {
  return sql`
    select l.record_id from crm_links l
    left join crm_records r on r.workspace_id = l.workspace_id and r.connection_id = l.connection_id
                           and r.record_id = l.record_id
    where l.workspace_id = ${workspaceId} and l.connection_id = ${connectionId} and l.contact_id = t.contact_id
      and l.is_primary and l.parted_at is null and r.gone is null
    order by l.created_at limit 1`;
}

/**
 * From entries `t` whose contact has a primary record, those that do not stand there as they should, wait for nothing and
 * were not refused.
 */
export function fromLostEntries(workspaceId: string): ReturnType<typeof sql> {
  return sql`
    from timeline_entries t
    cross join lateral (${primaryRecordOf(workspaceId, sql`t.connection_id`)}) primary_record
    where t.workspace_id = ${workspaceId} and t.due_at is null
      and (t.record_id is distinct from primary_record.record_id or t.written_hash is null)
      and (t.record_id is null
           or not exists (select 1 from dead_letters d
                          where d.workspace_id = ${workspaceId} and d.connection_id = t.connection_id
                            and d.contact_id = t.contact_id and d.about_timeline))`;
}

/** Opaque, stable and short: it stands in the entry for people to see. It tells for whom the entry was made. */
export function entryKeyOf(
  workspaceId: string,
  connectionId: string,
  { contactId, channelId, part }: Pick<TouchedPart, 'contactId' | 'channelId' | 'part'>,
): string {
  const name = [workspaceId, connectionId, contactId, channelId, part].join(' ');
  return createHash('sha256').update(name).digest('hex').slice(0, 20);
}

export async function noteDueEntries(
  trx: WorkspaceTransaction,
  rows: readonly MarkedEntry[],
  now: number,
): Promise<void> {
  for (const { connectionId, dueAt } of rows) {
    if (dueAt !== null) trx.due.add('timeline', connectionId, dueAt);
  }
  await addCounts(
    trx,
    rows
      .filter(({ fresh }) => fresh)
      .map(({ connectionId }) => ({ name: 'entries due', at: now, count: 1, connectionId })),
  );
}

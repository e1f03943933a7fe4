import { sql } from 'kysely';
import type { StatusTimes } from '../../conversation/index.ts';
import { blobOf } from '../blob.ts';
import type { MessageOrigin } from '../schema.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** A message with its content, as one event brought it. */
export interface MessageRow {
  readonly channelId: string;
  readonly wamid: string;
  readonly contactId: string | null;
  readonly origin: MessageOrigin;
  readonly direction: 'in' | 'out';
  readonly type: string | null;
  readonly at: number;
  readonly eventKey: Buffer;
  readonly contentHash: Buffer;
  /** The slice of the webhook it came in. Null: only statuses of it reached us. */
  readonly content: Buffer | null;
  readonly phone: string | null;
  readonly bsuidKey: string | null;
}

/** Inserts messages not yet known; returns those that were known in some form, for `mergeMessages`. */
export async function insertMessages(
  trx: WorkspaceTransaction,
  messages: readonly MessageRow[],
): Promise<MessageRow[]> {
  if (messages.length === 0) return [];
  const first = new Map<string, MessageRow>();
  const again: MessageRow[] = [];
  for (const message of messages) {
    const name = nameOf(message);
    if (first.has(name)) again.push(message);
    else first.set(name, message);
  }
  const rows = [...first.values()].toSorted(byName);
  const inserted = await insertInto(
    trx,
    rows,
    sql`
    insert into messages (workspace_id, channel_id, wamid, contact_id, origin, direction, type, at, event_key,
                          content_hash, content, phone, bsuid_key)
    select workspace_id, channel_id, wamid, contact_id, origin, direction, type, at, event_key, content_hash, content,
           phone, bsuid_key
    from item
    on conflict do nothing
    returning channel_id, wamid`,
  );
  const fresh = new Set(inserted.map((row) => `${row.channel_id}|${row.wamid}`));
  return [...rows.filter((row) => !fresh.has(nameOf(row))), ...again];
}

/** Which of several contents that say as much is shown: the person's own words first, then the earliest. */
const originOrder: readonly MessageOrigin[] = [
  'customer',
  'sangam',
  'phone app',
  'meta agent',
  'history',
  'other tool',
];

/** What a content is worth beside another of the same message. */
export interface ContentJudgement {
  /** How little it says: the lesser is shown. */
  readonly poorness: number;
  /** It does not show whose it is, and takes that from another content. */
  readonly showsNobody: boolean;
}

export interface Merged {
  /** How many messages now hold differing contents. */
  readonly differing: number;
  /** Messages of which another content is shown than before, or for somebody else. */
  readonly changed: readonly MessageRow[];
}

/**
 * Brings further contents of known messages together with what is there. Every content is kept; which one the message
 * shows, and whose it is, is a function of all of them and does not depend on the order they came in.
 */
export async function mergeMessages(
  trx: WorkspaceTransaction,
  incoming: readonly MessageRow[],
  judge: (content: Buffer) => ContentJudgement,
): Promise<Merged> {
  if (incoming.length === 0) return { differing: 0, changed: [] };
  const wanted = sql`(select distinct channel_id, wamid
          from unnest(${incoming.map((m) => m.channelId)}::uuid[], ${incoming.map((m) => m.wamid)}::text[])
               as t (channel_id, wamid)) t`;
  const { rows: known } = await sql<MessageRow>`
    select ${columnsOf('m')} from messages m join ${wanted} using (channel_id, wamid)
    where m.workspace_id = ${trx.workspaceId}`.execute(trx);
  const { rows: earlier } = await sql<MessageRow>`
    select ${columnsOf('m')} from message_contents m join ${wanted} using (channel_id, wamid)
    where m.workspace_id = ${trx.workspaceId}`.execute(trx);
  const contents = Map.groupBy([...known, ...earlier, ...incoming].map(judged), ({ row }) => nameOf(row));

  function judged(row: MessageRow): Judged {
    if (row.content === null) return { row, poorness: Infinity, showsNobody: false };
    const { poorness, showsNobody } = judge(row.content);
    // Whose it is was lent to it by another content, which decides again.
    return { row: showsNobody ? { ...row, ...nobody } : row, poorness, showsNobody };
  }

  const changed: MessageRow[] = [];
  const aside: MessageRow[] = [];
  for (const row of known) {
    const [shown, ...others] = (contents.get(nameOf(row)) ?? []).toSorted(compareContents);
    if (shown === undefined) continue;
    const owner = shown.showsNobody
      ? others.find((other) => !other.showsNobody && other.row.content !== null)?.row
      : undefined;
    const next =
      owner === undefined
        ? shown.row
        : { ...shown.row, contactId: owner.contactId, phone: owner.phone, bsuidKey: owner.bsuidKey };
    if (!isSameRow(next, row)) changed.push(next);
    aside.push(
      ...others
        .map((other) => other.row)
        .filter((other) => other.content !== null && !isSameContent(other, next)),
    );
  }
  const fresh = aside.filter((row) => !earlier.includes(row));
  await insertInto(
    trx,
    fresh.toSorted(byName),
    sql`
    insert into message_contents (workspace_id, channel_id, wamid, event_key, content_hash, contact_id, origin,
                                  direction, type, at, content, phone, bsuid_key)
    select workspace_id, channel_id, wamid, event_key, content_hash, contact_id, origin, direction, type, at, content,
           phone, bsuid_key
    from item
    on conflict do nothing
    returning channel_id, wamid`,
  );
  await insertInto(
    trx,
    changed.toSorted(byName),
    sql`
    update messages m
    set contact_id = item.contact_id, origin = item.origin, direction = item.direction, type = item.type, at = item.at,
        event_key = item.event_key, content_hash = item.content_hash, content = item.content, phone = item.phone,
        bsuid_key = item.bsuid_key
    from item
    where m.workspace_id = item.workspace_id and m.channel_id = item.channel_id and m.wamid = item.wamid
    returning m.channel_id, m.wamid`,
  );
  return { differing: new Set(fresh.map(nameOf)).size, changed };
}

interface Judged extends ContentJudgement {
  readonly row: MessageRow;
}

const nobody = { contactId: null, phone: null, bsuidKey: null };

function columnsOf(table: string): ReturnType<typeof sql.raw> {
  return sql.raw(`${table}.channel_id as "channelId", ${table}.wamid, ${table}.contact_id as "contactId",
    ${table}.origin, ${table}.direction, ${table}.type, ${table}.at, ${table}.event_key as "eventKey",
    ${table}.content_hash as "contentHash", ${table}.content, ${table}.phone, ${table}.bsuid_key as "bsuidKey"`);
}

function isSameContent(x: MessageRow, y: MessageRow): boolean {
  return x.eventKey.equals(y.eventKey) && x.contentHash.equals(y.contentHash);
}

function isSameRow(x: MessageRow, y: MessageRow): boolean {
  return (
    isSameContent(x, y) &&
    (x.content === null) === (y.content === null) &&
    x.contactId === y.contactId &&
    x.phone === y.phone &&
    x.bsuidKey === y.bsuidKey
  );
}

function compareContents(x: Judged, y: Judged): number {
  return (
    Number(x.row.content === null) - Number(y.row.content === null) ||
    x.poorness - y.poorness ||
    originOrder.indexOf(x.row.origin) - originOrder.indexOf(y.row.origin) ||
    x.row.at - y.row.at ||
    x.row.eventKey.compare(y.row.eventKey) ||
    x.row.contentHash.compare(y.row.contentHash)
  );
}

/** What is known of a message by its statuses alone. */
export interface StatusRow {
  readonly channelId: string;
  readonly wamid: string;
  readonly contactId: string | null;
  readonly times: StatusTimes;
  readonly errorCode: number | null;
  /** It is an answer in the service window, not a template. */
  readonly freeForm: boolean;
  readonly eventKey: Buffer;
  readonly contentHash: Buffer;
  readonly phone: string | null;
  readonly bsuidKey: string | null;
}

/**
 * Joins statuses into their messages. A message we never sent becomes a line `other tool`: on the recipient's
 * conversation when we know them, waiting without a contact when we do not.
 */
export async function joinStatuses(trx: WorkspaceTransaction, statuses: readonly StatusRow[]): Promise<void> {
  if (statuses.length === 0) return;
  const rows = statuses.toSorted(byName);
  const column = (status: keyof StatusTimes): (number | null)[] =>
    rows.map((row) => row.times[status] ?? null);
  await sql`
    insert into messages as m (workspace_id, channel_id, wamid, contact_id, origin, direction, at, event_key,
                               content_hash, phone, bsuid_key, accepted_at, sent_at, failed_at, delivered_at, read_at,
                               played_at, error_code, free_form)
    select ${trx.workspaceId}::uuid, channel_id, wamid, contact_id, 'other tool', 'out',
           least(accepted_at, sent_at, failed_at, delivered_at, read_at, played_at),
           substr(${Buffer.concat(rows.map((row) => row.eventKey))}::bytea, (n::int - 1) * 16 + 1, 16),
           substr(${Buffer.concat(rows.map((row) => row.contentHash))}::bytea, (n::int - 1) * 8 + 1, 8),
           phone, bsuid_key, accepted_at, sent_at, failed_at, delivered_at, read_at, played_at, error_code,
           free_form
    from unnest(${rows.map((row) => row.channelId)}::uuid[], ${rows.map((row) => row.wamid)}::text[],
                ${rows.map((row) => row.contactId)}::uuid[], ${rows.map((row) => row.phone)}::text[],
                ${rows.map((row) => row.bsuidKey)}::text[], ${column('accepted')}::bigint[], ${column('sent')}::bigint[],
                ${column('failed')}::bigint[], ${column('delivered')}::bigint[], ${column('read')}::bigint[],
                ${column('played')}::bigint[], ${rows.map((row) => row.errorCode)}::int[],
                ${rows.map((row) => row.freeForm)}::bool[])
         with ordinality as t (channel_id, wamid, contact_id, phone, bsuid_key, accepted_at, sent_at, failed_at,
                               delivered_at, read_at, played_at, error_code, free_form, n)
    on conflict (workspace_id, channel_id, wamid) do update set
      accepted_at = least(m.accepted_at, excluded.accepted_at), sent_at = least(m.sent_at, excluded.sent_at),
      failed_at = least(m.failed_at, excluded.failed_at), delivered_at = least(m.delivered_at, excluded.delivered_at),
      read_at = least(m.read_at, excluded.read_at), played_at = least(m.played_at, excluded.played_at),
      error_code = least(m.error_code, excluded.error_code), free_form = m.free_form or excluded.free_form,
      at = case when m.content is null then least(m.at, excluded.at) else m.at end,
      contact_id = case
        when m.content is not null then m.contact_id
        when m.bsuid_key is null and excluded.bsuid_key is not null then excluded.contact_id
        when m.bsuid_key is not null and excluded.bsuid_key is null then m.contact_id
        when excluded.bsuid_key <> m.bsuid_key then
          case when excluded.bsuid_key < m.bsuid_key then excluded.contact_id else m.contact_id end
        when excluded.at < m.at then excluded.contact_id
        else m.contact_id end,
      phone = case when m.content is null then least(m.phone, excluded.phone) else m.phone end,
      bsuid_key = case when m.content is null then least(m.bsuid_key, excluded.bsuid_key) else m.bsuid_key end`.execute(
    trx,
  );
}

/** Runs a statement over `item`, the rows given. */
async function insertInto(
  trx: WorkspaceTransaction,
  rows: readonly MessageRow[],
  statement: ReturnType<typeof sql>,
): Promise<{ channel_id: string; wamid: string }[]> {
  if (rows.length === 0) return [];
  const contents = blobOf(rows.map((row) => row.content));
  const result = await sql<{ channel_id: string; wamid: string }>`
    with item as (
      select ${trx.workspaceId}::uuid as workspace_id, channel_id, wamid, contact_id, origin, direction, type, at,
             substr(${Buffer.concat(rows.map((row) => row.eventKey))}::bytea, (n::int - 1) * 16 + 1, 16) as event_key,
             substr(${Buffer.concat(rows.map((row) => row.contentHash))}::bytea, (n::int - 1) * 8 + 1, 8) as content_hash,
             substr(${contents.bytes}::bytea, start, size) as content, phone, bsuid_key
      from unnest(${rows.map((row) => row.channelId)}::uuid[], ${rows.map((row) => row.wamid)}::text[],
                  ${rows.map((row) => row.contactId)}::uuid[], ${rows.map((row) => row.origin)}::text[],
                  ${rows.map((row) => row.direction)}::text[], ${rows.map((row) => row.type)}::text[],
                  ${rows.map((row) => row.at)}::bigint[], ${contents.starts}::int[], ${contents.sizes}::int[],
                  ${rows.map((row) => row.phone)}::text[], ${rows.map((row) => row.bsuidKey)}::text[])
           with ordinality as t (channel_id, wamid, contact_id, origin, direction, type, at, start, size, phone,
                                 bsuid_key, n)
    ) ${statement}`.execute(trx);
  return result.rows;
}

function nameOf(row: { channelId: string; wamid: string }): string {
  return `${row.channelId}|${row.wamid}`;
}

function byName(x: { channelId: string; wamid: string }, y: { channelId: string; wamid: string }): number {
  const [a, b] = [nameOf(x), nameOf(y)];
  return a < b ? -1 : a > b ? 1 : 0;
}

import { sql } from 'kysely';
import { blobOf } from '../blob.ts';
import { addCounts } from '../counts.ts';
import type { Page } from '../page.ts';
import type { SendCategory, SenderKind, SendState } from '../schema.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/** Sends: what was asked to leave, and what became of it. Times in milliseconds. */

/** What never changes of one. */
interface AskedSend {
  readonly sendId: string;
  readonly clientId: string;
  readonly requestHash: Buffer;
  readonly channelId: string;
  readonly senderKind: SenderKind;
  readonly sender: string;
  readonly templateName: string | null;
  readonly templateLanguage: string | null;
  /** The medium of ours it names. */
  readonly mediaId: string | null;
  /** JSON of `RequestedContent`. */
  readonly content: Buffer;
  readonly askedAt: number;
  readonly expiresAt: number;
}

export interface SendRow extends AskedSend {
  readonly contactId: string | null;
  readonly phone: string | null;
  readonly bsuidKey: string | null;
  readonly category: SendCategory;
  /** JSON of `OutboundContent`. */
  readonly leaves: Buffer | null;
  readonly shown: string | null;
  readonly state: SendState;
  readonly reason: string | null;
  readonly explanation: string | null;
  readonly errorCode: number | null;
  readonly priority: number;
  readonly attempts: number;
  readonly cappedAt: number | null;
  readonly asMarketing: boolean;
  readonly mediumRenewed: boolean;
  readonly triedAt: number | null;
  readonly dueAt: number | null;
  readonly lease: string | null;
  readonly wamid: string | null;
  readonly changedAt: number;
}

/** What of the due goes first: answers, then what people wait for, then the rest; last what waits for WhatsApp's word. */
export const sendPriority = { answer: 0, utility: 1, marketing: 2, afterwards: 3 } as const;
const allPriorities = Object.values(sendPriority);

const columns = sql.raw(
  `send_id as "sendId", client_id as "clientId", request_hash as "requestHash", channel_id as "channelId",
   contact_id as "contactId", phone, bsuid_key as "bsuidKey", sender_kind as "senderKind", sender, category,
   template_name as "templateName", template_language as "templateLanguage", media_id as "mediaId", content, leaves, shown, state, reason,
   explanation, error_code as "errorCode", priority, attempts, capped_at as "cappedAt", as_marketing as "asMarketing",
   medium_renewed as "mediumRenewed",    asked_at as "askedAt", tried_at as "triedAt", expires_at as "expiresAt", due_at as "dueAt", lease, wamid,
   changed_at as "changedAt"`,
);

/** Of one client id one send: the row that stands, and whether it is this one. */
export async function insertSend(
  trx: WorkspaceTransaction,
  send: SendRow,
): Promise<{ readonly send: SendRow; readonly inserted: boolean }> {
  const { rows } = await sql`
    insert into sends (workspace_id, send_id, client_id, request_hash, channel_id, contact_id, phone, bsuid_key, sender_kind,
                       sender, category, template_name, template_language, media_id, content, state, reason, explanation, priority,
                       asked_at, expires_at, due_at, changed_at)
    values (${trx.workspaceId}, ${send.sendId}, ${send.clientId}, ${send.requestHash}, ${send.channelId}, ${send.contactId},
            ${send.phone}, ${send.bsuidKey}, ${send.senderKind}, ${send.sender}, ${send.category}, ${send.templateName},
            ${send.templateLanguage}, ${send.mediaId}, ${send.content}, ${send.state}, ${send.reason}, ${send.explanation}, ${send.priority},
            ${send.askedAt}, ${send.expiresAt}, ${send.dueAt}, ${send.changedAt})
    on conflict (workspace_id, client_id) do nothing
    returning 1`.execute(trx);
  if (rows.length > 0) {
    await addCounts(trx, [{ name: 'sends asked', at: send.askedAt, count: 1 }]);
    if (send.dueAt !== null) trx.due.add('sends', send.channelId, send.dueAt);
    return { send, inserted: true };
  }
  const known = await sendByClient(trx, send.clientId);
  if (known === undefined) throw new Error('A send that stands in the way of another is not there.');
  return { send: known, inserted: false };
}

export async function sendByClient(
  trx: WorkspaceTransaction,
  clientId: string,
): Promise<SendRow | undefined> {
  const { rows } = await sql<SendRow>`
    select ${columns} from sends where workspace_id = ${trx.workspaceId} and client_id = ${clientId}`.execute(
    trx,
  );
  return rows[0];
}

export async function sendById(trx: WorkspaceTransaction, sendId: string): Promise<SendRow | undefined> {
  const { rows } = await sql<SendRow>`
    select ${columns} from sends where workspace_id = ${trx.workspaceId} and send_id = ${sendId}`.execute(
    trx,
  );
  return rows[0];
}

export interface SendQuery extends Page<string> {
  readonly state?: SendState | undefined;
  readonly contactId?: string | undefined;
}

/** Newest first. */
export async function listSends(
  trx: WorkspaceTransaction,
  { limit, after, state, contactId }: SendQuery,
): Promise<SendRow[]> {
  const { rows } = await sql<SendRow>`
    select ${columns} from sends
    where workspace_id = ${trx.workspaceId}
      ${state === undefined ? sql`` : sql`and state = ${state}`}
      ${contactId === undefined ? sql`` : sql`and contact_id = ${contactId}`}
      ${after === undefined ? sql`` : sql`and send_id < ${after}`}
    order by send_id desc limit ${limit}`.execute(trx);
  return rows;
}

/** Locks what is due of a channel, the most pressing first; what another process holds just now is left to it. */
export async function lockDueSends(
  trx: WorkspaceTransaction,
  channelId: string,
  now: number,
  most: number,
  which: readonly number[] = allPriorities,
): Promise<SendRow[]> {
  const { rows } = await sql<{ sendId: string }>`
    select d.send_id as "sendId"
    from unnest(${[...which]}::smallint[]) p (priority)
    cross join lateral (
      select send_id, due_at from sends
      where workspace_id = ${trx.workspaceId} and channel_id = ${channelId} and priority = p.priority
        and due_at <= ${now}
      order by due_at limit ${most}) d
    order by p.priority, d.due_at limit ${most}`.execute(trx);
  const locked = await lockSends(
    trx,
    rows.map(({ sendId }) => sendId),
    sql`and due_at <= ${now}`,
    sql`skip locked`,
  );
  const places = new Map(rows.map(({ sendId }, place) => [sendId, place]));
  return locked.toSorted((x, y) => (places.get(x.sendId) ?? 0) - (places.get(y.sendId) ?? 0));
}

/** Locks these sends in order. */
export async function lockSends(
  trx: WorkspaceTransaction,
  sendIds: readonly string[],
  also = sql``,
  how = sql``,
): Promise<SendRow[]> {
  if (sendIds.length === 0) return [];
  const { rows } = await sql<SendRow>`
    select ${columns} from sends
    where workspace_id = ${trx.workspaceId} and send_id = any(${[...sendIds]}::uuid[]) ${also}
    order by send_id for update ${how}`.execute(trx);
  return rows;
}

/** Locks what waits to leave a number with a medium. */
export async function waitingForMedium(
  trx: WorkspaceTransaction,
  channelId: string,
  mediaId: string,
): Promise<SendRow[]> {
  const { rows } = await sql<SendRow>`
    select ${columns} from sends
    where workspace_id = ${trx.workspaceId} and media_id = ${mediaId} and channel_id = ${channelId} and state = 'queued'
    order by send_id for update`.execute(trx);
  return rows;
}

/** Writes what changed of sends that are locked, and has their channels looked at when they are due. */
export async function saveSends(trx: WorkspaceTransaction, sends: readonly SendRow[]): Promise<void> {
  if (sends.length === 0) return;
  const leaves = blobOf(sends.map((send) => send.leaves));
  const column = <Key extends keyof SendRow>(key: Key): SendRow[Key][] => sends.map((send) => send[key]);
  await sql`
    update sends s
    set contact_id = t.contact_id, phone = t.phone, bsuid_key = t.bsuid_key, category = t.category,
        leaves = substr(${leaves.bytes}::bytea, start, size), shown = t.shown, state = t.state, reason = t.reason,
        explanation = t.explanation, error_code = t.error_code, priority = t.priority, attempts = t.attempts,
        capped_at = t.capped_at, as_marketing = t.as_marketing,
        medium_renewed = t.medium_renewed, tried_at = t.tried_at, expires_at = t.expires_at,
        due_at = t.due_at, lease = t.lease, wamid = t.wamid, changed_at = t.changed_at
    from unnest(${column('sendId')}::uuid[], ${column('contactId')}::uuid[], ${column('phone')}::text[],
                ${column('bsuidKey')}::text[], ${column('category')}::text[], ${leaves.starts}::int[], ${leaves.sizes}::int[],
                ${column('shown')}::text[], ${column('state')}::text[], ${column('reason')}::text[],
                ${column('explanation')}::text[], ${column('errorCode')}::int[], ${column('priority')}::smallint[],
                ${column('attempts')}::int[], ${column('cappedAt')}::bigint[], ${column('asMarketing')}::bool[],
                ${column('mediumRenewed')}::bool[],
                ${column('triedAt')}::bigint[], ${column('expiresAt')}::bigint[], ${column('dueAt')}::bigint[],
                ${column('lease')}::uuid[], ${column('wamid')}::text[], ${column('changedAt')}::bigint[])
         as t (send_id, contact_id, phone, bsuid_key, category, start, size, shown, state, reason, explanation, error_code,
               priority, attempts, capped_at, as_marketing, medium_renewed, tried_at, expires_at, due_at, lease, wamid, changed_at)
    where s.workspace_id = ${trx.workspaceId} and s.send_id = t.send_id`.execute(trx);
  for (const { dueAt, channelId } of sends) if (dueAt !== null) trx.due.add('sends', channelId, dueAt);
}

/**
 * What waits to leave to these people is to be decided anew, as something about them changed: those joined into them, and who
 * was known by such a phone alone, too.
 */
export async function reconsiderSends(
  trx: WorkspaceTransaction,
  { contactIds, phones }: { readonly contactIds: readonly string[]; readonly phones: readonly string[] },
  now: number,
): Promise<void> {
  if (contactIds.length > 0) {
    const theirs = sql`contact_id in (
      select unnest(${[...contactIds]}::uuid[])
      union all
      select contact_id from contacts
      where workspace_id = ${trx.workspaceId} and merged_into = any(${[...contactIds]}::uuid[]))`;
    await reconsider(trx, theirs, now);
  }
  if (phones.length > 0) {
    await reconsider(trx, sql`contact_id is null and phone = any(${[...phones]}::text[])`, now);
  }
}

/** The same of all that wait with a template. */
export async function reconsiderTemplate(
  trx: WorkspaceTransaction,
  name: string,
  now: number,
): Promise<void> {
  await reconsider(trx, sql`template_name = ${name}`, now);
}

/** The same of all that wait of a channel. */
export async function reconsiderChannel(
  trx: WorkspaceTransaction,
  channelId: string,
  now: number,
): Promise<void> {
  await reconsider(trx, sql`channel_id = ${channelId}`, now);
}

/** The same of all that wait for one of these reasons. */
export async function reconsiderFor(
  trx: WorkspaceTransaction,
  reasons: readonly string[],
  now: number,
): Promise<void> {
  await reconsider(trx, sql`reason = any(${[...reasons]}::text[])`, now);
}

async function reconsider(
  trx: WorkspaceTransaction,
  which: ReturnType<typeof sql>,
  now: number,
): Promise<void> {
  const { rows } = await sql<{ channelId: string }>`
    with locked as (
      select send_id from sends
      where workspace_id = ${trx.workspaceId} and state in ('held', 'queued') and due_at > ${now} and ${which}
      order by send_id for update)
    update sends s set due_at = ${now} from locked
    where s.workspace_id = ${trx.workspaceId} and s.send_id = locked.send_id
    returning s.channel_id as "channelId"`.execute(trx);
  for (const channelId of new Set(rows.map((row) => row.channelId))) trx.due.add('sends', channelId, now);
}

/** Whoever of these people was sent something since a time, by ids of the sends that ask. */
export async function sentSomethingElse(
  trx: WorkspaceTransaction,
  asking: readonly { readonly sendId: string; readonly contactId: string; readonly since: number }[],
): Promise<ReadonlySet<string>> {
  if (asking.length === 0) return new Set();
  const { rows } = await sql<{ sendId: string }>`
    select t.send_id as "sendId"
    from unnest(${asking.map(({ sendId }) => sendId)}::uuid[], ${asking.map(({ contactId }) => contactId)}::uuid[],
                ${asking.map(({ since }) => since)}::bigint[]) as t (send_id, contact_id, since)
    where exists (select 1 from sends o
                  where o.workspace_id = ${trx.workspaceId} and o.contact_id = t.contact_id and o.send_id <> t.send_id
                    and o.tried_at > t.since and o.wamid is not null)`.execute(trx);
  return new Set(rows.map(({ sendId }) => sendId));
}

/** How many marketing messages each of these people was sent since. */
export async function marketingSince(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  since: number,
): Promise<ReadonlyMap<string, number>> {
  if (contactIds.length === 0) return new Map();
  const { rows } = await sql<{ contactId: string; count: number }>`
    select contact_id as "contactId", count(*)::int as count from sends
    where workspace_id = ${trx.workspaceId} and contact_id = any(${[...contactIds]}::uuid[]) and category = 'marketing'
      and tried_at >= ${since} and state in ('claimed', 'dispatched', 'unknown', 'accepted', 'sent', 'delivered', 'read', 'unconfirmed')
    group by contact_id`.execute(trx);
  return new Map(rows.map(({ contactId, count }) => [contactId, count]));
}

/** Sends of a stretch of time by when they were asked for, by state. */
export async function sendsBetween(
  trx: WorkspaceTransaction,
  from: number,
  until: number,
): Promise<{ readonly state: SendState; readonly count: number }[]> {
  const { rows } = await sql<{ state: SendState; count: number }>`
    select state, count(*)::int as count from sends
    where workspace_id = ${trx.workspaceId} and asked_at >= ${from} and asked_at < ${until} group by state`.execute(
    trx,
  );
  return rows;
}

/** Of a channel's sends that were accepted since: all, and those WhatsApp has not said a word of. */
export async function unconfirmedShare(
  trx: WorkspaceTransaction,
  channelId: string,
  since: number,
): Promise<{ readonly all: number; readonly unconfirmed: number }> {
  const { rows } = await sql<{ all: number; unconfirmed: number }>`
    select count(*)::int as "all", count(*) filter (where state = 'unconfirmed')::int as unconfirmed from sends
    where workspace_id = ${trx.workspaceId} and asked_at >= ${since} and channel_id = ${channelId}
      and state in ('accepted', 'sent', 'delivered', 'read', 'unconfirmed')`.execute(trx);
  return rows[0] ?? { all: 0, unconfirmed: 0 };
}

/** When a channel has something to do next; `Infinity`: nothing waits. */
export async function nextDueSend(
  trx: WorkspaceTransaction,
  channelId: string,
  which: readonly number[] = allPriorities,
): Promise<number> {
  const { rows } = await sql<{ next: number | null }>`
    select min(d.due_at) as next
    from unnest(${[...which]}::smallint[]) p (priority)
    cross join lateral (
      select due_at from sends
      where workspace_id = ${trx.workspaceId} and channel_id = ${channelId} and priority = p.priority
        and due_at is not null
      order by due_at limit 1) d`.execute(trx);
  return rows[0]?.next ?? Infinity;
}

/** Everything that was to be sent to these people goes, what is under way too; returns which it was, and the media it named. */
export async function eraseSends(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  own: readonly string[],
): Promise<readonly { readonly sendId: string; readonly mediaId: string | null }[]> {
  const { rows } = await sql<{ sendId: string; askedAt: number; mediaId: string | null }>`
    delete from sends
    where workspace_id = ${trx.workspaceId}
      and (contact_id = any(${[...contactIds]}::uuid[]) or contact_id is null and phone = any(${[...own]}::text[]))
    returning send_id as "sendId", asked_at as "askedAt", media_id as "mediaId"`.execute(trx);
  const sendIds = rows.map(({ sendId }) => sendId);
  for (const table of ['send_attempts', 'dead_letters']) {
    await sql`
      delete from ${sql.table(table)}
      where workspace_id = ${trx.workspaceId} and send_id = any(${sendIds}::uuid[])`.execute(trx);
  }
  await sql`
    delete from gates where workspace_id = ${trx.workspaceId} and address = any(${[...own]}::text[])`.execute(
    trx,
  );
  await addCounts(
    trx,
    rows.map(({ askedAt }) => ({ name: 'sends erased' as const, at: askedAt, count: 1 })),
  );
  return rows;
}

import { sql } from 'kysely';
import type { ContactJoins, ConversationJoins } from '../../conversation/index.ts';
import { cleanText, storableText } from '../text.ts';
import type { WorkspaceTransaction } from '../store.ts';

export interface ContactRow {
  readonly contactId: string;
  readonly joins: ContactJoins;
}

/** The id and the time of the event that made a contact. */
export interface Founding {
  /** As `identities` has it. */
  readonly value: string;
  /** Milliseconds. */
  readonly at: number;
}

export interface ConversationRow {
  readonly contactId: string;
  readonly channelId: string;
  readonly joins: ConversationJoins;
}

export async function insertContacts(
  trx: WorkspaceTransaction,
  contacts: readonly (ContactRow & { readonly founding: Founding })[],
  now: number,
): Promise<void> {
  if (contacts.length === 0) return;
  await sql`
    insert into contacts (workspace_id, contact_id, created_at, founded_by, founded_at, ${joinColumns})
    select ${trx.workspaceId}::uuid, contact_id, ${now}, f.value, f.at, ${joinColumns}
    from ${joinRows(contacts)}
    join unnest(${contacts.map(({ contactId }) => contactId)}::uuid[],
                ${contacts.map(({ founding }) => storableText(founding.value))}::text[],
                ${contacts.map(({ founding }) => founding.at)}::bigint[]) as f (contact_id, value, at)
      using (contact_id)`.execute(trx);
}

/** Joins what a batch brought into contacts that are there. */
export async function joinContacts(
  trx: WorkspaceTransaction,
  contacts: readonly ContactRow[],
): Promise<void> {
  if (contacts.length === 0) return;
  await sql`
    update contacts c set
      profile_name = case when newer.name then x.profile_name else c.profile_name end,
      profile_name_at = case when newer.name then x.profile_name_at else c.profile_name_at end,
      profile_name_key = case when newer.name then x.profile_name_key else c.profile_name_key end,
      username = case when newer.username then x.username else c.username end,
      username_at = case when newer.username then x.username_at else c.username_at end,
      username_key = case when newer.username then x.username_key else c.username_key end,
      first_message = case when older.first then x.first_message else c.first_message end,
      first_message_at = case when older.first then x.first_message_at else c.first_message_at end,
      first_message_key = case when older.first then x.first_message_key else c.first_message_key end,
      from_ad_at = least(c.from_ad_at, x.from_ad_at),
      last_activity_at = greatest(c.last_activity_at, x.last_activity_at)
    from ${joinRows(contacts)} join contacts known
           on known.workspace_id = ${trx.workspaceId} and known.contact_id = x.contact_id,
         lateral (select x.profile_name_at is not null and (known.profile_name_at is null
                           or (x.profile_name_at, x.profile_name_key) > (known.profile_name_at, known.profile_name_key)),
                         x.username_at is not null and (known.username_at is null
                           or (x.username_at, x.username_key) > (known.username_at, known.username_key)))
           as newer (name, username),
         lateral (select x.first_message_at is not null and (known.first_message_at is null
                    or (x.first_message_at, x.first_message_key) < (known.first_message_at, known.first_message_key)))
           as older (first)
    where c.workspace_id = ${trx.workspaceId} and c.contact_id = x.contact_id`.execute(trx);
}

/** Writes what a contact's messages add up to after some of them changed hands. */
export async function overwriteContacts(
  trx: WorkspaceTransaction,
  contacts: readonly ContactRow[],
): Promise<void> {
  if (contacts.length === 0) return;
  await sql`
    update contacts c set (${joinColumns}) = (select ${joinedColumns})
    from ${joinRows(contacts)}
    where c.workspace_id = ${trx.workspaceId} and c.contact_id = x.contact_id`.execute(trx);
}

export async function joinConversations(
  trx: WorkspaceTransaction,
  conversations: readonly ConversationRow[],
): Promise<void> {
  if (conversations.length === 0) return;
  await sql`
    insert into conversations as c (workspace_id, contact_id, channel_id, last_inbound_at, last_outbound_at,
                                    window_closes_at)
    select ${trx.workspaceId}::uuid, * from unnest(
      ${conversations.map((c) => c.contactId)}::uuid[], ${conversations.map((c) => c.channelId)}::uuid[],
      ${conversations.map((c) => c.joins.lastInboundAt ?? null)}::bigint[],
      ${conversations.map((c) => c.joins.lastOutboundAt ?? null)}::bigint[],
      ${conversations.map((c) => c.joins.windowClosesAt ?? null)}::bigint[])
    on conflict (workspace_id, contact_id, channel_id) do update set
      last_inbound_at = greatest(c.last_inbound_at, excluded.last_inbound_at),
      last_outbound_at = greatest(c.last_outbound_at, excluded.last_outbound_at),
      window_closes_at = greatest(c.window_closes_at, excluded.window_closes_at)`.execute(trx);
  const ends = conversations.flatMap(({ joins }) => joins.windowClosesAt ?? []);
  if (ends.length > 0) trx.due.add('sweep', trx.workspaceId, Math.min(...ends));
}

export async function overwriteConversations(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  conversations: readonly ConversationRow[],
): Promise<void> {
  await sql`delete from conversations
            where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])`.execute(trx);
  await joinConversations(trx, conversations);
}

const columns = [
  'profile_name',
  'profile_name_at',
  'profile_name_key',
  'username',
  'username_at',
  'username_key',
  'first_message',
  'first_message_at',
  'first_message_key',
  'from_ad_at',
  'last_activity_at',
];
const joinColumns = sql.raw(columns.join(', '));
const joinedColumns = sql.raw(columns.map((column) => `x.${column}`).join(', '));

function joinRows(contacts: readonly ContactRow[]): ReturnType<typeof sql> {
  const of = <Value>(read: (joins: ContactJoins) => Value | undefined): (Value | null)[] =>
    contacts.map(({ joins }) => read(joins) ?? null);
  const text = (read: (joins: ContactJoins) => string | undefined): (string | null)[] =>
    of(read).map((value) => (value === null ? null : cleanText(value)));
  return sql`(
    select contact_id, profile_name, profile_name_at, decode(profile_name_key, 'hex') as profile_name_key,
           username, username_at, decode(username_key, 'hex') as username_key,
           first_message, first_message_at, decode(first_message_key, 'hex') as first_message_key,
           from_ad_at, last_activity_at
    from unnest(${contacts.map((c) => c.contactId)}::uuid[],
                ${text((j) => j.profileName?.value)}::text[], ${of((j) => j.profileName?.at)}::bigint[],
                ${of((j) => j.profileName?.key)}::text[],
                ${text((j) => j.username?.value)}::text[], ${of((j) => j.username?.at)}::bigint[],
                ${of((j) => j.username?.key)}::text[],
                ${text((j) => j.firstMessage?.value)}::text[], ${of((j) => j.firstMessage?.at)}::bigint[],
                ${of((j) => j.firstMessage?.key)}::text[], ${of((j) => j.fromAdAt)}::bigint[],
                ${of((j) => j.lastActivityAt)}::bigint[])
         as t (contact_id, profile_name, profile_name_at, profile_name_key, username, username_at, username_key,
               first_message, first_message_at, first_message_key, from_ad_at, last_activity_at)
  ) as x`;
}

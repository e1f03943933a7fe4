import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { MediaKind } from '../../whatsapp/index.ts';
import type { Page } from '../page.ts';
import type { MediaState } from '../schema.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/** What is known of media; their bytes lie in a folder or bucket. Times in milliseconds. */

/** What a message says of its medium. */
export interface NotedMedium {
  readonly kind: MediaKind;
  readonly providerId: string;
  readonly claimedType: string | null;
  readonly filename: string | null;
  /** Hex. */
  readonly saidSha256: string | null;
}

export interface MediumRow {
  readonly mediaId: string;
  readonly direction: 'in' | 'out';
  readonly kind: MediaKind;
  readonly channelId: string | null;
  readonly wamid: string | null;
  readonly filename: string | null;
  readonly mimeType: string | null;
  readonly size: number | null;
  /** Hex. */
  readonly sha256: string | null;
  /** Where its bytes lie, and their name there. */
  readonly place: string | null;
  readonly key: string | null;
  readonly state: MediaState;
  readonly reason: string | null;
  readonly createdAt: number;
}

const columns = sql.raw(
  `m.media_id as "mediaId", m.direction, m.kind, m.channel_id as "channelId", m.wamid, m.filename,
   m.mime_type as "mimeType", m.size, m.sha256, m.place, m.key, m.state, m.reason, m.created_at as "createdAt"`,
);

/** Notes what came with messages, to be got. A message tells of it once, however often it comes. */
export async function noteMedia(
  trx: WorkspaceTransaction,
  noted: readonly (NotedMedium & { readonly channelId: string; readonly wamid: string })[],
  now: number,
): Promise<void> {
  if (noted.length === 0) return;
  const byMessage = new Map(noted.map((one) => [`${one.channelId} ${one.wamid}`, one]));
  const rows = [...byMessage].toSorted(([x], [y]) => (x < y ? -1 : 1)).map(([, one]) => one);
  const { rows: fresh } = await sql<{ channelId: string }>`
    insert into media (workspace_id, media_id, direction, channel_id, wamid, provider_id, kind, claimed_type, said_sha256,
                       filename, state, due_at, created_at)
    select ${trx.workspaceId}::uuid, media_id, 'in', channel_id, wamid, provider_id, kind, claimed_type, said_sha256, filename,
           'waiting', ${now}::bigint, ${now}::bigint
    from unnest(${rows.map(() => uuidv7())}::uuid[], ${rows.map((r) => r.channelId)}::uuid[],
                ${rows.map((r) => r.wamid)}::text[], ${rows.map((r) => r.providerId)}::text[],
                ${rows.map((r) => r.kind)}::text[], ${rows.map((r) => r.claimedType)}::text[],
                ${rows.map((r) => r.saidSha256)}::text[], ${rows.map((r) => r.filename)}::text[])
         as t (media_id, channel_id, wamid, provider_id, kind, claimed_type, said_sha256, filename)
    on conflict do nothing
    returning channel_id as "channelId"`.execute(trx);
  for (const channelId of new Set(fresh.map((row) => row.channelId))) trx.due.add('media', channelId, now);
}

/** One to be got, and where to. */
export interface ClaimedMedium {
  readonly mediaId: string;
  readonly providerId: string;
  readonly claimedType: string | null;
  readonly saidSha256: string | null;
  readonly key: string;
  readonly attempts: number;
  readonly createdAt: number;
}

/**
 * Leases some that are due. Where their bytes go is written down before they do: whoever erases their person meanwhile knows what
 * is to go. Bytes another place may hold of an earlier try are to go too.
 */
export async function claimMedia(
  trx: WorkspaceTransaction,
  channelId: string,
  claim: {
    readonly lease: string;
    readonly place: string;
    readonly most: number;
    readonly now: number;
    readonly leaseMs: number;
  },
): Promise<ClaimedMedium[]> {
  const { lease, place, most, now, leaseMs } = claim;
  const { rows: due } = await sql<{ mediaId: string; place: string | null; key: string | null }>`
    select media_id as "mediaId", place, key from media
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId} and due_at <= ${now}
    order by due_at limit ${most} for update skip locked`.execute(trx);
  if (due.length === 0) return [];
  await deleteBytes(
    trx,
    due.filter((one) => one.place !== null && one.place !== place),
    now,
  );
  const keys = due.map((one) => (one.place === place && one.key !== null ? one.key : randomUUID()));
  const { rows } = await sql<ClaimedMedium>`
    update media m
    set lease = ${lease}, due_at = ${now + leaseMs}, attempts = m.attempts + 1, place = ${place}, key = t.key
    from unnest(${due.map(({ mediaId }) => mediaId)}::uuid[], ${keys}::uuid[]) as t (media_id, key)
    where m.workspace_id = ${trx.workspaceId} and m.media_id = t.media_id
    returning m.media_id as "mediaId", m.provider_id as "providerId", m.claimed_type as "claimedType",
              m.said_sha256 as "saidSha256", m.key, m.attempts, m.created_at as "createdAt"`.execute(trx);
  return rows;
}

/** What became of one that was leased: `waiting` until then. */
export type MediumOutcome =
  | { readonly state: 'kept'; readonly mimeType: string; readonly size: number; readonly sha256: string }
  | { readonly state: 'waiting'; readonly reason: string; readonly dueAt: number }
  | { readonly state: 'gone' | 'refused'; readonly reason: string };

/** Written only by who holds the lease; false: it is another's by now, or its person was erased. */
export async function settleMedium(
  trx: WorkspaceTransaction,
  { mediaId, lease }: { readonly mediaId: string; readonly lease: string },
  outcome: MediumOutcome,
): Promise<boolean> {
  const kept = outcome.state === 'kept' ? outcome : undefined;
  const { rows } = await sql`
    update media
    set state = ${outcome.state}, reason = ${'reason' in outcome ? outcome.reason : null},
        due_at = ${'dueAt' in outcome ? outcome.dueAt : null}, lease = null, mime_type = ${kept?.mimeType ?? null},
        size = ${kept?.size ?? null}, sha256 = ${kept?.sha256 ?? null}
    where workspace_id = ${trx.workspaceId} and media_id = ${mediaId} and lease = ${lease} returning 1`.execute(
    trx,
  );
  return rows.length > 0;
}

/** When a channel has a medium to get next; `Infinity`: none waits. */
export async function nextDueMedium(trx: WorkspaceTransaction, channelId: string): Promise<number> {
  const { rows } = await sql<{ next: number | null }>`
    select min(due_at) as next from media
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId} and due_at is not null`.execute(
    trx,
  );
  return rows[0]?.next ?? Infinity;
}

/** One a member gave us, its bytes in their place, where they are to stay; returns its id. */
export async function insertMedium(
  trx: WorkspaceTransaction,
  medium: {
    readonly kind: MediaKind;
    readonly filename: string | null;
    readonly mimeType: string;
    readonly size: number;
    readonly sha256: string;
    readonly place: string;
    readonly key: string;
    readonly createdAt: number;
  },
): Promise<string> {
  const mediaId = uuidv7();
  await sql`
    insert into media (workspace_id, media_id, direction, kind, filename, mime_type, size, sha256, place, key, state, created_at)
    values (${trx.workspaceId}, ${mediaId}, 'out', ${medium.kind}, ${medium.filename}, ${medium.mimeType},
            ${medium.size}, ${medium.sha256}, ${medium.place}, ${medium.key}, 'kept', ${medium.createdAt})`.execute(
    trx,
  );
  await sql`
    delete from media_deletions
    where workspace_id = ${trx.workspaceId} and place = ${medium.place} and key = ${medium.key}`.execute(trx);
  return mediaId;
}

export async function mediumById(trx: WorkspaceTransaction, mediaId: string): Promise<MediumRow | undefined> {
  const { rows } = await sql<MediumRow>`
    select ${columns} from media m where m.workspace_id = ${trx.workspaceId} and m.media_id = ${mediaId}`.execute(
    trx,
  );
  return rows[0];
}

export interface MediaQuery extends Page<string> {
  readonly contactId: string;
}

/** Those a person sent or was sent, joined into others or not; newest first. */
export async function listMedia(
  trx: WorkspaceTransaction,
  { contactId, limit, after }: MediaQuery,
): Promise<MediumRow[]> {
  const { rows } = await sql<MediumRow>`
    with people as (
      select contact_id from contacts
      where workspace_id = ${trx.workspaceId} and (contact_id = ${contactId} or merged_into = ${contactId}))
    select ${columns} from media m
    where m.workspace_id = ${trx.workspaceId} ${after === undefined ? sql`` : sql`and m.media_id < ${after}`}
      and (m.direction = 'in' and exists (
             select 1 from messages t
             where t.workspace_id = ${trx.workspaceId} and t.channel_id = m.channel_id and t.wamid = m.wamid
               and t.contact_id in (select contact_id from people))
           or m.direction = 'out' and exists (
             select 1 from sends s
             where s.workspace_id = ${trx.workspaceId} and s.media_id = m.media_id
               and s.contact_id in (select contact_id from people)))
    order by m.media_id desc limit ${limit}`.execute(trx);
  return rows;
}

/** Bytes that are to go: a folder or bucket is asked to delete them until it has. */
async function deleteBytes(
  trx: WorkspaceTransaction,
  bytes: readonly { readonly place: string | null; readonly key: string | null }[],
  dueAt: number,
): Promise<void> {
  const known = bytes.flatMap(({ place, key }) => (place === null || key === null ? [] : [{ place, key }]));
  if (known.length === 0) return;
  await insertDeletions(trx, known, dueAt);
  trx.due.add('deletions', trx.workspaceId, dueAt);
}

/**
 * Bytes that are about to be written, for something that is not known yet: should their process end before it is, they are found
 * at the next start.
 */
export async function expectBytes(trx: WorkspaceTransaction, bytes: Deletion, dueAt: number): Promise<void> {
  await insertDeletions(trx, [bytes], dueAt);
}

async function insertDeletions(
  trx: WorkspaceTransaction,
  known: readonly Deletion[],
  dueAt: number,
): Promise<void> {
  await sql`
    insert into media_deletions (workspace_id, place, key, due_at)
    select ${trx.workspaceId}::uuid, place, key, ${dueAt}::bigint
    from unnest(${known.map(({ place }) => place)}::text[], ${known.map(({ key }) => key)}::uuid[]) as t (place, key)
    order by place, key
    on conflict do nothing`.execute(trx);
}

export interface Deletion {
  readonly place: string;
  readonly key: string;
}

export async function dueDeletions(
  trx: WorkspaceTransaction,
  now: number,
  most: number,
): Promise<Deletion[]> {
  const { rows } = await sql<Deletion>`
    select place, key from media_deletions
    where workspace_id = ${trx.workspaceId} and due_at <= ${now} order by due_at limit ${most}`.execute(trx);
  return rows;
}

/** Those that are done go; the others are tried again then. */
export async function settleDeletions(
  trx: WorkspaceTransaction,
  done: readonly Deletion[],
  left: readonly Deletion[],
  againAt: number,
): Promise<void> {
  const named = (some: readonly Deletion[]) => sql`
    (select * from unnest(${some.map(({ place }) => place)}::text[], ${some.map(({ key }) => key)}::uuid[]) as t (place, key)) t`;
  await sql`
    delete from media_deletions d using ${named(done)}
    where d.workspace_id = ${trx.workspaceId} and d.place = t.place and d.key = t.key`.execute(trx);
  await sql`
    update media_deletions d set due_at = ${againAt} from ${named(left)}
    where d.workspace_id = ${trx.workspaceId} and d.place = t.place and d.key = t.key`.execute(trx);
}

export async function nextDueDeletion(trx: WorkspaceTransaction): Promise<number> {
  const { rows } = await sql<{ next: number | null }>`
    select min(due_at) as next from media_deletions where workspace_id = ${trx.workspaceId}`.execute(trx);
  return rows[0]?.next ?? Infinity;
}

/** A call that puts bytes somewhere has ended by then. */
const writtenByMs = 5 * 60_000;

/**
 * What people who are erased sent goes, by their messages, and what nobody but them was sent; `sent`: media their sends named,
 * which are gone.
 */
export async function eraseMedia(
  trx: WorkspaceTransaction,
  messages: readonly { readonly channelId: string; readonly wamid: string }[],
  sent: readonly string[],
  now: number,
): Promise<void> {
  const { rows } = await sql<{ mediaId: string; place: string | null; key: string | null }>`
    delete from media m
    where m.workspace_id = ${trx.workspaceId}
      and (m.direction = 'in' and (m.channel_id, m.wamid) in (
             select channel_id, wamid
             from unnest(${messages.map(({ channelId }) => channelId)}::uuid[], ${messages.map(({ wamid }) => wamid)}::text[])
                  as t (channel_id, wamid))
           or m.media_id = any(${[...sent]}::uuid[]) and not exists (
             select 1 from sends s where s.workspace_id = ${trx.workspaceId} and s.media_id = m.media_id))
    returning media_id as "mediaId", place, key`.execute(trx);
  await sql`
    delete from media_uploads
    where workspace_id = ${trx.workspaceId} and media_id = any(${rows.map(({ mediaId }) => mediaId)}::uuid[])`.execute(
    trx,
  );
  await deleteBytes(trx, rows, now + writtenByMs);
}

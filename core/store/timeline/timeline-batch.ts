import { sql } from 'kysely';
import { entriesWaiting, isReady, type WritingTo } from '../work/waiting.ts';
import { replyMs } from '../../timeline/index.ts';
import { unlinkedMs, primaryRecordOf } from './timeline.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** An entry to be written. */
export interface DueEntry {
  readonly contactId: string;
  readonly channelId: string;
  readonly part: string;
  readonly entryKey: string;
  /** Where it stands, or where it was tried last and may stand. */
  readonly recordId: string | null;
  /** What is known to stand, there or elsewhere. */
  readonly entryId: string | null;
  /** Where it should stand; null: its contact has no record. */
  readonly primaryId: string | null;
  /** It stands, or was tried, on a record that is not its contact's any more. */
  readonly onFormerRecord: boolean;
  readonly writtenHash: Buffer | null;
  readonly version: number;
  readonly markedAt: number;
  /** It may stand where nobody has seen it: until a look has shown how that ended. */
  readonly tried: boolean;
  readonly twinCheck: boolean;
  /** How often the CRM asked for another time. */
  readonly attempts: number;
  readonly traceparents: readonly string[] | null;
}

export async function leaseEntries(
  trx: WorkspaceTransaction,
  batch: {
    connection: WritingTo;
    lease: string;
    size: number;
    now: number;
    leaseMs: number;
  },
): Promise<DueEntry[]> {
  const { rows } = await sql<DueEntry>`
    with t as materialized (
      select w.contact_id, w.channel_id, w.part ${entriesWaiting(trx, batch.connection)}
        and ${isReady(batch.now)}
      order by w.due_at, w.contact_id, w.channel_id, w.part limit ${batch.size} for update of w skip locked)
    update timeline_entries e set lease = ${batch.lease}, leased_until = ${batch.now + batch.leaseMs}, rest_ms = null
    from t left join lateral (${primaryRecordOf(trx.workspaceId, batch.connection.connectionId)}) primary_record on true
    where e.workspace_id = ${trx.workspaceId} and e.connection_id = ${batch.connection.connectionId}
      and e.contact_id = t.contact_id and e.channel_id = t.channel_id and e.part = t.part
    returning e.contact_id as "contactId", e.channel_id as "channelId", e.part, e.entry_key as "entryKey",
              e.record_id as "recordId", e.entry_id as "entryId", primary_record.record_id as "primaryId",
              e.record_id is not null
                and not exists (select 1 from crm_links o
                                where o.workspace_id = ${trx.workspaceId} and o.connection_id = e.connection_id
                                  and o.contact_id = e.contact_id and o.record_id = e.record_id)
                and not exists (select 1 from crm_records g
                                where g.workspace_id = ${trx.workspaceId} and g.connection_id = e.connection_id
                                  and g.record_id = e.record_id and g.gone is not null) as "onFormerRecord",
              e.written_hash as "writtenHash", e.version, e.marked_at as "markedAt", e.tried,
              e.twin_check as "twinCheck", e.attempts, e.traceparents`.execute(trx);
  return rows;
}

/**
 * Lets leased entries go whose contact has no record, in the transaction that leased them; returns those. Whoever gives a
 * record holds the contact from before it makes entries due until it ends (`dueTimeline`): a contact that is held is left
 * for later, and of one that was, this statement sees the record.
 */
export async function dropUnlinked(
  trx: WorkspaceTransaction,
  connectionId: string,
  lease: string,
  unlinked: readonly DueEntry[],
  now: number,
): Promise<DueEntry[]> {
  if (unlinked.length === 0) return [];
  const { rows: free } = await sql<{ contactId: string }>`
    select contact_id as "contactId" from contacts
    where workspace_id = ${trx.workspaceId}
      and contact_id = any(${[...new Set(unlinked.map(({ contactId }) => contactId))]}::uuid[])
    for update skip locked`.execute(trx);
  const { rows } = await sql<{ entryKey: string }>`
    update timeline_entries e set due_at = null, lease = null, leased_until = null
    from unnest(${free.map(({ contactId }) => contactId)}::uuid[]) as t (contact_id)
    where e.workspace_id = ${trx.workspaceId} and e.connection_id = ${connectionId} and e.contact_id = t.contact_id
      and e.entry_key = any(${unlinked.map(({ entryKey }) => entryKey)}::text[]) and e.lease = ${lease}
      and not exists (${primaryRecordOf(trx.workspaceId, connectionId)})
    returning e.entry_key as "entryKey"`.execute(trx);
  const dropped = new Set(rows.map(({ entryKey }) => entryKey));
  const kept = unlinked.filter(({ entryKey }) => !dropped.has(entryKey));
  await returnEntries(
    trx,
    lease,
    kept.map(({ entryKey }) => entryKey),
    { retryAt: now + unlinkedMs, unanswered: false },
  );
  return unlinked.filter(({ entryKey }) => dropped.has(entryKey));
}

/** What is known of where an entry stands or may stand. */
export interface EntryPlace {
  readonly entry: DueEntry;
  readonly recordId: string | null;
  readonly entryId: string | null;
}

/** From here on nobody knows whether these were written on these records, until somebody says so. */
export async function markEntriesTried(
  trx: WorkspaceTransaction,
  lease: string,
  places: readonly EntryPlace[],
): Promise<void> {
  if (places.length === 0) return;
  await sql`
    update timeline_entries e set tried = true, record_id = t.record_id, entry_id = t.entry_id
    from unnest(${places.map(({ entry }) => entry.entryKey)}::text[], ${places.map(({ recordId }) => recordId)}::text[],
                ${places.map(({ entryId }) => entryId)}::text[]) as t (entry_key, record_id, entry_id)
    where e.workspace_id = ${trx.workspaceId} and e.entry_key = t.entry_key and e.lease = ${lease}`.execute(
    trx,
  );
}

/** What became of an entry; `hash` null: it does not stand as it should. */
export interface SettledEntry extends EntryPlace {
  /** It may stand where nobody has seen it. */
  readonly tried: boolean;
  readonly hash: Buffer | null;
  /** Milliseconds; undefined: nothing was written. */
  readonly writtenAt: number | undefined;
  /** To be looked at once more, for a twin. */
  readonly lookAgainAt: number | undefined;
}

/** Ends a lease; returns the keys of entries that are done. What changed meanwhile is due again, after its rest. */
export async function settleEntries(
  trx: WorkspaceTransaction,
  lease: string,
  settled: readonly SettledEntry[],
): Promise<string[]> {
  if (settled.length === 0) return [];
  const { rows } = await sql<{ entryKey: string; done: boolean }>`
    update timeline_entries e set
      record_id = t.record_id, entry_id = t.entry_id,
      written_hash = case when t.hash = '' then null else decode(t.hash, 'hex') end,
      written_at = coalesce(t.written_at, e.written_at), tried = t.tried, attempts = 0, lease = null, leased_until = null,
      twin_check = t.look_again_at is not null,
      traceparents = case when e.version = t.version then null else e.traceparents end,
      due_at = case when e.version = t.version then t.look_again_at
                    else least(t.look_again_at,
                               coalesce(t.written_at, e.written_at, 0) + coalesce(e.rest_ms, 0)) end
    from unnest(${settled.map((s) => s.entry.entryKey)}::text[], ${settled.map((s) => s.entry.version)}::int[],
                ${settled.map((s) => s.recordId)}::text[], ${settled.map((s) => s.entryId)}::text[],
                ${settled.map((s) => s.hash?.toString('hex') ?? '')}::text[],
                ${settled.map((s) => s.writtenAt ?? null)}::bigint[], ${settled.map((s) => s.lookAgainAt ?? null)}::bigint[],
                ${settled.map((s) => s.tried)}::bool[])
         as t (entry_key, version, record_id, entry_id, hash, written_at, look_again_at, tried)
    where e.workspace_id = ${trx.workspaceId} and e.entry_key = t.entry_key and e.lease = ${lease}
    returning e.entry_key as "entryKey", e.due_at is null as done`.execute(trx);
  return rows.filter(({ done }) => done).map(({ entryKey }) => entryKey);
}

/**
 * Gives entries back, to be taken again at `retryAt`. `unanswered`: a write of theirs may still take effect, so that
 * nothing is written over it before.
 */
export async function returnEntries(
  trx: WorkspaceTransaction,
  lease: string,
  entryKeys: readonly string[],
  { retryAt, unanswered }: { readonly retryAt: number; readonly unanswered: boolean },
): Promise<void> {
  if (entryKeys.length === 0) return;
  await sql`
    update timeline_entries set lease = null, leased_until = null, due_at = greatest(due_at, ${retryAt}::bigint),
                                tried = tried or ${unanswered}
    where workspace_id = ${trx.workspaceId} and entry_key = any(${entryKeys}::text[]) and lease = ${lease}`.execute(
    trx,
  );
}

/** An entry the CRM takes another time. */
export interface PostponedEntry extends EntryPlace {
  readonly tried: boolean;
  readonly until: number;
}

/** Gives back entries the CRM did not take now, with what is known of where they stand. */
export async function postponeEntries(
  trx: WorkspaceTransaction,
  lease: string,
  postponed: readonly PostponedEntry[],
): Promise<void> {
  if (postponed.length === 0) return;
  await sql`
    update timeline_entries e
    set lease = null, leased_until = null, tried = t.tried, record_id = t.record_id, entry_id = t.entry_id,
        attempts = e.attempts + 1, due_at = t.until
    from unnest(${postponed.map(({ entry }) => entry.entryKey)}::text[], ${postponed.map(({ tried }) => tried)}::bool[],
                ${postponed.map(({ recordId }) => recordId)}::text[], ${postponed.map(({ entryId }) => entryId)}::text[],
                ${postponed.map(({ until }) => until)}::bigint[]) as t (entry_key, tried, record_id, entry_id, until)
    where e.workspace_id = ${trx.workspaceId} and e.entry_key = t.entry_key and e.lease = ${lease}`.execute(
    trx,
  );
}

/**
 * Forgets leased entries that show nothing any more and stand nowhere; returns the keys of those. One that changed
 * meanwhile may have something to show: it stays due, as one that stands nowhere.
 */
export async function forgetEntries(
  trx: WorkspaceTransaction,
  lease: string,
  emptied: readonly DueEntry[],
): Promise<string[]> {
  if (emptied.length === 0) return [];
  const { rows } = await sql<{ entryKey: string }>`
    delete from timeline_entries e
    using unnest(${emptied.map(({ entryKey }) => entryKey)}::text[], ${emptied.map(({ version }) => version)}::int[])
          as t (entry_key, version)
    where e.workspace_id = ${trx.workspaceId} and e.entry_key = t.entry_key and e.version = t.version
      and e.lease = ${lease}
    returning e.entry_key as "entryKey"`.execute(trx);
  const forgotten = rows.map(({ entryKey }) => entryKey);
  await sql`
    update timeline_entries
    set record_id = null, entry_id = null, written_hash = null, tried = false, attempts = 0, lease = null,
        leased_until = null
    where workspace_id = ${trx.workspaceId} and lease = ${lease}
      and entry_key = any(${emptied.map(({ entryKey }) => entryKey)}::text[])`.execute(trx);
  return forgotten;
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

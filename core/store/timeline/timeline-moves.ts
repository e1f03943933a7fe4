import { sql } from 'kysely';
import { addCounts } from '../counts.ts';
import {
  dueAgain,
  entryKeyOf,
  fallsDue,
  primaryRecordOf,
  type MarkedEntry,
  markTimeline,
  noteDueEntries,
  type TouchedMessage,
} from './timeline.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** Entries that fall due, though nothing new was said: their contacts, their records or their messages moved. */

/** Again due; one whose outcome is unknown or that waits its time goes on waiting. */
const again = (now: number): ReturnType<typeof sql> => sql`
  version = e.version + 1, rest_ms = 0, ${fallsDue},
  marked_at = case when e.due_at is null then ${now}::bigint else e.marked_at end,
  due_at = case when e.tried or e.attempts > 0 then greatest(e.due_at, ${now}::bigint) else ${now}::bigint end`;

/**
 * Contacts got a primary record, or another one: what is not shown there yet falls due. To be called by every transaction
 * that gives a primary record, after it did. The writer lets nothing go of a contact that is held here (`dropUnlinked`), so of two
 * that meet one sees the other's work, in whatever order they end.
 */
export async function dueTimeline(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactIds: readonly string[],
  now: number,
): Promise<void> {
  if (contactIds.length === 0) return;
  await sql`
    select 1 from contacts where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])
    order by contact_id for key share`.execute(trx);
  const { rows } = await sql<MarkedEntry>`
    update timeline_entries e set ${again(now)}
    from (select distinct unnest(${contactIds}::uuid[]) as contact_id) t
    cross join lateral (${primaryRecordOf(trx.workspaceId, connectionId)}) primary_record
    where e.workspace_id = ${trx.workspaceId} and e.connection_id = ${connectionId}
      and e.contact_id = t.contact_id and (e.record_id is distinct from primary_record.record_id or e.written_hash is null)
    returning ${dueAgain}`.execute(trx);
  await noteDueEntries(trx, rows, now);
}

/** What was refused of these contacts' timelines is tried again, in every connection. */
export async function retryTimeline(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  now: number,
): Promise<void> {
  if (contactIds.length === 0) return;
  const { rows } = await sql<MarkedEntry>`
    update timeline_entries e set ${again(now)}
    where e.workspace_id = ${trx.workspaceId} and e.contact_id = any(${contactIds}::uuid[]) and e.due_at is null
      and e.written_hash is null and e.record_id is not null
    returning ${dueAgain}`.execute(trx);
  await noteDueEntries(trx, rows, now);
}

/**
 * Entries of records that were merged stand on the survivor now: the CRM moved them itself. One that is being written
 * will be said to stand where it was written: it stays due, and is looked for on the survivor.
 */
export async function repointEntries(
  trx: WorkspaceTransaction,
  connectionId: string,
  moves: readonly { readonly from: string; readonly to: string }[],
  contactIds: readonly string[],
): Promise<void> {
  if (moves.length === 0 || contactIds.length === 0) return;
  await sql`
    update timeline_entries e
    set record_id = t.new, version = e.version + case when e.lease is null then 0 else 1 end
    from unnest(${moves.map(({ from }) => from)}::text[], ${moves.map(({ to }) => to)}::text[]) as t (old, new)
    where e.workspace_id = ${trx.workspaceId} and e.connection_id = ${connectionId}
      and e.contact_id = any(${contactIds}::uuid[]) and e.record_id = t.old`.execute(trx);
}

/**
 * Timelines follow contacts that turned out to be one person. A day several of them had is shown once, by one entry of
 * the survivor's; the others' are written anew without the messages that moved, which leaves them empty, and so they are
 * taken away.
 */
export async function moveTimeline(
  trx: WorkspaceTransaction,
  merges: readonly { readonly contactId: string; readonly into: string }[],
  now: number,
): Promise<void> {
  if (merges.length === 0) return;
  const gone = merges.map(({ contactId }) => contactId);
  const pairs = sql`unnest(${gone}::uuid[], ${merges.map(({ into }) => into)}::uuid[]) as t (gone, survivor)`;
  // Of several that would stand in one place one moves: what is shown already before what is not.
  await sql`
    with moving as (
      select distinct on (m.connection_id, t.survivor, m.channel_id, m.part) m.entry_key, t.survivor
      from timeline_entries m join ${pairs} on m.contact_id = t.gone
      where m.workspace_id = ${trx.workspaceId}
        and not exists (select 1 from timeline_entries s
                        where s.workspace_id = ${trx.workspaceId} and s.connection_id = m.connection_id
                          and s.contact_id = t.survivor and s.channel_id = m.channel_id and s.part = m.part)
      order by m.connection_id, t.survivor, m.channel_id, m.part, m.entry_id is null, not m.tried, m.contact_id)
    update timeline_entries e set contact_id = moving.survivor, version = e.version + 1
    from moving
    where e.workspace_id = ${trx.workspaceId} and e.entry_key = moving.entry_key`.execute(trx);
  await forgetUntried(trx, gone);
  const { rows } = await sql<MarkedEntry>`
    update timeline_entries e set ${again(now)}
    where e.workspace_id = ${trx.workspaceId}
      and e.contact_id = any(${[...gone, ...new Set(merges.map(({ into }) => into))]}::uuid[])
    returning ${dueAgain}`.execute(trx);
  await noteDueEntries(trx, rows, now);
}

/**
 * Entries go back to those they were made for, once they are somebody of their own again. Where one stands for them
 * already, or several would, one stands there; another is kept by the contact it was made for, and is written anew
 * without the messages that are not its contact's, which leaves it empty, so that it is taken away.
 */
export async function giveBackTimeline(
  trx: WorkspaceTransaction,
  contacts: readonly PartedContact[],
  now: number,
): Promise<void> {
  if (contacts.length === 0) return;
  const ids = new Set(contacts.flatMap(({ contactId, after }) => [contactId, after]));
  const { rows: entries } = await sql<HeldEntry>`
    select connection_id as "connectionId", contact_id as "contactId", channel_id as "channelId", part,
           entry_key as "entryKey", entry_id is not null as shown, tried
    from timeline_entries
    where workspace_id = ${trx.workspaceId} and contact_id = any(${[...ids]}::uuid[])
    order by entry_key for update`.execute(trx);
  let held = withMakers(trx.workspaceId, entries, contacts);
  // A place that one leaves is free only after the statement that took it away: there are a few rounds at most.
  for (;;) {
    const moves = movesBack(held);
    if (moves.size === 0) break;
    const { rows } = await sql<MarkedEntry>`
      update timeline_entries e set contact_id = t.contact_id, ${again(now)}
      from unnest(${[...moves.keys()]}::text[], ${[...moves.values()]}::uuid[]) as t (entry_key, contact_id)
      where e.workspace_id = ${trx.workspaceId} and e.entry_key = t.entry_key
      returning ${dueAgain}`.execute(trx);
    await noteDueEntries(trx, rows, now);
    held = held.map((entry) => ({ ...entry, contactId: moves.get(entry.entryKey) ?? entry.contactId }));
  }
  await forgetUntried(
    trx,
    contacts.flatMap(({ contactId, after }) => (contactId === after ? [] : [contactId])),
  );
}

/** A contact of several that were one: which stood for it, and which does now. */
interface PartedContact {
  readonly contactId: string;
  readonly before: string;
  readonly after: string;
}

interface HeldEntry {
  readonly connectionId: string;
  readonly contactId: string;
  readonly channelId: string;
  readonly part: string;
  readonly entryKey: string;
  readonly shown: boolean;
  readonly tried: boolean;
}

type MadeEntry = HeldEntry & { readonly maker: PartedContact | undefined };

/** With whom of those that were one each was made for; in the order in which they choose their places. */
function withMakers(
  workspaceId: string,
  entries: readonly HeldEntry[],
  contacts: readonly PartedContact[],
): MadeEntry[] {
  const groupOf = new Map(contacts.map(({ contactId, before }) => [contactId, before]));
  const membersOf = Map.groupBy(contacts, ({ before }) => before);
  const isOwn = ({ maker }: MadeEntry): boolean => maker?.contactId === maker?.after;
  return entries
    .map((entry) => {
      const maker = membersOf
        .get(groupOf.get(entry.contactId) ?? '')
        ?.find(
          ({ contactId }) =>
            entryKeyOf(workspaceId, entry.connectionId, { ...entry, contactId }) === entry.entryKey,
        );
      return { ...entry, maker };
    })
    .toSorted(
      (x, y) =>
        Number(isOwn(y)) - Number(isOwn(x)) ||
        Number(y.shown) - Number(x.shown) ||
        Number(y.tried) - Number(x.tried),
    );
}

/** To whom entries go, by their key, as far as nothing stands there. */
function movesBack(entries: readonly MadeEntry[]): ReadonlyMap<string, string> {
  const placeOf = ({ connectionId, channelId, part }: HeldEntry, contactId: string): string =>
    [connectionId, channelId, part, contactId].join(' ');
  const taken = new Set(entries.map((entry) => placeOf(entry, entry.contactId)));
  const moves = new Map<string, string>();
  for (const entry of entries) {
    const { maker, contactId } = entry;
    if (maker === undefined || maker.after === contactId) continue;
    const choices = contactId === maker.contactId ? [maker.after] : [maker.after, maker.contactId];
    const to = choices.find((choice) => !taken.has(placeOf(entry, choice)));
    if (to === undefined) continue;
    taken.add(placeOf(entry, to));
    moves.set(entry.entryKey, to);
  }
  return moves;
}

/** Nothing of these contacts' entries was ever tried: there is nothing to take away. */
async function forgetUntried(trx: WorkspaceTransaction, contactIds: readonly string[]): Promise<void> {
  const { rows } = await sql<{ connectionId: string; at: number; due: boolean }>`
    delete from timeline_entries e
    where e.workspace_id = ${trx.workspaceId} and e.contact_id = any(${contactIds}::uuid[]) and e.entry_id is null
      and not e.tried and e.lease is null
    returning e.connection_id as "connectionId", e.marked_at as at, e.due_at is not null as due`.execute(trx);
  await addCounts(
    trx,
    rows
      .filter(({ due }) => due)
      .map(({ connectionId, at }) => ({ name: 'entries left alone', at, count: 1, connectionId })),
  );
}

/** Contacts whose messages changed hands: everything their timelines show is looked at anew. */
export async function remarkTimeline(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  now: number,
): Promise<void> {
  if (contactIds.length === 0) return;
  const { rows } = await sql<Omit<TouchedMessage, 'statusOnly'>>`
    select contact_id as "contactId", channel_id as "channelId", wamid, at from messages
    where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])`.execute(trx);
  await markTimeline(
    trx,
    rows.map((row) => ({ ...row, statusOnly: false })),
    () => ({ message: 0, status: 0 }),
    now,
  );
  const { rows: due } = await sql<MarkedEntry>`
    update timeline_entries e set ${again(now)}
    where e.workspace_id = ${trx.workspaceId} and e.contact_id = any(${contactIds}::uuid[]) and e.entry_id is not null
    returning ${dueAgain}`.execute(trx);
  await noteDueEntries(trx, due, now);
}

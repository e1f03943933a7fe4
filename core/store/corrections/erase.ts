import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { scopeOf } from '../../identity/index.ts';
import { addCounts } from '../counts.ts';
import { forgetRecords } from './erase-records.ts';
import { type IsTheirs, type MembersDecided, recordsOf, type TheirRecords } from './their-records.ts';
import { type ErasedStretch, erasedHash, type Erasure, type Remains } from './erasures.ts';
import { addEvidence } from '../apply/evidence.ts';
import { identitiesOf, type StoredIdentity } from '../apply/identities.ts';
import { keepInheritedOptOuts } from '../apply/inherited-opt-outs.ts';
import { toJson } from '../json.ts';
import { type ContentJudgement, insertMessages, mergeMessages, type MessageRow } from '../apply/messages.ts';
import type { WorkspaceTransaction } from '../store.ts';
import { eraseMedia } from '../media/media.ts';
import { eraseSends } from '../sends/sends.ts';
import { remarkTimeline } from '../timeline/timeline-moves.ts';

/** People to be erased, and by what a row is told to speak of them. */
export interface Leaving {
  /** Those joined into them included. */
  readonly contactIds: readonly string[];
  /** What nobody else was ever known by. */
  readonly own: ReadonlySet<string>;
  /** Who held what they are known by, and since when: other people's stretches too. */
  readonly identities: readonly StoredIdentity[];
  readonly wamids: ReadonlySet<string>;
  readonly records: TheirRecords;
  readonly conflictIds: ReadonlySet<string>;
}

/** `ids`: those joined into them included. */
export async function leavingOf(
  trx: WorkspaceTransaction,
  ids: readonly string[],
  decided: MembersDecided,
): Promise<Leaving> {
  const { rows: known } = await sql<{ value: string }>`
    select distinct value from identities
    where workspace_id = ${trx.workspaceId} and contact_id = any(${ids}::uuid[])`.execute(trx);
  const identities = await identitiesOf(
    trx,
    known.map(({ value }) => value),
  );
  const shared = new Set(
    identities.flatMap(({ value, contactId }) =>
      contactId !== null && !ids.includes(contactId) ? [value] : [],
    ),
  );
  const own = new Set(known.flatMap(({ value }) => (shared.has(value) ? [] : [value])));
  const { rows: messages } = await sql<{ wamid: string }>`
    select wamid from messages
    where workspace_id = ${trx.workspaceId} and contact_id = any(${ids}::uuid[])`.execute(trx);
  const { rows: conflicts } = await sql<{ id: string }>`
    select conflict_id as id from conflicts
    where workspace_id = ${trx.workspaceId} and contact_id = any(${ids}::uuid[])`.execute(trx);
  return {
    contactIds: ids,
    own,
    identities,
    wamids: new Set(messages.map(({ wamid }) => wamid)),
    records: await recordsOf(trx, ids, [...own], decided),
    conflictIds: new Set(conflicts.map(({ id }) => id)),
  };
}

/**
 * Removes every row held of these people, in a transaction that holds the workspace's lock and after the payloads that speak of them
 * went; `events` are the keys of those. Keyed hashes of what they were known by stay, and the keys of their events, which
 * say nothing. An id that was somebody else's too stays with them, for the time it was theirs.
 */
export async function eraseRows(
  trx: WorkspaceTransaction,
  leaving: Leaving,
  events: readonly Buffer[],
  request: {
    readonly askedBy: string;
    readonly key: Buffer;
    readonly now: number;
    readonly judge: (content: Buffer) => ContentJudgement;
    readonly isTheirs: IsTheirs;
  },
): Promise<Erasure> {
  const { workspaceId } = trx;
  const { key, now, askedBy, judge, isTheirs } = request;
  const { contactIds: ids } = leaving;
  const own = [...leaving.own];
  const remains = await remainsOf(trx, ids, leaving);
  await keepInheritedOptOuts(trx, leaving, key, now);

  const theirs = sql`(contact_id = any(${ids}::uuid[]) or (contact_id is null
    and (phone = any(${own}::text[]) or bsuid_key = any(${own}::text[]))))`;
  for (const table of ['message_contents', 'consent_entries', 'tag_changes']) {
    await sql`delete from ${sql.table(table)} where workspace_id = ${workspaceId} and ${theirs}`.execute(trx);
  }
  const { rows: gone } = await sql<{ channelId: string; wamid: string }>`
    delete from messages where workspace_id = ${workspaceId} and ${theirs}
    returning channel_id as "channelId", wamid`.execute(trx);
  await showOthersContents(trx, gone, judge, now);
  // What was said of one message named two people: the other one's row keeps what is theirs.
  for (const table of ['messages', 'message_contents', 'consent_entries', 'tag_changes']) {
    await sql`
      update ${sql.table(table)}
      set phone = case when phone = any(${own}::text[]) then null else phone end,
          bsuid_key = case when bsuid_key = any(${own}::text[]) then null else bsuid_key end
      where workspace_id = ${workspaceId} and (phone = any(${own}::text[]) or bsuid_key = any(${own}::text[]))`.execute(
      trx,
    );
  }
  await forgetRecords(trx, leaving, isTheirs, key, now);
  await forgetMarks(trx, ids);
  const sends = await eraseSends(trx, ids, own);
  await eraseMedia(
    trx,
    gone,
    sends.flatMap(({ mediaId }) => mediaId ?? []),
    now,
  );
  for (const table of [
    'conversations',
    'crm_links',
    'links_before_joins',
    'crm_creations',
    'conflicts',
    'dead_letters',
  ]) {
    await sql`delete from ${sql.table(table)}
              where workspace_id = ${workspaceId} and contact_id = any(${ids}::uuid[])`.execute(trx);
  }
  await sql`delete from identities
            where workspace_id = ${workspaceId} and value = any(${own}::text[])`.execute(trx);
  // A number that changed hands may be stopped for its new holder.
  await sql`delete from suppression where workspace_id = ${workspaceId}
              and (value = any(${own}::text[]) or event_key = any(${events}::bytea[]))`.execute(trx);
  await sql`delete from identity_evidence
            where workspace_id = ${workspaceId} and (a = any(${own}::text[]) or b = any(${own}::text[]))`.execute(
    trx,
  );
  // What members wrote down about them keeps who and when, not whom.
  await sql`update audit set subject = 'erased' where workspace_id = ${workspaceId}
              and string_to_array(subject, ' ') && ${[...ids, ...own, ...leaving.conflictIds, ...sends.map(({ sendId }) => sendId)]}::text[]`.execute(
    trx,
  );
  // Somebody else's contact may have been founded by what turned out to be theirs.
  await sql`update contacts set founded_by = null, founded_at = null
            where workspace_id = ${workspaceId} and founded_by = any(${own}::text[])`.execute(trx);
  await sql`delete from contacts where workspace_id = ${workspaceId} and contact_id = any(${ids}::uuid[])`.execute(
    trx,
  );

  const stretches = stretchesOf(leaving, now);
  const bsuids = leaving.identities.flatMap(({ value, contactId }) =>
    !value.startsWith('+') && isOf(leaving, contactId) ? [value] : [],
  );
  await sql`
    insert into erased_identities as e (workspace_id, hash, since, until, gave_up, scopes, bsuids)
    select ${workspaceId}::uuid, decode(hash, 'hex'), since, until, gave_up,
           case when phone then ${[...new Set(bsuids.map(scopeOf))]}::text[] else '{}' end,
           case when phone then ${bsuids.map((value) => erasedHash(key, value))}::bytea[] else '{}' end
    from unnest(${stretches.map(({ value }) => erasedHash(key, value).toString('hex'))}::text[],
                ${stretches.map(({ since }) => since)}::bigint[], ${stretches.map(({ until }) => until)}::bigint[],
                ${stretches.map(({ gaveUp }) => gaveUp)}::bool[],
                ${stretches.map(({ value }) => value.startsWith('+'))}::bool[])
         as t (hash, since, until, gave_up, phone)
    on conflict (workspace_id, hash, since) do update set
      until = greatest(e.until, excluded.until), gave_up = excluded.gave_up, scopes = excluded.scopes,
      bsuids = excluded.bsuids`.execute(trx);
  await leaveStretches(trx, leaving);
  const erasure = { erasureId: uuidv7(), askedBy, erasedAt: now, remains };
  await trx
    .insertInto('erasures')
    .values({
      workspace_id: workspaceId,
      erasure_id: erasure.erasureId,
      asked_by: askedBy,
      erased_at: now,
      remains: toJson(remains),
    })
    .execute();
  return erasure;
}

interface Stretch extends ErasedStretch {
  readonly value: string;
  /** Of a phone: it was known to be theirs no more, and nobody's. */
  readonly gaveUp: boolean;
}

/** While each id was theirs: one that was nobody else's from ever on. */
function stretchesOf(leaving: Leaving, now: number): Stretch[] {
  const ofOthersToo = sharedRows(leaving).flatMap((rows) =>
    rows.flatMap(({ value, since, contactId }, index) => {
      if (!isOf(leaving, contactId)) return [];
      const next = rows[index + 1]?.since;
      const later = rows.slice(index + 1);
      const gaveUp = later.length > 0 && later.every((row) => row.contactId === null);
      return [{ value, since, until: next === undefined ? now : next - 1, gaveUp }];
    }),
  );
  const own = [...leaving.own].map((value) => {
    const last = leaving.identities
      .filter((row) => row.value === value)
      .toSorted((x, y) => x.since - y.since)
      .at(-1);
    return { value, since: 0, until: now, gaveUp: last?.contactId === null };
  });
  return [...own, ...ofOthersToo];
}

/** While they had what others had before or since, it is nobody's known: also once no evidence is left of whose it was. */
async function leaveStretches(trx: WorkspaceTransaction, leaving: Leaving): Promise<void> {
  await sql`update identities set contact_id = null
            where workspace_id = ${trx.workspaceId} and contact_id = any(${leaving.contactIds}::uuid[])`.execute(
    trx,
  );
  const cuts = sharedRows(leaving).flatMap((rows) =>
    rows.filter(
      ({ since, contactId }, index) =>
        since > 0 && (isOf(leaving, contactId) || isOf(leaving, rows[index - 1]?.contactId)),
    ),
  );
  await addEvidence(
    trx,
    cuts.map(({ value, since }) => ({ kind: 'hand_over' as const, a: value, b: value, at: since })),
  );
}

/** Who held each id that was somebody else's too, the earliest first. */
function sharedRows({ own, identities }: Leaving): StoredIdentity[][] {
  const shared = identities.filter(({ value }) => !own.has(value)).toSorted((x, y) => x.since - y.since);
  return [...Map.groupBy(shared, ({ value }) => value).values()];
}

function isOf({ contactIds }: Leaving, contactId: string | null | undefined): boolean {
  return typeof contactId === 'string' && contactIds.includes(contactId);
}

/** Messages of theirs under whose id somebody else's content was kept too show that one from now on. */
async function showOthersContents(
  trx: WorkspaceTransaction,
  gone: readonly { readonly channelId: string; readonly wamid: string }[],
  judge: (content: Buffer) => ContentJudgement,
  now: number,
): Promise<void> {
  const { rows } = await sql<MessageRow>`
    delete from message_contents c
    using (select distinct channel_id, wamid
           from unnest(${gone.map(({ channelId }) => channelId)}::uuid[], ${gone.map(({ wamid }) => wamid)}::text[])
                as t (channel_id, wamid)) t
    where c.workspace_id = ${trx.workspaceId} and c.channel_id = t.channel_id and c.wamid = t.wamid
    returning c.channel_id as "channelId", c.wamid, c.contact_id as "contactId", c.origin, c.direction, c.type, c.at,
              c.event_key as "eventKey", c.content_hash as "contentHash", c.content, c.phone,
              c.bsuid_key as "bsuidKey"`.execute(trx);
  await mergeMessages(trx, await insertMessages(trx, rows), judge);
  const shown = rows.flatMap(({ contactId }) => (contactId === null ? [] : [contactId]));
  await remarkTimeline(trx, [...new Set(shown)], now);
}

/**
 * What CRMs go on holding: their records, and of those a member took from them the ones that were made for them, bear their
 * id or hold their phone.
 */
async function remainsOf(
  trx: WorkspaceTransaction,
  ids: readonly string[],
  { own, records: { keys } }: Pick<Leaving, 'own' | 'records'>,
): Promise<Remains[]> {
  const { rows: links } = await sql<{ connectionId: string; recordId: string }>`
    select distinct l.connection_id as "connectionId", l.record_id as "recordId" from crm_links l
    left join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = l.connection_id
                           and r.record_id = l.record_id
    where l.workspace_id = ${trx.workspaceId} and l.contact_id = any(${ids}::uuid[])
      and (l.parted_at is null or l.decided_by = 'created' or r.key_contact_id = any(${[...keys]}::text[])
           or exists (select 1 from crm_phones p
                      where p.workspace_id = ${trx.workspaceId} and p.connection_id = l.connection_id
                        and p.record_id = l.record_id and p.phone = any(${[...own]}::text[])))
    order by 1, 2`.execute(trx);
  const { rows: entries } = await sql<{ connectionId: string; entryId: string }>`
    select connection_id as "connectionId", entry_id as "entryId" from timeline_entries
    where workspace_id = ${trx.workspaceId} and contact_id = any(${ids}::uuid[]) and entry_id is not null
    order by 1, 2`.execute(trx);
  const entriesOf = Map.groupBy(entries, ({ connectionId }) => connectionId);
  return [...Map.groupBy(links, ({ connectionId }) => connectionId)].map(([connectionId, ofConnection]) => ({
    connectionId,
    recordIds: ofConnection.map(({ recordId }) => recordId),
    entryIds: (entriesOf.get(connectionId) ?? []).map(({ entryId }) => entryId),
  }));
}

/** What was still to be written of them is not, and the statement of the day says so. */
async function forgetMarks(trx: WorkspaceTransaction, ids: readonly string[]): Promise<void> {
  const { rows: marks } = await sql<{ connectionId: string; at: number }>`
    delete from dirty_records where workspace_id = ${trx.workspaceId} and contact_id = any(${ids}::uuid[])
    returning connection_id as "connectionId", marked_at as at`.execute(trx);
  const { rows: entries } = await sql<{ connectionId: string; at: number; due: boolean }>`
    delete from timeline_entries where workspace_id = ${trx.workspaceId} and contact_id = any(${ids}::uuid[])
    returning connection_id as "connectionId", marked_at as at, due_at is not null as due`.execute(trx);
  await addCounts(trx, [
    ...marks.map(({ connectionId, at }) => ({ name: 'left alone' as const, at, count: 1, connectionId })),
    ...entries
      .filter(({ due }) => due)
      .map(({ connectionId, at }) => ({ name: 'entries left alone' as const, at, count: 1, connectionId })),
  ]);
}

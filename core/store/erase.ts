import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { canonicalPhone, phoneCandidates } from '../identity/index.ts';
import type { CrmValues } from '../crm/index.ts';
import { addCounts } from './counts.ts';
import { unborn } from './crm-writes.ts';
import { erasedHash, type Erasure, type Remains } from './erasures.ts';
import { type IdentityRow, identitiesOf } from './identities.ts';
import { fromJson, toJson } from './json.ts';
import { type ContentJudgement, insertMessages, mergeMessages, type MessageRow } from './messages.ts';
import type { WorkspaceTransaction } from './store.ts';
import { withJoined } from './survivors.ts';
import { remarkTimeline } from './timeline-moves.ts';

/** People to be erased, and by what a row is told to speak of them. */
export interface Leaving {
  /** Those joined into them included. */
  readonly contactIds: readonly string[];
  /** What nobody else was ever known by. */
  readonly own: ReadonlySet<string>;
  /** Who held what they are known by, and since when: other people's stretches too. */
  readonly identities: readonly IdentityRow[];
  readonly wamids: ReadonlySet<string>;
  /** CRM records that tell of them and of nobody else. */
  readonly records: readonly RecordNamed[];
  readonly conflictIds: ReadonlySet<string>;
}

interface RecordNamed {
  readonly connectionId: string;
  readonly recordId: string;
}

export async function leavingOf(trx: WorkspaceTransaction, contactIds: readonly string[]): Promise<Leaving> {
  const ids = (await withJoined(trx, contactIds)).map(({ contactId }) => contactId);
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
    records: await recordsOf(trx, ids, [...own]),
    conflictIds: new Set(conflicts.map(({ id }) => id)),
  };
}

/**
 * Removes every row held of these people, in a transaction that holds the turn and after the payloads that speak of them
 * went; `events` are the keys of those. Keyed hashes of what they were known by stay, and the keys of their events, which
 * say nothing. An id that was somebody else's too stays with them.
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
  },
): Promise<Erasure> {
  const { workspaceId } = trx;
  const { key, now, askedBy, judge } = request;
  const { contactIds: ids } = leaving;
  const own = [...leaving.own];
  const remains = await remainsOf(trx, ids);

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
  await forgetRecords(trx, leaving);
  await forgetMarks(trx, ids);
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
  await sql`delete from identities where workspace_id = ${workspaceId}
              and (contact_id = any(${ids}::uuid[]) or value = any(${own}::text[]))`.execute(trx);
  // A number that changed hands may be stopped for its new holder.
  await sql`delete from suppression where workspace_id = ${workspaceId}
              and (value = any(${own}::text[]) or event_key = any(${events}::bytea[]))`.execute(trx);
  await sql`delete from identity_evidence
            where workspace_id = ${workspaceId} and (a = any(${own}::text[]) or b = any(${own}::text[]))`.execute(
    trx,
  );
  // What members wrote down about them keeps who and when, not whom.
  await sql`update audit set subject = 'erased' where workspace_id = ${workspaceId}
              and string_to_array(subject, ' ') && ${[...ids, ...own, ...leaving.conflictIds]}::text[]`.execute(
    trx,
  );
  // Somebody else's contact may have been founded by what turned out to be theirs.
  await sql`update contacts set founded_by = null, founded_at = null
            where workspace_id = ${workspaceId} and founded_by = any(${own}::text[])`.execute(trx);
  await sql`delete from contacts where workspace_id = ${workspaceId} and contact_id = any(${ids}::uuid[])`.execute(
    trx,
  );

  const hashes = own.map((identity) => erasedHash(key, identity).toString('hex'));
  await sql`
    insert into erased_identities as e (workspace_id, hash, erased_at)
    select ${workspaceId}::uuid, decode(hash, 'hex'), ${now}::bigint from unnest(${hashes}::text[]) as t (hash)
    on conflict (workspace_id, hash) do update set erased_at = greatest(e.erased_at, excluded.erased_at)`.execute(
    trx,
  );
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

/** Records they are tied to, or whose phone is theirs, unless the record is somebody else's and not their own. */
async function recordsOf(
  trx: WorkspaceTransaction,
  ids: readonly string[],
  own: readonly string[],
): Promise<RecordNamed[]> {
  const { rows } = await sql<RecordNamed>`
    select connection_id as "connectionId", record_id as "recordId" from (
      select connection_id, record_id, home and parted_at is null as home from crm_links
      where workspace_id = ${trx.workspaceId} and contact_id = any(${ids}::uuid[])
      union all
      select connection_id, record_id, false from crm_phones
      where workspace_id = ${trx.workspaceId} and phone = any(${own}::text[])) named
    group by connection_id, record_id
    having bool_or(home) or not exists (
      select 1 from crm_links o
      where o.workspace_id = ${trx.workspaceId} and o.connection_id = named.connection_id
        and o.record_id = named.record_id and o.parted_at is null and o.contact_id <> all(${ids}::uuid[]))
    order by 1, 2`.execute(trx);
  return rows;
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

async function remainsOf(trx: WorkspaceTransaction, ids: readonly string[]): Promise<Remains[]> {
  const { rows: links } = await sql<{ connectionId: string; recordId: string }>`
    select distinct connection_id as "connectionId", record_id as "recordId" from crm_links
    where workspace_id = ${trx.workspaceId} and contact_id = any(${ids}::uuid[]) and parted_at is null
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

/** What both sides agreed on of their records, what was written there and what happened there. */
async function forgetRecords(trx: WorkspaceTransaction, leaving: Leaving): Promise<void> {
  const { contactIds: ids, own, records } = leaving;
  const { rows: creations } = await sql<{ connectionId: string; key: string }>`
    select connection_id as "connectionId", key_contact_id as key from crm_creations
    where workspace_id = ${trx.workspaceId} and contact_id = any(${ids}::uuid[])`.execute(trx);
  const tries = creations.map(({ connectionId, key }) => ({ connectionId, recordId: unborn(key) }));
  const named = (rows: readonly RecordNamed[]): ReturnType<typeof sql> => sql`
    unnest(${rows.map((row) => row.connectionId)}::uuid[], ${rows.map((row) => row.recordId)}::text[])
    as t (connection_id, record_id)`;
  for (const [table, rows] of [
    ['crm_writes', [...records, ...tries]],
    ['occurrences', records],
  ] as const) {
    await sql`
      delete from ${sql.table(table)} o using ${named(rows)}
      where o.workspace_id = ${trx.workspaceId} and o.connection_id = t.connection_id
        and o.record_id = t.record_id`.execute(trx);
  }
  await sql`
    update crm_records r set base = '{}', refused = '{}', ours = '{}', agreed = false, key_contact_id = null from ${named(records)}
    where r.workspace_id = ${trx.workspaceId} and r.connection_id = t.connection_id
      and r.record_id = t.record_id`.execute(trx);
  await forgetPhonesOnOthers(trx, leaving);
  // What was typed stands with each number of its field.
  await sql`
    delete from crm_phones p
    using crm_phones o
    where p.workspace_id = ${trx.workspaceId} and o.workspace_id = ${trx.workspaceId}
      and o.phone = any(${[...own]}::text[]) and p.connection_id = o.connection_id and p.record_id = o.record_id
      and p.field = o.field`.execute(trx);
}

/** Of somebody else's record that holds their phone too, only that is forgotten. */
async function forgetPhonesOnOthers(trx: WorkspaceTransaction, { own }: Leaving): Promise<void> {
  const { rows } = await sql<RecordNamed & { base: Buffer; fields: string[] }>`
    select r.connection_id as "connectionId", r.record_id as "recordId", r.base, p.fields
    from (select connection_id, record_id, array_agg(distinct field) as fields from crm_phones
          where workspace_id = ${trx.workspaceId} and phone = any(${[...own]}::text[])
          group by connection_id, record_id) p
    join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = p.connection_id
                      and r.record_id = p.record_id
    order by 1, 2 for update of r`.execute(trx);
  const isTheirs = (value: string): boolean => own.has(canonicalPhone(value.replace(/[\s()-]/g, '')) ?? '');
  // A change that was told of such a record may carry it too.
  const digits = [...own].flatMap((value) => (value.startsWith('+') ? phoneCandidates(value) : []));
  await sql`
    delete from occurrences
    where workspace_id = ${trx.workspaceId}
      and regexp_replace(value, '[^0-9]', '', 'g') = any(${digits.map((phone) => phone.slice(1))}::text[])`.execute(
    trx,
  );
  const changed = rows.flatMap(({ base, fields, ...row }) => {
    const values = Object.entries(fromJson(base) as CrmValues);
    const left = values.filter(([field, value]) => !fields.includes(field) && !isTheirs(value));
    return left.length === values.length ? [] : [{ ...row, base: JSON.stringify(Object.fromEntries(left)) }];
  });
  if (changed.length === 0) return;
  await sql`
    update crm_records r set base = convert_to(t.base, 'UTF8')
    from unnest(${changed.map((row) => row.connectionId)}::uuid[], ${changed.map((row) => row.recordId)}::text[],
                ${changed.map((row) => row.base)}::text[]) as t (connection_id, record_id, base)
    where r.workspace_id = ${trx.workspaceId} and r.connection_id = t.connection_id
      and r.record_id = t.record_id`.execute(trx);
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

import { createHmac } from 'node:crypto';
import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { bsuidOf, phoneCandidates } from '../identity/index.ts';
import { addCounts } from './counts.ts';
import { fromJson, toJson } from './json.ts';
import type { WorkspaceTransaction } from './store.ts';

/** What is left of an erased person where we do not rule: in a CRM. */
export interface Remains {
  readonly connectionId: string;
  readonly recordIds: readonly string[];
  /** The CRM's ids of what its timeline shows. */
  readonly entryIds: readonly string[];
}

export interface Erasure {
  readonly erasureId: string;
  readonly askedBy: string;
  readonly erasedAt: number;
  readonly remains: readonly Remains[];
}

/** By what an erased person is known again: a hash nobody can turn back without the workspace's key. */
export function erasedHash(key: Buffer, identity: string): Buffer {
  return createHmac('sha256', key).update(identity, 'utf8').digest();
}

/**
 * Removes everything held of these people, in a transaction that holds the turn. Keyed hashes of what they were known by
 * stay, and the keys of their events, which say nothing. An id that was somebody else's too stays with them.
 */
export async function eraseContacts(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  request: { readonly askedBy: string; readonly key: Buffer; readonly now: number },
): Promise<Erasure> {
  const { workspaceId } = trx;
  const { key, now, askedBy } = request;
  const ids = await withJoined(trx, contactIds);
  const { all, own } = await identitiesOfErased(trx, ids);
  const needles = await needlesOf(trx, ids, own);
  const remains = await remainsOf(trx, ids);
  const records = remains.flatMap(({ recordIds }) => recordIds);

  const dropped: { at: number }[] = [];
  for (const table of ['inbox', 'dead_letters', 'kept_events']) {
    const { rows } = await sql<{ at: number }>`
      delete from ${sql.table(table)} p
      where p.workspace_id = ${workspaceId} and exists (
        select 1 from unnest(${needles}::text[]) as n (needle)
        where position(convert_to(n.needle, 'UTF8') in p.payload) > 0)
      returning ${table === 'kept_events' ? sql`-1` : sql`p.received_at`} as at`.execute(trx);
    dropped.push(...rows.filter(({ at }) => at >= 0));
  }
  await addCounts(
    trx,
    dropped.map(({ at }) => ({ name: 'dropped', at, count: 1 })),
  );
  for (const table of ['messages', 'message_contents', 'consent_entries', 'tag_changes']) {
    await sql`
      delete from ${sql.table(table)}
      where workspace_id = ${workspaceId} and (contact_id = any(${ids}::uuid[])
        or (contact_id is null and (phone = any(${own}::text[]) or bsuid_key = any(${own}::text[]))))`.execute(
      trx,
    );
  }
  await forgetMarks(trx, ids);
  for (const table of [
    'conversations',
    'crm_links',
    'crm_creations',
    'conflicts',
    'dead_letters',
    'identities',
  ]) {
    await sql`delete from ${sql.table(table)}
              where workspace_id = ${workspaceId} and contact_id = any(${ids}::uuid[])`.execute(trx);
  }
  await sql`delete from suppression where workspace_id = ${workspaceId} and value = any(${all}::text[])`.execute(
    trx,
  );
  await sql`delete from identity_evidence
            where workspace_id = ${workspaceId} and (a = any(${own}::text[]) or b = any(${own}::text[]))`.execute(
    trx,
  );
  await sql`delete from crm_phones where workspace_id = ${workspaceId} and phone = any(${own}::text[])`.execute(
    trx,
  );
  for (const table of ['crm_writes', 'occurrences']) {
    await sql`delete from ${sql.table(table)}
              where workspace_id = ${workspaceId} and record_id = any(${records}::text[])`.execute(trx);
  }
  await sql`update crm_records set base = '{}', refused = '{}', ours = '{}', agreed = false, key_contact_id = null
            where workspace_id = ${workspaceId} and record_id = any(${records}::text[])`.execute(trx);
  await forgetDecisions(trx, [...ids, ...needles]);
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

async function withJoined(trx: WorkspaceTransaction, contactIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ contactId: string }>`
    select contact_id as "contactId" from contacts
    where workspace_id = ${trx.workspaceId}
      and (contact_id = any(${contactIds}::uuid[]) or merged_into = any(${contactIds}::uuid[]))`.execute(trx);
  return rows.map(({ contactId }) => contactId);
}

/** What they are known by, and which of it was never anybody else's. */
async function identitiesOfErased(
  trx: WorkspaceTransaction,
  ids: readonly string[],
): Promise<{ all: string[]; own: string[] }> {
  const { rows } = await sql<{ value: string; shared: boolean }>`
    select i.value, bool_or(exists (
             select 1 from identities o where o.workspace_id = ${trx.workspaceId} and o.value = i.value
               and o.contact_id is not null and o.contact_id <> all(${ids}::uuid[]))) as shared
    from identities i
    where i.workspace_id = ${trx.workspaceId} and i.contact_id = any(${ids}::uuid[])
    group by i.value`.execute(trx);
  return {
    all: rows.map(({ value }) => value),
    own: rows.filter(({ shared }) => !shared).map(({ value }) => value),
  };
}

/** What a stored payload that speaks of them holds: phones in every spelling, ids, messages. */
async function needlesOf(
  trx: WorkspaceTransaction,
  ids: readonly string[],
  own: readonly string[],
): Promise<string[]> {
  const { rows } = await sql<{ wamid: string }>`
    select wamid from messages
    where workspace_id = ${trx.workspaceId} and contact_id = any(${ids}::uuid[])`.execute(trx);
  const known = own.flatMap((value) =>
    value.startsWith('+') ? phoneCandidates(value).map((phone) => phone.slice(1)) : [bsuidOf(value)],
  );
  return [...known, ...ids, ...rows.map(({ wamid }) => wamid)].filter((needle) => needle !== '');
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

/** What members wrote down about them keeps who and when, not whom. */
async function forgetDecisions(trx: WorkspaceTransaction, needles: readonly string[]): Promise<void> {
  await sql`
    update audit set subject = 'erased' where workspace_id = ${trx.workspaceId} and exists (
      select 1 from unnest(${needles}::text[]) as n (needle) where position(n.needle in subject) > 0)`.execute(
    trx,
  );
  await sql`
    delete from decisions d where d.workspace_id = ${trx.workspaceId} and exists (
      select 1 from unnest(${needles}::text[]) as n (needle)
      where position(convert_to(n.needle, 'UTF8') in d.subject) > 0)`.execute(trx);
}

/** Whether anybody of this workspace was ever erased. */
export async function hasErased(trx: WorkspaceTransaction): Promise<boolean> {
  const { rows } = await sql`
    select 1 from erased_identities where workspace_id = ${trx.workspaceId} limit 1`.execute(trx);
  return rows.length > 0;
}

/** When these were erased: hex of the hash → milliseconds. */
export async function erasedAt(
  trx: WorkspaceTransaction,
  hashes: readonly Buffer[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ hash: string; at: number }>`
    select encode(hash, 'hex') as hash, erased_at as at from erased_identities
    where workspace_id = ${trx.workspaceId}
      and encode(hash, 'hex') = any(${hashes.map((hash) => hash.toString('hex'))}::text[])`.execute(trx);
  return new Map(rows.map(({ hash, at }) => [hash, at]));
}

/** Those of these phones that somebody is known by. */
export async function phonesInUse(
  trx: WorkspaceTransaction,
  phones: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ value: string }>`
    select distinct value from identities
    where workspace_id = ${trx.workspaceId} and value = any(${phones}::text[]) and contact_id is not null`.execute(
    trx,
  );
  return new Set(rows.map(({ value }) => value));
}

/** People whose own record this was. */
export async function peopleAtHome(
  trx: WorkspaceTransaction,
  records: readonly { readonly connectionId: string; readonly recordId: string }[],
): Promise<string[]> {
  const { rows } = await sql<{ contactId: string }>`
    select distinct l.contact_id as "contactId"
    from unnest(${records.map((one) => one.connectionId)}::uuid[], ${records.map((one) => one.recordId)}::text[])
         as t (connection_id, record_id)
    join crm_links l on l.workspace_id = ${trx.workspaceId} and l.connection_id = t.connection_id
                    and l.record_id = t.record_id and l.home and l.parted_at is null`.execute(trx);
  return rows.map(({ contactId }) => contactId);
}

/** Newest first. */
export async function listErasures(trx: WorkspaceTransaction): Promise<Erasure[]> {
  const { rows } = await sql<Omit<Erasure, 'remains'> & { remains: Buffer }>`
    select erasure_id as "erasureId", asked_by as "askedBy", erased_at as "erasedAt", remains from erasures
    where workspace_id = ${trx.workspaceId} order by erasure_id desc limit 500`.execute(trx);
  return rows.map((row) => ({ ...row, remains: fromJson(row.remains) as Remains[] }));
}

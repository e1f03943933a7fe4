import { sql } from 'kysely';
import type { CrmValues } from '../../crm/index.ts';
import { blobOf } from '../blob.ts';
import { fromJson, toJson } from '../json.ts';
import type { ErasedValues } from './erased-values.ts';
import { withRecordsBack } from './records-back.ts';
import type { WorkspaceTransaction } from '../store.ts';
import { cleanText, storableText } from '../text.ts';

/** What a phone field of a record holds. */
type IndexedPhone = {
  readonly field: string;
  /** Of several numbers in the field: which, from 0. */
  readonly part?: number;
  /** The field's among those that hold phones, the one people look at first is 0. */
  readonly place: number;
  readonly typed: string;
} & ({ readonly phone: string } | { readonly unreadable: string });

/** A record as a connection saw it. */
export interface SeenRecord {
  readonly recordId: string;
  /** What stands in our unique field. */
  readonly keyContactId: string | undefined;
  /** Of the fields both sides share: as they stand there. */
  readonly base: CrmValues;
  readonly phones: readonly IndexedPhone[];
  /** Among records of one person the lowest goes first; undefined: as it is known. */
  readonly rank?: number | undefined;
  /** Milliseconds; undefined: as it is known. */
  readonly createdAt?: number | undefined;
  /** Phone fields that were looked at; undefined: all of them. What is known of the others stays. */
  readonly phoneFields?: readonly string[];
  /** The vendor's time of its last change; undefined: not told. */
  readonly changedAt?: number | undefined;
  /** Records that were merged into it; undefined: not told. */
  readonly mergedFrom?: readonly string[] | undefined;
}

/** As identities have them. */
export function phonesIn(records: readonly Pick<SeenRecord, 'phones'>[]): string[] {
  return records.flatMap(({ phones }) => phones.flatMap((one) => ('phone' in one ? one.phone : [])));
}

/** A record as both sides agree on it. */
export interface AgreedRecord extends SeenRecord {
  /** Fields of the base whose value we wrote. */
  readonly ours: readonly string[];
  /** Values the CRM did not take: CRM field → the vendor's form. */
  readonly refused: CrmValues;
  /** Records that were merged into it, what they held being part of the base by now. */
  readonly tookOver?: readonly string[];
}

export interface RecordRow {
  readonly recordId: string;
  readonly keyContactId: string | null;
  readonly base: CrmValues;
  /** Fields of the base whose value we wrote. */
  readonly ours: readonly string[];
  /** Both sides agreed on the base; else it is only what a scan of the account found. */
  readonly agreed: boolean;
  /** Values the CRM did not take. */
  readonly refused: CrmValues;
  readonly erasedValues: ErasedValues | null;
  /** When somebody it told of was erased. */
  readonly erasedAt: number | null;
  /** Last seen. */
  readonly readAt: number;
  /** When the base was read, or agreed on. */
  readonly baseAt: number;
  readonly gone: 'deleted' | 'merged' | 'erased' | null;
  readonly goneAt: number | null;
  readonly movedTo: string | null;
  /** The vendor's time of its last change, as last seen. */
  readonly changedAt: number | null;
  /** The vendor told of its deletion then, and nobody has looked since. */
  readonly doubtedAt: number | null;
}

/**
 * Remembers records as a scan of the account found them, and their phones. What both sides agreed on stays, or what
 * is known to be ours: what changed there is for the reconciler to take. They are there again.
 */
export async function saveRecords(
  trx: WorkspaceTransaction,
  connectionId: string,
  records: readonly SeenRecord[],
  now: number,
): Promise<void> {
  if (records.length === 0) return;
  const sorted = onceEach(records);
  const bases = blobOf(sorted.map(({ base }) => toJson(base)));
  const save = sql`
    insert into crm_records as r (workspace_id, connection_id, record_id, key_contact_id, base, read_at, base_at, rank,
                                  created_at, changed_at)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, record_id, key_contact_id,
           substr(${bases.bytes}::bytea, start, size), ${now}, ${now}, rank, created_at, changed_at
    from unnest(${sorted.map((r) => r.recordId)}::text[], ${sorted.map((r) => r.keyContactId ?? null)}::text[],
                ${bases.starts}::int[], ${bases.sizes}::int[], ${sorted.map((r) => r.rank ?? null)}::smallint[],
                ${sorted.map((r) => r.createdAt ?? null)}::bigint[],
                ${sorted.map((r) => r.changedAt ?? null)}::bigint[])
           as t (record_id, key_contact_id, start, size, rank, created_at, changed_at)
    on conflict (workspace_id, connection_id, record_id) do update set
      key_contact_id = excluded.key_contact_id, gone = null, gone_at = null, moved_to = null, read_at = excluded.read_at,
      rank = coalesce(excluded.rank, r.rank), created_at = coalesce(excluded.created_at, r.created_at),
      changed_at = coalesce(excluded.changed_at, r.changed_at),
      base = case when r.agreed or r.ours <> '{}' then r.base else excluded.base end,
      base_at = case when r.agreed or r.ours <> '{}' then r.base_at else excluded.base_at end`;
  await withRecordsBack(trx, connectionId, idsOf(sorted), now, () => save.execute(trx));
  await savePhones(trx, connectionId, sorted);
}

/** Remembers what both sides agree on after a record was read or written. */
export async function agreeRecords(
  trx: WorkspaceTransaction,
  connectionId: string,
  records: readonly AgreedRecord[],
  now: number,
): Promise<void> {
  if (records.length === 0) return;
  const sorted = onceEach(records);
  const bases = blobOf(sorted.map(({ base }) => toJson(base)));
  const refused = blobOf(sorted.map((one) => toJson(one.refused)));
  const agree = sql`
    insert into crm_records as r (workspace_id, connection_id, record_id, key_contact_id, base, refused, ours, agreed,
                                  read_at, base_at, rank, created_at, changed_at)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, record_id, key_contact_id,
           substr(${bases.bytes}::bytea, base_start, base_size),
           substr(${refused.bytes}::bytea, refused_start, refused_size),
           array_remove(string_to_array(ours, ' '), ''), true, ${now}, ${now}, rank, created_at, changed_at
    from unnest(${sorted.map((r) => r.recordId)}::text[], ${sorted.map((r) => r.keyContactId ?? null)}::text[],
                ${bases.starts}::int[], ${bases.sizes}::int[], ${refused.starts}::int[], ${refused.sizes}::int[],
                ${sorted.map((r) => r.ours.join(' '))}::text[], ${sorted.map((r) => r.rank ?? null)}::smallint[],
                ${sorted.map((r) => r.createdAt ?? null)}::bigint[],
                ${sorted.map((r) => r.changedAt ?? null)}::bigint[])
           as t (record_id, key_contact_id, base_start, base_size, refused_start, refused_size, ours, rank, created_at,
                 changed_at)
    on conflict (workspace_id, connection_id, record_id) do update set
      key_contact_id = excluded.key_contact_id, base = excluded.base, refused = excluded.refused, ours = excluded.ours,
      agreed = true, read_at = excluded.read_at, base_at = excluded.base_at, rank = coalesce(excluded.rank, r.rank),
      created_at = coalesce(excluded.created_at, r.created_at),
      changed_at = coalesce(excluded.changed_at, r.changed_at), gone = null, gone_at = null, moved_to = null`;
  await withRecordsBack(trx, connectionId, idsOf(sorted), now, () => agree.execute(trx));
  await savePhones(trx, connectionId, sorted);
  const taken = sorted.flatMap(({ tookOver = [] }) => tookOver);
  if (taken.length === 0) return;
  await sql`
    update crm_records set taken_over = true
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${taken}::text[]) and gone = 'merged'`.execute(trx);
}

/** Fills in what looks brought up of fields that are only followed. A record seen meanwhile knows better. */
export async function fillBases(
  trx: WorkspaceTransaction,
  connectionId: string,
  records: readonly Pick<RecordRow, 'recordId' | 'base' | 'readAt' | 'changedAt'>[],
): Promise<void> {
  if (records.length === 0) return;
  const sorted = onceEach(records);
  const bases = blobOf(sorted.map(({ base }) => toJson(base)));
  await sql`
    update crm_records r
    set base = substr(${bases.bytes}::bytea, t.start, t.size), changed_at = coalesce(t.changed_at, r.changed_at)
    from unnest(${sorted.map((one) => one.recordId)}::text[], ${sorted.map((one) => one.readAt)}::bigint[],
                ${sorted.map((one) => one.changedAt)}::bigint[], ${bases.starts}::int[], ${bases.sizes}::int[])
           as t (record_id, read_at, changed_at, start, size)
    where r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId} and r.record_id = t.record_id
      and r.read_at = t.read_at`.execute(trx);
}

/**
 * Remembers writes nobody answered that the CRM has told of: they stand, and are ours. A record seen meanwhile knows
 * better.
 */
export async function confirmWrites(
  trx: WorkspaceTransaction,
  connectionId: string,
  records: readonly Pick<RecordRow, 'recordId' | 'base' | 'ours' | 'readAt'>[],
): Promise<void> {
  if (records.length === 0) return;
  const bases = blobOf(records.map(({ base }) => toJson(base)));
  await sql`
    update crm_records r
    set base = substr(${bases.bytes}::bytea, t.start, t.size), ours = string_to_array(t.ours, ' ')
    from unnest(${records.map((one) => one.recordId)}::text[], ${records.map((one) => one.ours.join(' '))}::text[],
                ${records.map((one) => one.readAt)}::bigint[], ${bases.starts}::int[], ${bases.sizes}::int[])
           as t (record_id, ours, read_at, start, size)
    where r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId} and r.record_id = t.record_id
      and r.read_at = t.read_at`.execute(trx);
}

/** In the order every transaction takes them; of a record that was come upon twice, as it was seen last. */
function onceEach<Row extends { readonly recordId: string }>(records: readonly Row[]): Row[] {
  return [...new Map(records.map((record) => [record.recordId, record])).values()].toSorted(byRecordId);
}

function idsOf(records: readonly { readonly recordId: string }[]): string[] {
  return records.map(({ recordId }) => recordId);
}

function byRecordId(x: { readonly recordId: string }, y: { readonly recordId: string }): number {
  return x.recordId < y.recordId ? -1 : 1;
}

/** What a field that holds phones says, as it is indexed. */
export function typedPhone(value: string): string {
  return cleanText(value).slice(0, 200);
}

async function savePhones(
  trx: WorkspaceTransaction,
  connectionId: string,
  records: readonly SeenRecord[],
): Promise<void> {
  const scanned = records.filter(({ phoneFields }) => phoneFields === undefined || phoneFields.length > 0);
  if (scanned.length === 0) return;
  const rows = scanned.flatMap(({ recordId, phones }) => phones.map((phone) => ({ recordId, ...phone })));
  await sql`
    delete from crm_phones p
    using unnest(${scanned.map((r) => r.recordId)}::text[], ${scanned.map((r) => r.phoneFields?.join(' ') ?? null)}::text[])
          as l (record_id, fields)
    where p.workspace_id = ${trx.workspaceId} and p.connection_id = ${connectionId} and p.record_id = l.record_id
      and (l.fields is null or p.field = any(string_to_array(l.fields, ' ')))
      and not exists (select 1 from unnest(${rows.map((r) => r.recordId)}::text[], ${rows.map((r) => r.field)}::text[],
                                           ${rows.map(({ part = 0 }) => part)}::smallint[])
                        as t (record_id, field, part)
                      where t.record_id = p.record_id and t.field = p.field and t.part = p.part)`.execute(
    trx,
  );
  if (rows.length === 0) return;
  await sql`
    insert into crm_phones as p (workspace_id, connection_id, record_id, field, part, place, typed, phone, unreadable)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, * from unnest(
      ${rows.map((r) => r.recordId)}::text[], ${rows.map((r) => r.field)}::text[],
      ${rows.map(({ part = 0 }) => part)}::smallint[], ${rows.map((r) => r.place)}::smallint[],
      ${rows.map((r) => typedPhone(r.typed))}::text[],
      ${rows.map((r) => ('phone' in r ? storableText(r.phone) : null))}::text[],
      ${rows.map((r) => ('unreadable' in r ? r.unreadable : null))}::text[])
    on conflict (workspace_id, connection_id, record_id, field, part) do update set
      place = excluded.place, typed = excluded.typed, phone = excluded.phone, unreadable = excluded.unreadable
    where (p.place, p.typed, p.phone, p.unreadable)
          is distinct from (excluded.place, excluded.typed, excluded.phone, excluded.unreadable)`.execute(
    trx,
  );
}

export async function recordsById(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<RecordRow[]> {
  const { rows } = await sql<
    Omit<RecordRow, 'base' | 'refused' | 'erasedValues'> & {
      base: Buffer;
      refused: Buffer;
      erasedValues: Buffer | null;
    }
  >`
    select record_id as "recordId", key_contact_id as "keyContactId", base, ours, agreed, refused,
           erased_values as "erasedValues", erased_at as "erasedAt", read_at as "readAt", base_at as "baseAt", gone, gone_at as "goneAt", moved_to as "movedTo",
           changed_at as "changedAt", doubted_at as "doubtedAt"
    from crm_records
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${recordIds}::text[])`.execute(trx);
  return rows.map((row) => ({
    ...row,
    base: fromJson(row.base) as CrmValues,
    refused: fromJson(row.refused) as CrmValues,
    erasedValues: row.erasedValues === null ? null : (fromJson(row.erasedValues) as ErasedValues),
  }));
}

/**
 * The vendor told that records were deleted. It tells late and in any order, so those that are known are to be looked at;
 * they are returned. What nobody has seen is gone.
 */
export async function doubtRecords(
  trx: WorkspaceTransaction,
  connectionId: string,
  told: readonly { readonly recordId: string; readonly at: number }[],
): Promise<string[]> {
  if (told.length === 0) return [];
  const latest = new Map<string, number>();
  for (const { recordId, at } of told) latest.set(recordId, Math.max(at, latest.get(recordId) ?? at));
  const sorted = [...latest].toSorted(([x], [y]) => (x < y ? -1 : 1));
  const { rows } = await sql<{ recordId: string; known: boolean }>`
    insert into crm_records as r (workspace_id, connection_id, record_id, read_at, gone, gone_at)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, record_id, at, 'deleted', at
    from unnest(${sorted.map(([recordId]) => recordId)}::text[], ${sorted.map(([, at]) => at)}::bigint[])
         as t (record_id, at)
    on conflict (workspace_id, connection_id, record_id) do update set
      doubted_at = greatest(r.doubted_at, excluded.gone_at)
    where r.gone is null
    returning record_id as "recordId", doubted_at is not null as known`.execute(trx);
  return rows.filter(({ known }) => known).map(({ recordId }) => recordId);
}

/** They were looked at, and are there. */
export async function trustRecords(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<void> {
  if (recordIds.length === 0) return;
  await sql`
    update crm_records set doubted_at = null
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${recordIds}::text[])`.execute(trx);
}

/** Remembers that records are no longer there; `movedTo`: merged into that one. */
export async function markGone(
  trx: WorkspaceTransaction,
  connectionId: string,
  gone: readonly {
    readonly recordId: string;
    readonly how: 'deleted' | 'merged' | 'erased';
    readonly at: number;
    readonly movedTo?: string;
  }[],
): Promise<void> {
  if (gone.length === 0) return;
  const sorted = [...new Map(gone.map((row) => [row.recordId, row])).values()].toSorted((x, y) =>
    x.recordId < y.recordId ? -1 : 1,
  );
  await sql`
    insert into crm_records as r (workspace_id, connection_id, record_id, read_at, gone, gone_at, moved_to)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, record_id, at, how, at, moved_to
    from unnest(${sorted.map((g) => g.recordId)}::text[], ${sorted.map((g) => g.how)}::text[],
                ${sorted.map((g) => g.at)}::bigint[], ${sorted.map((g) => g.movedTo ?? null)}::text[])
           as t (record_id, how, at, moved_to)
    on conflict (workspace_id, connection_id, record_id) do update set
      gone = case when r.gone in ('erased', 'merged') then r.gone else excluded.gone end,
      gone_at = least(r.gone_at, excluded.gone_at), moved_to = coalesce(excluded.moved_to, r.moved_to),
      taken_over = r.taken_over and r.gone is not null, doubted_at = null`.execute(trx);
  await sql`
    delete from crm_phones p
    using crm_records r
    where p.workspace_id = ${trx.workspaceId} and p.connection_id = ${connectionId}
      and p.record_id = any(${sorted.map((g) => g.recordId)}::text[])
      and r.workspace_id = p.workspace_id and r.connection_id = p.connection_id and r.record_id = p.record_id
      and r.gone is not null`.execute(trx);
}

/**
 * Deleted records of people who ever withdrew their consent, the one looked at longest ago first: a restored record may
 * come back without any news, and says what stood on it before. `since`: those that went then or later.
 */
export async function tombstonesOfWithdrawn(
  trx: WorkspaceTransaction,
  connectionId: string,
  { since, limit }: { readonly since: number; readonly limit: number },
): Promise<string[]> {
  const { rows } = await sql<{ recordId: string }>`
    select r.record_id as "recordId" from crm_records r
    where r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId} and r.gone = 'deleted'
      and r.gone_at >= ${since}
      and exists (select 1 from crm_links l
                  join consent_entries c on c.workspace_id = ${trx.workspaceId} and c.contact_id = l.contact_id
                                        and c.action = 'withdrawal'
                  where l.workspace_id = ${trx.workspaceId} and l.connection_id = ${connectionId}
                    and l.record_id = r.record_id and l.parted_at is null)
    order by r.read_at, r.record_id limit ${limit}`.execute(trx);
  return rows.map(({ recordId }) => recordId);
}

/** A record that lives on as another, as it was last known. */
export interface MergedRecord {
  readonly recordId: string;
  /** Where it lives on, however many merges it went through. */
  readonly survivorId: string;
  readonly base: CrmValues;
  readonly ours: readonly string[];
  readonly agreed: boolean;
  readonly erasedValues: ErasedValues | null;
  /** What stood there when somebody it told of was erased. */
  readonly erasedBase: ErasedValues | null;
  readonly goneAt: number;
  /** What it held is part of its survivor's base. */
  readonly takenOver: boolean;
}

/** Records that were merged into these, at once or by way of others. */
export async function mergedInto(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<MergedRecord[]> {
  if (recordIds.length === 0) return [];
  const { rows } = await sql<
    Omit<MergedRecord, 'base' | 'erasedValues' | 'erasedBase'> & {
      base: Buffer;
      erasedValues: Buffer | null;
      erasedBase: Buffer | null;
    }
  >`
    with recursive merged as (
      select record_id, moved_to as survivor from crm_records
      where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
        and moved_to = any(${recordIds}::text[]) and gone = 'merged'
      union
      select r.record_id, m.survivor from merged m
      join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId}
                        and r.moved_to = m.record_id and r.gone = 'merged')
    select r.record_id as "recordId", m.survivor as "survivorId", r.base, r.ours, r.agreed,
           r.erased_values as "erasedValues", r.erased_base as "erasedBase", r.gone_at as "goneAt",
           r.taken_over as "takenOver"
    from merged m
    join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId}
                      and r.record_id = m.record_id
    order by r.record_id`.execute(trx);
  return rows.map((row) => ({
    ...row,
    base: fromJson(row.base) as CrmValues,
    erasedValues: row.erasedValues === null ? null : (fromJson(row.erasedValues) as ErasedValues),
    erasedBase: row.erasedBase === null ? null : (fromJson(row.erasedBase) as ErasedValues),
  }));
}

/** They were looked for just now. */
export async function noteLookedFor(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
  now: number,
): Promise<void> {
  await sql`
    update crm_records set read_at = greatest(read_at, ${now}::bigint)
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${recordIds}::text[])`.execute(trx);
}

/** Records are there again. */
export async function markRestored(
  trx: WorkspaceTransaction,
  connectionId: string,
  restored: readonly { readonly recordId: string; readonly at: number }[],
  now: number,
): Promise<void> {
  if (restored.length === 0) return;
  const restore = sql`
    update crm_records r set gone = null, gone_at = null,
           doubted_at = case when r.doubted_at > t.at then r.doubted_at end, read_at = greatest(r.read_at, t.at)
    from unnest(${restored.map(({ recordId }) => recordId)}::text[], ${restored.map(({ at }) => at)}::bigint[])
         as t (record_id, at)
    where r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId} and r.record_id = t.record_id
      and (r.gone is null or (r.gone = 'deleted' and r.gone_at <= t.at))`;
  await withRecordsBack(trx, connectionId, idsOf(restored), now, () => restore.execute(trx));
}

/** What a person put right: what the CRM did not take on records of these contacts is tried again. */
export async function forgetRefused(trx: WorkspaceTransaction, contactIds: readonly string[]): Promise<void> {
  if (contactIds.length === 0) return;
  await sql`
    update crm_records r set refused = '{}'
    from crm_links l
    where r.workspace_id = ${trx.workspaceId} and l.workspace_id = ${trx.workspaceId}
      and l.contact_id = any(${contactIds}::uuid[])
      and r.connection_id = l.connection_id and r.record_id = l.record_id and r.refused <> '{}'`.execute(trx);
}

/** A record that holds a phone, and what says whether it goes before others that do. */
export interface PhoneHolder {
  readonly phone: string;
  readonly recordId: string;
  /** The field's among those that hold phones. */
  readonly place: number;
  readonly rank: number;
  /** Milliseconds; null: not told. */
  readonly createdAt: number | null;
}

/** Records whose indexed phone is one of these. */
export async function recordsByPhone(
  trx: WorkspaceTransaction,
  connectionId: string,
  phones: readonly string[],
): Promise<PhoneHolder[]> {
  if (phones.length === 0) return [];
  const { rows } = await sql<PhoneHolder>`
    select p.phone, p.record_id as "recordId", p.place, coalesce(r.rank, 0) as rank, r.created_at as "createdAt"
    from crm_phones p
    left join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId}
                           and r.record_id = p.record_id
    where p.workspace_id = ${trx.workspaceId} and p.connection_id = ${connectionId}
      and p.phone = any(${phones}::text[])`.execute(trx);
  return rows;
}

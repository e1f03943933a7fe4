import { sql } from 'kysely';
import { canonicalPhone, phoneCandidates } from '../../identity/index.ts';
import type { CrmValues } from '../../crm/index.ts';
import { addErasedValues, type ErasedValues } from '../reconcile/erased-values.ts';
import { unborn } from '../reconcile/crm-writes.ts';
import { markEachRecord, markPriority } from '../reconcile/dirty.ts';
import { saveErasedTries } from './erased-tries.ts';
import { erasedHash, erasedKeyField } from './erasures.ts';
import { fromJson, toJson } from '../json.ts';
import type { WorkspaceTransaction } from '../store.ts';

interface RecordNamed {
  readonly connectionId: string;
  readonly recordId: string;
}

/** A record, and who else it or the one it went into is tied to. */
interface TheirRecord extends RecordNamed {
  /** Those others; nobody, where it tells of them alone. */
  readonly others: readonly string[];
  /** It was the primary record of one of the people to be erased: their values were written there. */
  readonly primary: boolean;
  /** Where it lives on, where it was merged. */
  readonly survivors: readonly string[];
}

/** What tells of people to be erased in CRMs: what bears their id, is tied to them or holds their phone. */
export interface TheirRecords {
  /** Tells of nobody else. */
  readonly alone: readonly TheirRecord[];
  readonly shared: readonly TheirRecord[];
  /** What creates of theirs may have made, each under the name it has until somebody answers. */
  readonly unborn: readonly (TheirRecord & { readonly key: string })[];
  /** What our unique field holds on records of theirs. */
  readonly keys: readonly string[];
}

interface LeavingRecords {
  readonly contactIds: readonly string[];
  /** What nobody else was ever known by. */
  readonly own: ReadonlySet<string>;
  readonly records: TheirRecords;
}

/** Whether a value of a shared record's field tells of them; `ours`: we wrote it. */
export type IsTheirs = (record: TheirRecord, field: string, value: string, ours: boolean) => boolean;

/** Records that went into theirs are theirs too, and shared where those are, unless they bear their id. */
export async function recordsOf(
  trx: WorkspaceTransaction,
  ids: readonly string[],
  own: readonly string[],
): Promise<TheirRecords> {
  const { rows: creations } = await sql<{ connectionId: string; key: string }>`
    select connection_id as "connectionId", key_contact_id as key from crm_creations
    where workspace_id = ${trx.workspaceId} and contact_id = any(${ids}::uuid[])`.execute(trx);
  const keys = [...new Set([...ids, ...creations.map(({ key }) => key)])];
  const { rows } = await sql<TheirRecord & { alone: boolean }>`
    with recursive named as (
      select t.connection_id, t.record_id, t.record_id as survivor, bool_or(t.is_primary) as is_primary from (
        select connection_id, record_id, is_primary from crm_links
        where workspace_id = ${trx.workspaceId} and contact_id = any(${ids}::uuid[])
        union all
        select connection_id, record_id, false from crm_phones
        where workspace_id = ${trx.workspaceId} and phone = any(${[...own]}::text[])
        union all
        select connection_id, record_id, true from crm_records
        where workspace_id = ${trx.workspaceId} and key_contact_id = any(${keys}::text[])) t
      group by 1, 2
      union
      select r.connection_id, r.record_id, n.survivor, n.is_primary from named n
      join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = n.connection_id
                        and r.moved_to = n.record_id and r.gone = 'merged')
    select n.connection_id as "connectionId", n.record_id as "recordId", bool_or(n.is_primary) as "primary",
           coalesce(bool_or(r.gone = 'merged' and r.key_contact_id = any(${keys}::text[])), false) as alone,
           array_remove(array_agg(distinct o.contact_id), null) as others,
           array_remove(array_agg(distinct n.survivor), n.record_id) as survivors
    from named n
    left join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = n.connection_id
                           and r.record_id = n.record_id
    left join crm_links o on o.workspace_id = ${trx.workspaceId} and o.connection_id = n.connection_id
                         and o.record_id = n.survivor and o.parted_at is null and o.contact_id <> all(${ids}::uuid[])
    group by 1, 2
    order by 1, 2`.execute(trx);
  const isAlone = ({ alone, others }: (typeof rows)[number]): boolean => alone || others.length === 0;
  return {
    alone: rows.filter(isAlone),
    shared: rows.filter((row) => !isAlone(row)),
    unborn: creations.map(({ connectionId, key }) => ({
      connectionId,
      recordId: unborn(key),
      others: [],
      primary: true,
      survivors: [],
      key,
    })),
    keys,
  };
}

/**
 * What both sides agreed on of their records, what was written there and what happened there. Of records that are others'
 * too what tells of them goes, and the rest is written anew as those others have it: what of their values we wrote there
 * is known by its hash until it is seen to have given way.
 */
export async function forgetRecords(
  trx: WorkspaceTransaction,
  leaving: LeavingRecords,
  isTheirs: IsTheirs,
  key: Buffer,
  now: number,
): Promise<void> {
  const { own, records } = leaving;
  await forgetOnShared(trx, leaving, isTheirs, key, now);
  await hashTries(trx, records.unborn, isTheirs, key, now);
  for (const [table, rows] of [
    ['crm_writes', [...records.alone, ...records.unborn]],
    ['occurrences', records.alone],
    ['crm_deals', records.alone],
  ] as const) {
    await sql`
      delete from ${sql.table(table)} o using ${named(rows)}
      where o.workspace_id = ${trx.workspaceId} and o.connection_id = t.connection_id
        and o.record_id = t.record_id`.execute(trx);
  }
  await sql`
    update crm_records r
    set base = '{}', refused = '{}', ours = '{}', agreed = false, key_contact_id = null, erased_at = ${now}
    from ${named(records.alone)}
    where r.workspace_id = ${trx.workspaceId} and r.connection_id = t.connection_id
      and r.record_id = t.record_id`.execute(trx);
  await forgetChangesOf(trx, own);
  // What was typed stands with each number of its field.
  await sql`
    delete from crm_phones p
    using crm_phones o
    where p.workspace_id = ${trx.workspaceId} and o.workspace_id = ${trx.workspaceId}
      and o.phone = any(${[...own]}::text[]) and p.connection_id = o.connection_id and p.record_id = o.record_id
      and p.field = o.field`.execute(trx);
  await markShared(trx, records.shared, now);
}

const named = (rows: readonly RecordNamed[]): ReturnType<typeof sql> => sql`
  unnest(${rows.map((row) => row.connectionId)}::uuid[], ${rows.map((row) => row.recordId)}::text[])
  as t (connection_id, record_id)`;

const nameOf = ({ connectionId, recordId }: RecordNamed): string => `${connectionId} ${recordId}`;

async function forgetOnShared(
  trx: WorkspaceTransaction,
  { own, records: { shared: standing, alone, keys } }: LeavingRecords,
  isTheirs: IsTheirs,
  key: Buffer,
  now: number,
): Promise<void> {
  // What went from their own record into another's when they were merged stands there too, and nobody may have told yet.
  const shared = [...standing, ...alone];
  if (shared.length === 0) return;
  const recordOf = new Map(shared.map((record) => [nameOf(record), record]));
  const phoneFields = await fieldsWithPhones(trx, own);
  const tells = (row: RecordNamed, field: string, value: string, ours: boolean): boolean => {
    const record = recordOf.get(nameOf(row));
    return (
      // What we write is a number itself; what people type stands in the index.
      (!ours && phoneFields.has(`${nameOf(row)} ${field}`)) ||
      own.has(canonicalPhone(value.replace(/[\s()-]/g, '')) ?? '') ||
      (record !== undefined && isTheirs(record, field, value, ours))
    );
  };
  const without = (row: RecordNamed, values: CrmValues, isOurs: (field: string) => boolean): Buffer =>
    toJson(
      Object.fromEntries(
        Object.entries(values).filter(([field, value]) => !tells(row, field, value, isOurs(field))),
      ),
    );
  const written: (RecordNamed & { readonly field: string; readonly value: string })[] = [];
  const { rows } = await sql<
    RecordNamed & { base: Buffer; refused: Buffer; ours: string[]; key: string | null }
  >`
    select r.connection_id as "connectionId", r.record_id as "recordId", r.base, r.refused, r.ours,
           r.key_contact_id as key
    from ${named(shared)} join crm_records r
      on r.workspace_id = ${trx.workspaceId} and r.connection_id = t.connection_id and r.record_id = t.record_id
    order by 1, 2 for update of r`.execute(trx);
  const agreedOf = new Map(rows.map((row) => [nameOf(row), fromJson(row.base) as CrmValues]));
  const oursOf = new Map(rows.map((row) => [nameOf(row), row.ours]));
  const isTyped = (row: RecordNamed, field: string, value: string): boolean =>
    agreedOf.get(nameOf(row))?.[field] === value && oursOf.get(nameOf(row))?.includes(field) === false;
  const noteOne = (row: RecordNamed, field: string, value: string): void => {
    const { connectionId, recordId } = row;
    const places = [recordId, ...(recordOf.get(nameOf(row))?.survivors ?? [])];
    const everywhere = places.map((place) => ({ connectionId, recordId: place, field, value }));
    // Where somebody had typed the same it is theirs that stands there.
    if (!everywhere.some((one) => isTyped(one, field, value))) written.push(...everywhere);
  };
  const note = (row: RecordNamed, values: CrmValues, isOurs: (field: string) => boolean): void => {
    for (const [field, value] of Object.entries(values)) {
      if (value !== '' && isOurs(field) && tells(row, field, value, true)) noteOne(row, field, value);
    }
  };

  for (const row of rows) {
    const isOurs = (field: string): boolean => row.ours.includes(field);
    const agreed = agreedOf.get(nameOf(row)) ?? {};
    note(row, agreed, isOurs);
    if (row.key !== null && keys.includes(row.key)) noteOne(row, erasedKeyField, row.key);
    const base = without(row, agreed, isOurs);
    const refused = without(row, fromJson(row.refused) as CrmValues, () => true);
    await sql`
      update crm_records
      set base = ${base}, refused = ${refused}, erased_at = ${now},
          key_contact_id = case when key_contact_id = any(${[...keys]}::text[]) then null else key_contact_id end
      where workspace_id = ${trx.workspaceId} and connection_id = ${row.connectionId}
        and record_id = ${row.recordId}`.execute(trx);
  }
  const { rows: writes } = await sql<RecordNamed & { writeId: string; written: Buffer }>`
    select w.connection_id as "connectionId", w.record_id as "recordId", w.write_id as "writeId", w.written
    from ${named(shared)} join crm_writes w
      on w.workspace_id = ${trx.workspaceId} and w.connection_id = t.connection_id and w.record_id = t.record_id
    order by 1, 2, 3 for update of w`.execute(trx);
  for (const row of writes) {
    const values = fromJson(row.written) as CrmValues;
    note(row, values, () => true);
    await sql`
      update crm_writes set written = ${without(row, values, () => true)}
      where workspace_id = ${trx.workspaceId} and connection_id = ${row.connectionId}
        and record_id = ${row.recordId} and write_id = ${row.writeId}`.execute(trx);
  }
  const { rows: told } = await sql<RecordNamed & { field: string; value: string }>`
    select distinct o.connection_id as "connectionId", o.record_id as "recordId", o.field, o.value
    from ${named(shared)} join occurrences o
      on o.workspace_id = ${trx.workspaceId} and o.connection_id = t.connection_id and o.record_id = t.record_id`.execute(
    trx,
  );
  const theirs = told.filter((row) => tells(row, row.field, row.value, false));
  await sql`
    delete from occurrences o
    using unnest(${theirs.map((row) => row.connectionId)}::uuid[], ${theirs.map((row) => row.recordId)}::text[],
                 ${theirs.map((row) => row.field)}::text[], ${theirs.map((row) => row.value)}::text[])
          as t (connection_id, record_id, field, value)
    where o.workspace_id = ${trx.workspaceId} and o.connection_id = t.connection_id and o.record_id = t.record_id
      and o.field = t.field and o.value = t.value`.execute(trx);
  await hashValues(trx, written, key, now);
}

/** What creates of theirs that nobody answered were to write: the records they may have made are in no index here. */
async function hashTries(
  trx: WorkspaceTransaction,
  unbornRecords: TheirRecords['unborn'],
  isTheirs: IsTheirs,
  key: Buffer,
  now: number,
): Promise<void> {
  if (unbornRecords.length === 0) return;
  const { rows } = await sql<RecordNamed & { written: Buffer }>`
    select w.connection_id as "connectionId", w.record_id as "recordId", w.written
    from ${named(unbornRecords)} join crm_writes w
      on w.workspace_id = ${trx.workspaceId} and w.connection_id = t.connection_id and w.record_id = t.record_id`.execute(
    trx,
  );
  const writesOf = Map.groupBy(rows, nameOf);
  const tried = unbornRecords.filter((record) => writesOf.has(nameOf(record)));
  for (const [connectionId, ofConnection] of Map.groupBy(tried, (record) => record.connectionId)) {
    const tries = ofConnection.map((record) => {
      const values = (writesOf.get(nameOf(record)) ?? [])
        .flatMap(({ written }) => Object.entries(fromJson(written) as CrmValues))
        .filter(([field, value]) => value !== '' && isTheirs(record, field, value, true));
      const written = hashed([[erasedKeyField, record.key], ...values], key);
      return { keyHash: erasedHash(key, record.key).toString('hex'), written, erasedAt: now };
    });
    await saveErasedTries(trx, connectionId, tries);
  }
}

/** Remembers values of theirs that we wrote to records, as hashes, beside those of people erased before. */
async function hashValues(
  trx: WorkspaceTransaction,
  written: readonly (RecordNamed & { readonly field: string; readonly value: string })[],
  key: Buffer,
  now: number,
): Promise<void> {
  for (const [connectionId, ofConnection] of Map.groupBy(written, (row) => row.connectionId)) {
    const records = [...Map.groupBy(ofConnection, ({ recordId }) => recordId)].map(([recordId, rows]) => {
      const values = rows.map(({ field, value }) => [field, value] as const);
      return [recordId, { written: hashed(values, key), erasedAt: now }] as const;
    });
    await addErasedValues(trx, connectionId, new Map(records));
  }
}

function hashed(values: readonly (readonly [field: string, value: string])[], key: Buffer): ErasedValues {
  const ofField = Map.groupBy(values, ([field]) => field);
  const hashes = [...ofField].map(([field, some]) => {
    const all = some.map(([, value]) => erasedHash(key, value).toString('hex'));
    return [field, [...new Set(all)]] as const;
  });
  return Object.fromEntries(hashes);
}

/** Where one of these phones stands, each as connection, record and field. */
async function fieldsWithPhones(
  trx: WorkspaceTransaction,
  own: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<RecordNamed & { field: string }>`
    select connection_id as "connectionId", record_id as "recordId", field from crm_phones
    where workspace_id = ${trx.workspaceId} and phone = any(${[...own]}::text[])`.execute(trx);
  return new Set(rows.map((row) => `${nameOf(row)} ${row.field}`));
}

/** Changes that were told of any record and carry one of these phones. */
async function forgetChangesOf(trx: WorkspaceTransaction, own: ReadonlySet<string>): Promise<void> {
  const digits = [...own].flatMap((value) => (value.startsWith('+') ? phoneCandidates(value) : []));
  await sql`
    delete from occurrences
    where workspace_id = ${trx.workspaceId}
      and regexp_replace(value, '[^0-9]', '', 'g') = any(${digits.map((phone) => phone.slice(1))}::text[])`.execute(
    trx,
  );
}

/** Their opt-out stands there too, and what of their values we wrote: as the others have it, it is to be. */
async function markShared(
  trx: WorkspaceTransaction,
  shared: readonly TheirRecord[],
  now: number,
): Promise<void> {
  const { rows } = await sql<RecordNamed>`
    select r.connection_id as "connectionId", r.record_id as "recordId"
    from ${named(shared)}
    join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = t.connection_id
                      and r.record_id = t.record_id and r.gone is null
    join crm_connections c on c.workspace_id = ${trx.workspaceId} and c.connection_id = t.connection_id
                          and c.disconnected_at is null
    order by 1, 2`.execute(trx);
  for (const [connectionId, records] of Map.groupBy(rows, (row) => row.connectionId)) {
    const marks = records.map(({ recordId }) => ({ recordId, priority: markPriority.consent }));
    await markEachRecord(trx, connectionId, marks, true, now);
  }
}

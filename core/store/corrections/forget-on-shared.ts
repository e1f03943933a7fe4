import { sql } from 'kysely';
import type { CrmValues } from '../../crm/index.ts';
import { canonicalPhone } from '../../identity/index.ts';
import { fieldOfNumber } from '../../mapping/index.ts';
import { fromJson, toJson } from '../json.ts';
import type { WorkspaceTransaction } from '../store.ts';
import { hashValues } from './erased-hashes.ts';
import { erasedKeyField } from './erasures.ts';
import { type IsTheirs, type LeavingRecords, named, nameOf, type RecordNamed } from './their-records.ts';

/** Takes out of what is known of records that are others' too what tells of people to be erased. */
export async function forgetOnShared(
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
    !isNumberOfOurs(field) &&
    agreedOf.get(nameOf(row))?.[field] === value &&
    oursOf.get(nameOf(row))?.includes(field) === false;
  const noteOne = (row: RecordNamed, field: string, value: string): void => {
    const { connectionId, recordId } = row;
    const places = [recordId, ...(recordOf.get(nameOf(row))?.survivors ?? [])];
    const everywhere = places.map((place) => ({ connectionId, recordId: place, field, value }));
    // Where somebody had typed the same it is theirs that stands there.
    if (!everywhere.some((one) => isTyped(one, field, value))) written.push(...everywhere);
  };
  const note = (row: RecordNamed, values: CrmValues, isOurs: (field: string) => boolean): void => {
    for (const [field, value] of Object.entries(values)) {
      const name = keys.includes(value) ? erasedKeyField : field;
      if (value !== '' && isOurs(field) && tells(row, field, value, true)) noteOne(row, name, value);
    }
  };

  for (const row of rows) {
    const isOurs = (field: string): boolean => isNumberOfOurs(field) || row.ours.includes(field);
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
      update crm_writes
      set written = ${without(row, values, () => true)},
          under_key = case when under_key = any(${[...keys]}::text[]) then null else under_key end
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

/** The name under which the number of a list that we wrote is known. */
function isNumberOfOurs(name: string): boolean {
  return fieldOfNumber(name) !== name;
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

import { sql } from 'kysely';
import type { CrmValues } from '../../crm/index.ts';
import { blobOf } from '../blob.ts';
import { fromJson, toJson } from '../json.ts';
import { addErasedValues, type ErasedValues, joinedErasedValues } from '../reconcile/erased-values.ts';
import type { WorkspaceTransaction } from '../store.ts';
import { saveErasedTries } from './erased-tries.ts';
import { erasedHash, erasedKeyField, hashable } from './erasures.ts';
import {
  type IsTheirs,
  named,
  nameOf,
  type RecordNamed,
  type TheirRecord,
  type TheirRecords,
} from './their-records.ts';

/** What of erased people's records stays known, as hashes nobody can turn back. */

/** What creates of theirs that nobody answered were to write: the records they may have made are in no index here. */
export async function hashTries(
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
export async function hashValues(
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
    const all = some.map(([, value]) => erasedHash(key, hashable(field, value)).toString('hex'));
    return [field, [...new Set(all)]] as const;
  });
  return Object.fromEntries(hashes);
}

/** All that stood on these records, was written there or told of them: where they went into others, it stands there now. */
export async function hashBases(
  trx: WorkspaceTransaction,
  records: readonly TheirRecord[],
  key: Buffer,
): Promise<void> {
  const { rows } = await sql<
    RecordNamed & { base: Buffer; writes: Buffer[]; told: string[][]; before: Buffer | null }
  >`
    select r.connection_id as "connectionId", r.record_id as "recordId", r.base, r.erased_base as before,
           array(select w.written from crm_writes w
                 where w.workspace_id = ${trx.workspaceId} and w.connection_id = r.connection_id
                   and w.record_id = r.record_id) as writes,
           array(select array[o.field, o.value] from occurrences o
                 where o.workspace_id = ${trx.workspaceId} and o.connection_id = r.connection_id
                   and o.record_id = r.record_id) as told
    from ${named(records)} join crm_records r
      on r.workspace_id = ${trx.workspaceId} and r.connection_id = t.connection_id and r.record_id = t.record_id
    order by 1, 2 for update of r`.execute(trx);
  const bases = blobOf(
    rows.map(({ base, writes, told, before }) => {
      const values = [base, ...writes].flatMap((one) => Object.entries(fromJson(one) as CrmValues));
      const changes = told.flatMap(([field, value]) =>
        field === undefined || value === undefined ? [] : [[field, value] as const],
      );
      const known = before === null ? [] : [fromJson(before) as ErasedValues];
      const standing = [...values, ...changes].filter(([, value]) => value !== '');
      return toJson(joinedErasedValues([...known, hashed(standing, key)]));
    }),
  );
  await sql`
    update crm_records r set erased_base = substr(${bases.bytes}::bytea, t.start, t.size)
    from unnest(${rows.map(({ connectionId }) => connectionId)}::uuid[], ${rows.map(({ recordId }) => recordId)}::text[],
                ${bases.starts}::int[], ${bases.sizes}::int[]) as t (connection_id, record_id, start, size)
    where r.workspace_id = ${trx.workspaceId} and r.connection_id = t.connection_id
      and r.record_id = t.record_id`.execute(trx);
}

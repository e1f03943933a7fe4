import { sql } from 'kysely';
import { blobOf } from '../blob.ts';
import { fromJson, toJson } from '../json.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** CRM field → hashes of values of erased people that we wrote, in hex: a value that has one gives way. */
export type ErasedValues = Readonly<Record<string, readonly string[]>>;

/** Records, and those that went into them by now; `place`: where what stood there stands. */
const withSwallowed = (trx: WorkspaceTransaction, connectionId: string, recordIds: readonly string[]) => sql`
  with recursive swallowed as (
    select record_id, record_id as place from unnest(${recordIds}::text[]) as t (record_id)
    union
    select r.record_id, s.place from swallowed s
    join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId}
                      and r.moved_to = s.record_id and r.gone = 'merged')`;

/** All hashes of each field. */
export function joinedErasedValues(all: readonly ErasedValues[]): ErasedValues {
  const fields = new Set(all.flatMap((one) => Object.keys(one)));
  return Object.fromEntries(
    [...fields].map((field) => [field, [...new Set(all.flatMap((one) => one[field] ?? []))]]),
  );
}

/** What of erased people we wrote to these records, or to those that went into them, and may still stand there. */
export async function erasedValuesOf(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, ErasedValues>> {
  if (recordIds.length === 0) return new Map();
  const { rows } = await sql<{ place: string; erasedValues: Buffer }>`
    ${withSwallowed(trx, connectionId, recordIds)}
    select s.place, r.erased_values as "erasedValues" from swallowed s
    join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId}
                      and r.record_id = s.record_id
    where r.erased_values is not null`.execute(trx);
  return new Map(
    [...Map.groupBy(rows, ({ place }) => place)].map(([place, some]) => [
      place,
      joinedErasedValues(some.map((row) => fromJson(row.erasedValues) as ErasedValues)),
    ]),
  );
}

/**
 * Remembers what of that may still stand; what went into these says it no more. A record nobody had seen is known by its id
 * from then on.
 */
export async function saveErasedValues(
  trx: WorkspaceTransaction,
  connectionId: string,
  records: ReadonlyMap<string, ErasedValues>,
  now: number,
): Promise<void> {
  await saveEach(
    trx,
    connectionId,
    [...records].map(([recordId, left]) => ({ recordId, left, at: now })),
  );
}

async function saveEach(
  trx: WorkspaceTransaction,
  connectionId: string,
  records: readonly { readonly recordId: string; readonly left: ErasedValues; readonly at: number }[],
): Promise<void> {
  if (records.length === 0) return;
  const ids = records.map(({ recordId }) => recordId);
  const saying = records.filter(({ left }) => Object.keys(left).length > 0);
  await sql`
    insert into crm_records (workspace_id, connection_id, record_id, read_at)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, record_id, at
    from unnest(${saying.map(({ recordId }) => recordId)}::text[], ${saying.map(({ at }) => at)}::bigint[])
         as t (record_id, at)
    order by record_id
    on conflict (workspace_id, connection_id, record_id) do nothing`.execute(trx);
  const values = blobOf(records.map(({ left }) => (Object.keys(left).length === 0 ? null : toJson(left))));
  await sql`
    update crm_records r set erased_values = substr(${values.bytes}::bytea, t.start, t.size)
    from unnest(${ids}::text[], ${values.starts}::int[], ${values.sizes}::int[])
         as t (record_id, start, size)
    where r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId}
      and r.record_id = t.record_id`.execute(trx);
  await sql`
    ${withSwallowed(trx, connectionId, ids)}
    update crm_records r set erased_values = null from swallowed s
    where r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId} and r.record_id = s.record_id
      and s.record_id <> s.place and r.erased_values is not null`.execute(trx);
}

/** What we wrote of somebody erased then. */
export interface WrittenOfErased {
  readonly written: ErasedValues;
  readonly erasedAt: number;
}

/** Remembers more of it, beside what is known already. */
export async function addErasedValues(
  trx: WorkspaceTransaction,
  connectionId: string,
  records: ReadonlyMap<string, WrittenOfErased>,
): Promise<void> {
  if (records.size === 0) return;
  const before = await erasedValuesOf(trx, connectionId, [...records.keys()]);
  const joined = [...records].map(([recordId, { written, erasedAt }]) => ({
    recordId,
    left: joinedErasedValues([before.get(recordId) ?? {}, written]),
    at: erasedAt,
  }));
  await saveEach(trx, connectionId, joined);
  await sql`
    update crm_records r set erased_at = greatest(r.erased_at, t.at)
    from unnest(${joined.map(({ recordId }) => recordId)}::text[], ${joined.map(({ at }) => at)}::bigint[])
         as t (record_id, at)
    where r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId}
      and r.record_id = t.record_id`.execute(trx);
}

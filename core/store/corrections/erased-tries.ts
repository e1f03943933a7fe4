import { sql } from 'kysely';
import { blobOf } from '../blob.ts';
import { fromJson, toJson } from '../json.ts';
import type { ErasedValues, WrittenOfErased } from '../reconcile/erased-values.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** A create of somebody erased that nobody answered: the record it may have made is known by what it says alone. */
export interface ErasedTry extends WrittenOfErased {
  /** Of what that record holds in our unique field, our id, which is among what was to be written; hex. */
  readonly keyHash: string;
}

export async function saveErasedTries(
  trx: WorkspaceTransaction,
  connectionId: string,
  tries: readonly ErasedTry[],
): Promise<void> {
  if (tries.length === 0) return;
  const written = blobOf(tries.map((one) => toJson(one.written)));
  await sql`
    insert into erased_tries (workspace_id, connection_id, key_hash, written, erased_at)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, decode(hash, 'hex'),
           substr(${written.bytes}::bytea, start, size), at
    from unnest(${tries.map(({ keyHash }) => keyHash)}::text[], ${tries.map((one) => one.erasedAt)}::bigint[],
                ${written.starts}::int[], ${written.sizes}::int[])
         as t (hash, at, start, size)
    on conflict (workspace_id, connection_id, key_hash) do nothing`.execute(trx);
}

export async function erasedTriesOf(trx: WorkspaceTransaction, connectionId: string): Promise<ErasedTry[]> {
  const { rows } = await sql<Omit<ErasedTry, 'written'> & { written: Buffer }>`
    select encode(key_hash, 'hex') as "keyHash", written, erased_at as "erasedAt" from erased_tries
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
  return rows.map((row) => ({ ...row, written: fromJson(row.written) as ErasedValues }));
}

import { sql } from 'kysely';
import type { WorkspaceTransaction } from '../store.ts';

export interface IdentityRow {
  readonly value: string;
  readonly since: number;
  readonly contactId: string | null;
}

/** A row as it is kept; `lifted`: see the schema. */
export interface StoredIdentity extends IdentityRow {
  readonly lifted: boolean;
}

export async function identitiesOf(
  trx: WorkspaceTransaction,
  values: readonly string[],
): Promise<StoredIdentity[]> {
  if (values.length === 0) return [];
  const { rows } = await sql<StoredIdentity>`
    select value, since, contact_id as "contactId", lifted from identities
    where workspace_id = ${trx.workspaceId} and value = any(${values}::text[])`.execute(trx);
  return rows;
}

/** The BSUIDs each of these contacts is known by. */
export async function bsuidsOf(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql<{ contactId: string; value: string }>`
    select contact_id as "contactId", value from identities
    where workspace_id = ${trx.workspaceId} and contact_id = any(${[...contactIds]}::uuid[])
      and value like 'bsuid:%'`.execute(trx);
  return new Map(
    [...Map.groupBy(rows, ({ contactId }) => contactId)].map(([contactId, some]) => [
      contactId,
      some.map(({ value }) => value),
    ]),
  );
}

/** Makes these rows the whole truth about their values. */
export async function replaceIdentities(
  trx: WorkspaceTransaction,
  before: readonly IdentityRow[],
  after: readonly IdentityRow[],
): Promise<void> {
  const name = (row: IdentityRow): string => `${row.value}|${String(row.since)}`;
  const old = new Map(before.map((row) => [name(row), row]));
  const wanted = new Map(after.map((row) => [name(row), row]));
  const gone = before.filter((row) => !wanted.has(name(row)));
  const changed = after.filter((row) => {
    const known = old.get(name(row));
    return known === undefined || known.contactId !== row.contactId;
  });
  if (gone.length > 0) {
    await sql`
      delete from identities i
      using unnest(${gone.map((row) => row.value)}::text[], ${gone.map((row) => row.since)}::bigint[]) as t (value, since)
      where i.workspace_id = ${trx.workspaceId} and i.value = t.value and i.since = t.since`.execute(trx);
  }
  if (changed.length > 0) {
    await sql`
      insert into identities (workspace_id, value, since, contact_id)
      select ${trx.workspaceId}::uuid, value, since, contact_id
      from unnest(${changed.map((row) => row.value)}::text[], ${changed.map((row) => row.since)}::bigint[],
                  ${changed.map((row) => row.contactId)}::uuid[]) as t (value, since, contact_id)
      on conflict (workspace_id, value, since) do update set contact_id = excluded.contact_id`.execute(trx);
  }
}

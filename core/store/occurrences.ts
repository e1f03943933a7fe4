import { sql } from 'kysely';
import { storableText } from './text.ts';
import type { WorkspaceTransaction } from './store.ts';

/** A change of a field in a CRM, with the vendor's time. design.md §3.4 */
export interface Occurrence {
  readonly connectionId: string;
  readonly recordId: string;
  readonly field: string;
  readonly value: string;
  readonly changedAt: number;
  /** As the vendor names them. */
  readonly changedBy: string | undefined;
}

/** Workflow actions name no field; they carry the id of their execution in the value, and their receipt as time. */
export const workflowField = 'workflow:';

/** A set: each is kept once, whatever order webhooks, re-reads and polls bring it in. */
export async function addOccurrences(
  trx: WorkspaceTransaction,
  occurrences: readonly Occurrence[],
  now: number,
): Promise<void> {
  if (occurrences.length === 0) return;
  await sql`
    insert into occurrences (workspace_id, connection_id, record_id, field, value, changed_at, changed_by, seen_at)
    select ${trx.workspaceId}::uuid, connection_id, record_id, field, value, changed_at, changed_by, ${now}
    from unnest(${occurrences.map((o) => o.connectionId)}::uuid[], ${occurrences.map((o) => o.recordId)}::text[],
                ${occurrences.map((o) => storableText(o.field))}::text[],
                ${occurrences.map((o) => storableText(o.value))}::text[],
                ${occurrences.map((o) => o.changedAt)}::bigint[],
                ${occurrences.map((o) => (o.changedBy === undefined ? null : storableText(o.changedBy)))}::text[])
         as t (connection_id, record_id, field, value, changed_at, changed_by)
    where not starts_with(field, ${workflowField}) or not exists (
      select 1 from occurrences o
      where o.workspace_id = ${trx.workspaceId} and o.connection_id = t.connection_id and o.record_id = t.record_id
        and o.field = t.field and o.value = t.value)
    on conflict do nothing`.execute(trx);
}

/** When these fields of these records last changed: `<record> <field>` → the vendor's time. */
export async function lastChangeOf(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
  fields: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ recordId: string; field: string; at: number }>`
    select record_id as "recordId", field, max(changed_at) as at from occurrences
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${recordIds}::text[]) and field = any(${fields}::text[])
    group by record_id, field`.execute(trx);
  return new Map(rows.map(({ recordId, field, at }) => [`${recordId} ${field}`, at]));
}

/** Newest first. */
export async function listOccurrences(
  trx: WorkspaceTransaction,
  connectionId: string,
  limit: number,
): Promise<(Omit<Occurrence, 'connectionId'> & { readonly seenAt: number })[]> {
  const { rows } = await sql<Omit<Occurrence, 'connectionId'> & { seenAt: number }>`
    select record_id as "recordId", field, value, changed_at as "changedAt", changed_by as "changedBy",
           seen_at as "seenAt"
    from occurrences where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
    order by seen_at desc, changed_at desc limit ${limit}`.execute(trx);
  return rows;
}

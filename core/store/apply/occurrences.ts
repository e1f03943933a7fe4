import { sql } from 'kysely';
import type { Page } from '../page.ts';
import { storableText } from '../text.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** A change of a field in a CRM, with the vendor's time. docs/design.md §1. */
export interface Occurrence {
  readonly connectionId: string;
  readonly recordId: string;
  readonly field: string;
  readonly value: string;
  readonly changedAt: number;
  /** As the vendor names them. */
  readonly changedBy: string | undefined;
  /** A look found it: it was made at `changedAt` or before, by nobody knows whom. */
  readonly scanned: boolean;
}

/** Workflow actions name no field; they carry the id of their execution in the value, and their receipt as time. */
export const workflowField = 'workflow:';

/** Fields of a person's deals: the deal's id and the field follow, as in `deal:77:stage`. */
export const dealField = 'deal:';

/** The vendor's times of a field and of its record may differ by this much. */
const skewMs = 60_000;

/**
 * A set: each is kept once, whatever order webhooks, re-reads and polls bring it in. What a scan found and a webhook tells
 * is one change, with the webhook's time: the same value, and no other between.
 */
export async function addOccurrences(
  trx: WorkspaceTransaction,
  occurrences: readonly Occurrence[],
  now: number,
): Promise<void> {
  if (occurrences.length === 0) return;
  await sql`
    insert into occurrences (workspace_id, connection_id, record_id, field, value, changed_at, changed_by, seen_at, scanned)
    select ${trx.workspaceId}::uuid, connection_id, record_id, field, value, changed_at, changed_by, ${now}, scanned
    from unnest(${occurrences.map((o) => o.connectionId)}::uuid[], ${occurrences.map((o) => o.recordId)}::text[],
                ${occurrences.map((o) => storableText(o.field))}::text[],
                ${occurrences.map((o) => storableText(o.value))}::text[],
                ${occurrences.map((o) => o.changedAt)}::bigint[],
                ${occurrences.map((o) => (o.changedBy === undefined ? null : storableText(o.changedBy)))}::text[],
                ${occurrences.map((o) => o.scanned)}::bool[])
         as t (connection_id, record_id, field, value, changed_at, changed_by, scanned)
    where not starts_with(field, ${workflowField}) or not exists (
      select 1 from occurrences o
      where o.workspace_id = ${trx.workspaceId} and o.connection_id = t.connection_id and o.record_id = t.record_id
        and o.field = t.field and o.value = t.value)
    on conflict (workspace_id, connection_id, record_id, field, changed_at, value) do update set
      scanned = false, changed_by = excluded.changed_by
    where occurrences.scanned and not excluded.scanned`.execute(trx);
  await joinScanned(trx, occurrences);
}

/** Takes out what looks found and something else tells as well; whoever told it first, it was seen then. */
async function joinScanned(
  trx: WorkspaceTransaction,
  occurrences: readonly Pick<Occurrence, 'connectionId' | 'recordId' | 'field'>[],
): Promise<void> {
  const fields = new Map(occurrences.map((one) => [`${one.connectionId} ${one.recordId} ${one.field}`, one]));
  const concerned = [...fields.values()].filter(({ field }) => !field.startsWith(workflowField));
  await sql`
    with mine as (
      select distinct o.connection_id, o.record_id, o.field, o.value, o.changed_at, o.seen_at, o.scanned
      from unnest(${concerned.map((o) => o.connectionId)}::uuid[], ${concerned.map((o) => o.recordId)}::text[],
                  ${concerned.map((o) => storableText(o.field))}::text[]) as t (connection_id, record_id, field)
      join occurrences o on o.workspace_id = ${trx.workspaceId} and o.connection_id = t.connection_id
                        and o.record_id = t.record_id and o.field = t.field),
    twins as (
      select l.connection_id, l.record_id, l.field, l.value, l.changed_at, l.seen_at,
             (select o.changed_at from mine o
              where o.connection_id = l.connection_id and o.record_id = l.record_id and o.field = l.field
                and o.value = l.value and o.changed_at <> l.changed_at
                and case when o.scanned then o.changed_at < l.changed_at
                         else o.changed_at <= l.changed_at + ${skewMs} end
                and not exists (
                  select 1 from mine b
                  where b.connection_id = l.connection_id and b.record_id = l.record_id and b.field = l.field
                    and b.value <> l.value and b.changed_at between least(o.changed_at, l.changed_at)
                                                               and greatest(o.changed_at, l.changed_at))
              order by o.scanned, o.changed_at desc limit 1) as told_at
      from mine l where l.scanned),
    sooner as (
      update occurrences o set seen_at = least(o.seen_at, t.seen_at)
      from (select connection_id, record_id, field, value, told_at, min(seen_at) as seen_at from twins
            where told_at is not null group by 1, 2, 3, 4, 5) t
      where o.workspace_id = ${trx.workspaceId} and o.connection_id = t.connection_id and o.record_id = t.record_id
        and o.field = t.field and o.value = t.value and o.changed_at = t.told_at
        and not exists (select 1 from twins x
                        where x.told_at is not null and x.connection_id = o.connection_id and x.record_id = o.record_id
                          and x.field = o.field and x.value = o.value and x.changed_at = o.changed_at))
    delete from occurrences o using twins t
    where o.workspace_id = ${trx.workspaceId} and o.connection_id = t.connection_id and o.record_id = t.record_id
      and o.field = t.field and o.value = t.value and o.changed_at = t.changed_at and t.told_at is not null`.execute(
    trx,
  );
}

/** What names one of a connection's occurrences. */
export type OccurrenceName = Pick<Occurrence, 'recordId' | 'field' | 'value' | 'changedAt'>;

export async function occurrencesOf(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<OccurrenceName[]> {
  const { rows } = await sql<OccurrenceName>`
    select record_id as "recordId", field, value, changed_at as "changedAt" from occurrences
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${recordIds}::text[])`.execute(trx);
  return rows;
}

export async function deleteOccurrences(
  trx: WorkspaceTransaction,
  connectionId: string,
  named: readonly OccurrenceName[],
): Promise<void> {
  if (named.length === 0) return;
  await sql`
    delete from occurrences o
    using unnest(${named.map((o) => o.recordId)}::text[], ${named.map((o) => o.field)}::text[],
                 ${named.map((o) => o.value)}::text[], ${named.map((o) => o.changedAt)}::bigint[])
          as t (record_id, field, value, changed_at)
    where o.workspace_id = ${trx.workspaceId} and o.connection_id = ${connectionId} and o.record_id = t.record_id
      and o.field = t.field and o.value = t.value and o.changed_at = t.changed_at`.execute(trx);
}

/** What looks found of these records and no webhook has told: `<record> <field> <value>`. */
export async function scannedOccurrences(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ recordId: string; field: string; value: string }>`
    select record_id as "recordId", field, value from occurrences
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${recordIds}::text[]) and scanned`.execute(trx);
  return new Set(rows.map(({ recordId, field, value }) => `${recordId} ${field} ${value}`));
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

export type ListedOccurrence = Omit<Occurrence, 'connectionId' | 'scanned'> & {
  readonly seenAt: number;
  /** Where it stands among those of one instant. */
  readonly digest: string;
};
export type OccurrenceKey = readonly [seenAt: number, changedAt: number, digest: string];

/** Newest first: by when they were seen. */
export async function listOccurrences(
  trx: WorkspaceTransaction,
  connectionId: string,
  { limit, after }: Page<OccurrenceKey>,
): Promise<ListedOccurrence[]> {
  const digest = sql`md5(record_id || ' ' || field || ' ' || value)`;
  const [seenAt, changedAt, before] = after ?? [];
  const { rows } = await sql<ListedOccurrence>`
    select record_id as "recordId", field, value, changed_at as "changedAt", changed_by as "changedBy",
           seen_at as "seenAt", ${digest} as digest
    from occurrences where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      ${seenAt === undefined ? sql`` : sql`and (seen_at, changed_at, ${digest}) < (${seenAt}::bigint, ${changedAt}::bigint, ${before}::text)`}
    order by seen_at desc, changed_at desc, digest desc limit ${limit}`.execute(trx);
  return rows;
}

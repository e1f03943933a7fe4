import { sql } from 'kysely';
import type { KeptLink } from '../corrections/member-links.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** Links of contacts that are joined, or parted again, in all connections. */

export interface ConnectionLink extends KeptLink {
  readonly connectionId: string;
  readonly contactId: string;
}

const tables = { current: 'crm_links', beforeJoin: 'links_before_joins' } as const;
const columns = sql.raw(
  `connection_id as "connectionId", contact_id as "contactId", record_id as "recordId", is_primary as "primary",
   decided_by as reason,
   parted_at as "partedAt", created_at as "createdAt"`,
);

/** `current`: as they are; `beforeJoin`: what each joined contact had by itself. */
export async function linksOfJoined(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<Readonly<Record<keyof typeof tables, readonly ConnectionLink[]>>> {
  const of = async (table: string): Promise<ConnectionLink[]> => {
    const { rows } = await sql<ConnectionLink>`
      select ${columns} from ${sql.table(table)}
      where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])
      order by connection_id, contact_id, record_id for update`.execute(trx);
    return rows;
  };
  return { current: await of(tables.current), beforeJoin: await of(tables.beforeJoin) };
}

/** Makes these all the links of these contacts. */
export async function saveJoinedLinks(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  links: Readonly<Record<keyof typeof tables, readonly ConnectionLink[]>>,
): Promise<void> {
  for (const [kind, table] of Object.entries(tables) as [keyof typeof tables, string][]) {
    await sql`delete from ${sql.table(table)}
              where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])`.execute(
      trx,
    );
    const rows = links[kind];
    if (rows.length === 0) continue;
    await sql`
      insert into ${sql.table(table)} (workspace_id, connection_id, contact_id, record_id, is_primary, decided_by, parted_at,
                                       created_at)
      select ${trx.workspaceId}::uuid, * from unnest(
        ${rows.map((row) => row.connectionId)}::uuid[], ${rows.map((row) => row.contactId)}::uuid[],
        ${rows.map((row) => row.recordId)}::text[], ${rows.map((row) => row.primary)}::bool[],
        ${rows.map((row) => row.reason)}::text[], ${rows.map((row) => row.partedAt)}::bigint[],
        ${rows.map((row) => row.createdAt)}::bigint[])`.execute(trx);
  }
}

/** Which of these contacts, or of those joined into them, records were made for: their key says so. */
export async function madeFor(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
  contactIds: readonly string[],
): Promise<{ readonly recordId: string; readonly contactId: string; readonly survivorId: string }[]> {
  const { rows } = await sql<{ recordId: string; contactId: string; survivorId: string }>`
    select r.record_id as "recordId", c.contact_id as "contactId",
           coalesce(c.merged_into, c.contact_id) as "survivorId"
    from contacts c
    left join crm_creations x on x.workspace_id = ${trx.workspaceId} and x.connection_id = ${connectionId}
                             and x.contact_id = c.contact_id
    join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId}
                      and r.record_id = any(${recordIds}::text[])
                      and r.key_contact_id in (c.contact_id::text, x.key_contact_id::text)
    where c.workspace_id = ${trx.workspaceId}
      and (c.contact_id = any(${contactIds}::uuid[]) or c.merged_into = any(${contactIds}::uuid[]))`.execute(
    trx,
  );
  return rows;
}

/** Contacts with several primary records that stand. */
export async function severalPrimaries(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<{ readonly connectionId: string; readonly contactId: string; readonly recordIds: string[] }[]> {
  const { rows } = await sql<{ connectionId: string; contactId: string; recordIds: string[] }>`
    select l.connection_id as "connectionId", l.contact_id as "contactId", array_agg(l.record_id) as "recordIds"
    from crm_links l
    left join crm_records r on r.workspace_id = l.workspace_id and r.connection_id = l.connection_id
                           and r.record_id = l.record_id
    where l.workspace_id = ${trx.workspaceId} and l.contact_id = any(${contactIds}::uuid[])
      and l.is_primary and l.parted_at is null and r.gone is null
    group by l.connection_id, l.contact_id having count(*) > 1`.execute(trx);
  return rows;
}

/**
 * Leaves each of these contacts one primary record: that of the lowest rank, of those the oldest. One that is no more makes way for one
 * that is, however young; a lead for a contact.
 */
export async function keepOnePrimary(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<void> {
  await sql`
    with primaries as (
      select l.connection_id, l.contact_id, l.record_id,
             row_number() over (partition by l.connection_id, l.contact_id
                                order by l.parted_at is not null, r.gone is not null, coalesce(r.rank, 0),
                                         l.created_at, l.record_id) as place
      from crm_links l
      left join crm_records r on r.workspace_id = l.workspace_id and r.connection_id = l.connection_id
                             and r.record_id = l.record_id
      where l.workspace_id = ${trx.workspaceId} and l.contact_id = any(${contactIds}::uuid[]) and l.is_primary)
    update crm_links l set is_primary = false
    from primaries
    where l.workspace_id = ${trx.workspaceId} and l.connection_id = primaries.connection_id
      and l.contact_id = primaries.contact_id and l.record_id = primaries.record_id and primaries.place > 1`.execute(
    trx,
  );
}

import { sql } from 'kysely';
import type { Founding } from './contacts.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** The contact behind an id that may have been joined into another, or behind an identity as it stands now. */
export async function findContact(
  trx: WorkspaceTransaction,
  by: { contactId: string } | { value: string },
): Promise<string | undefined> {
  const { rows } =
    'contactId' in by
      ? await sql<{ contactId: string }>`
          select coalesce(merged_into, contact_id) as "contactId" from contacts
          where workspace_id = ${trx.workspaceId} and contact_id = ${by.contactId}`.execute(trx)
      : await sql<{ contactId: string }>`
          select contact_id as "contactId" from identities
          where workspace_id = ${trx.workspaceId} and value = ${by.value} and contact_id is not null
          order by since desc limit 1`.execute(trx);
  return rows[0]?.contactId;
}

/** The contacts behind these ids, which may have been joined into others. */
export async function findContacts(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ asked: string; contactId: string }>`
    select contact_id as asked, coalesce(merged_into, contact_id) as "contactId" from contacts
    where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])`.execute(trx);
  return new Map(rows.map(({ asked, contactId }) => [asked, contactId]));
}

/**
 * An id at a time when it was this contact's: by what it was founded, else what else it was known by, BSUIDs first. Null: it
 * is known by nothing. Undefined: there is no such contact.
 */
export async function identityOf(
  trx: WorkspaceTransaction,
  contactId: string,
): Promise<Founding | null | undefined> {
  const { rows } = await sql<{ value: string | null; at: number }>`
    select held.value, case when held.founding then c.founded_at else held.since end as at
    from contacts c
    left join lateral (
      select i.value, i.since,
             i.value = c.founded_by and not exists (
               select 1 from identities other
               where other.workspace_id = ${trx.workspaceId} and other.value = i.value and other.since > i.since
                 and other.since <= c.founded_at)
             and (i.since <= c.founded_at) as founding
      from identities i
      where i.workspace_id = ${trx.workspaceId} and i.contact_id = coalesce(c.merged_into, c.contact_id)
    ) held on true
    where c.workspace_id = ${trx.workspaceId} and c.contact_id = ${contactId}
    order by held.founding desc nulls last, held.value like '+%', held.since desc, held.value
    limit 1`.execute(trx);
  const [row] = rows;
  if (row === undefined) return undefined;
  return row.value === null ? null : { value: row.value, at: row.at };
}

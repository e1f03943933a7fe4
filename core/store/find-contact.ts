import { sql } from 'kysely';
import type { WorkspaceTransaction } from './store.ts';

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

/** What a contact is known by now: what founded it first, of the others BSUIDs. Undefined: there is no such contact. */
export async function contactIdentities(
  trx: WorkspaceTransaction,
  contactId: string,
): Promise<string[] | undefined> {
  const survivor = await findContact(trx, { contactId });
  if (survivor === undefined) return undefined;
  const { rows } = await sql<{ value: string }>`
    select i.value from identities i
    join contacts c on c.workspace_id = ${trx.workspaceId} and c.contact_id = ${contactId}
    where i.workspace_id = ${trx.workspaceId} and i.contact_id = ${survivor}
      and not exists (select 1 from identities later where later.workspace_id = ${trx.workspaceId}
                        and later.value = i.value and later.since > i.since)
    order by i.value is distinct from c.founded_by, i.value like '+%', i.value`.execute(trx);
  return rows.map(({ value }) => value);
}

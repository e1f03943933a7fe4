import { sql } from 'kysely';
import type { WorkspaceTransaction } from '../store.ts';

/**
 * People lock before marks and records, in one order: erasing waits for whoever is about to remember something of them, and
 * whoever comes after it finds them gone.
 */

/** Of these contacts those who were not erased, held until this transaction ends. */
export async function standingContacts(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (contactIds.length === 0) return new Set();
  const { rows } = await sql<{ contactId: string }>`
    select contact_id as "contactId" from contacts
    where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])
    order by contact_id for key share`.execute(trx);
  return new Set(rows.map(({ contactId }) => contactId));
}

/** As `standingContacts`, and of these records those that somebody is tied to, who is held too. */
export async function standingContactsAndTied(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactIds: readonly string[],
  recordIds: readonly string[],
): Promise<{ readonly here: ReadonlySet<string>; readonly tied: ReadonlySet<string> }> {
  if (contactIds.length + recordIds.length === 0) return { here: new Set(), tied: new Set() };
  const { rows } = await sql<{ contactId: string; recordId: string | null }>`
    with named as materialized (
      select contact_id, null as record_id from unnest(${contactIds}::uuid[]) as t (contact_id)
      union
      select contact_id, record_id from crm_links
      where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
        and record_id = any(${recordIds}::text[]))
    select c.contact_id as "contactId", n.record_id as "recordId"
    from named n join contacts c on c.workspace_id = ${trx.workspaceId} and c.contact_id = n.contact_id
    order by c.contact_id for key share of c`.execute(trx);
  return {
    here: new Set(rows.map(({ contactId }) => contactId)),
    tied: new Set(rows.flatMap(({ recordId }) => recordId ?? [])),
  };
}

/** Holds people who are to be erased: whoever holds them to remember something of them ends first. */
export async function lockToErase(trx: WorkspaceTransaction, contactIds: readonly string[]): Promise<void> {
  await sql`
    select 1 from contacts where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])
    order by contact_id for update`.execute(trx);
}

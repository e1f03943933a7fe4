import { sql } from 'kysely';
import type { WorkspaceTransaction } from '../transaction.ts';

/**
 * Holds contacts until this transaction ends, before anybody looks for their primary record: of two who give one at the same
 * time the second sees the first's.
 */
export async function holdContacts(trx: WorkspaceTransaction, contactIds: readonly string[]): Promise<void> {
  if (contactIds.length === 0) return;
  await sql`
    select 1 from contacts where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])
    order by contact_id for no key update`.execute(trx);
}

/**
 * Holds all of whom what is to be remembered of records may give one: who is named, who is tied to one, and whose phone one
 * holds. To be called before marks and records are touched, as whoever applies events touches people first.
 */
export async function holdContactsOf(
  trx: WorkspaceTransaction,
  connectionId: string,
  {
    contactIds,
    recordIds,
    phones,
  }: {
    readonly contactIds: readonly string[];
    readonly recordIds: readonly string[];
    /** As `identities` have them. */
    readonly phones: readonly string[];
  },
): Promise<void> {
  if (contactIds.length + recordIds.length + phones.length === 0) return;
  const { rows } = await sql<{ contactId: string }>`
    select contact_id as "contactId" from unnest(${contactIds}::uuid[]) as t (contact_id)
    union
    select contact_id from crm_links
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and record_id = any(${recordIds}::text[])
    union
    select contact_id from identities
    where workspace_id = ${trx.workspaceId} and value = any(${phones}::text[]) and contact_id is not null`.execute(
    trx,
  );
  await holdContacts(
    trx,
    rows.map(({ contactId }) => contactId),
  );
}

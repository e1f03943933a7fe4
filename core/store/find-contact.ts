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

import { sql } from 'kysely';
import type { WorkspaceTransaction } from './store.ts';

/** Of these contacts those who were not erased. They stay until this transaction ends. */
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

/** Of these records those that somebody is tied to. They stay until this transaction ends. */
export async function recordsOfSomebody(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (recordIds.length === 0) return new Set();
  const { rows } = await sql<{ recordId: string }>`
    select l.record_id as "recordId" from crm_links l
    join contacts c on c.workspace_id = ${trx.workspaceId} and c.contact_id = l.contact_id
    where l.workspace_id = ${trx.workspaceId} and l.connection_id = ${connectionId}
      and l.record_id = any(${recordIds}::text[])
    order by c.contact_id for key share of c`.execute(trx);
  return new Set(rows.map(({ recordId }) => recordId));
}

/** Whoever is about to remember something of these people ends first, or finds them gone. */
export async function takeLeave(trx: WorkspaceTransaction, contactIds: readonly string[]): Promise<void> {
  await sql`
    select 1 from contacts where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])
    order by contact_id for update`.execute(trx);
}

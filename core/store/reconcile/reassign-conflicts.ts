import { sql } from 'kysely';
import { closeConflict, type Conflict, openConflicts } from '../corrections/attention.ts';
import type { WorkspaceTransaction } from '../store.ts';

type Open = Pick<
  Conflict,
  'conflictId' | 'connectionId' | 'kind' | 'contactId' | 'recordIds' | 'explanation'
>;

/**
 * These contacts were one and are several again. That one person has records which are several people's by now is no
 * conflict any more; another goes to whose record it is about. To be called after their links were shared out.
 */
export async function reassignConflicts(
  trx: WorkspaceTransaction,
  contacts: readonly { readonly contactId: string; readonly after: string }[],
  now: number,
): Promise<void> {
  if (contacts.length === 0) return;
  const standsFor = new Map(contacts.map(({ contactId, after }) => [contactId, after]));
  const { rows: conflicts } = await sql<Open>`
    select conflict_id as "conflictId", connection_id as "connectionId", kind, contact_id as "contactId",
           record_ids as "recordIds", explanation
    from conflicts
    where workspace_id = ${trx.workspaceId} and state = 'open' and contact_id = any(${[...standsFor.keys()]}::uuid[])
    order by conflict_id for update`.execute(trx);
  const { rows: links } = await sql<{
    contactId: string;
    connectionId: string;
    recordId: string;
    primary: boolean;
  }>`
    select contact_id as "contactId", connection_id as "connectionId", record_id as "recordId",
           is_primary as "primary" from crm_links
    where workspace_id = ${trx.workspaceId} and contact_id = any(${[...new Set(standsFor.values())]}::uuid[])
      and parted_at is null`.execute(trx);
  const moved: Parameters<typeof openConflicts>[1][number][] = [];
  for (const { conflictId, connectionId, contactId, recordIds, ...conflict } of conflicts) {
    if (connectionId === null || contactId === null) continue;
    const about = links.filter(
      (link) => link.connectionId === connectionId && recordIds.includes(link.recordId),
    );
    const withPrimary = new Set(about.flatMap((link) => (link.primary ? [link.contactId] : [])));
    const holder = standsFor.get(contactId) ?? contactId;
    const [only = holder, ...others] = withPrimary;
    const theirs = recordIds.filter((recordId) =>
      about.some((link) => link.contactId === only && link.recordId === recordId),
    );
    const isOne =
      others.length === 0 && (conflict.kind !== 'two records' || theirs.length === recordIds.length);
    if (isOne && only === holder) continue;
    const why = isOne
      ? 'it is about another contact, and is shown as theirs'
      : 'the contacts were taken apart, and the records are not one person’s';
    await closeConflict(trx, conflictId, why, now);
    if (isOne) moved.push({ ...conflict, connectionId, contactId: only, recordIds });
  }
  await openConflicts(trx, moved, now);
}

import { type RawBuilder, sql } from 'kysely';
import { subjectOfRecord, twinsPrefix } from './mark-subjects.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/**
 * What a connection's mode lets be written: in shadow nothing, in test what is of people whose phone now is a listed one. The
 * rest waits for another mode, and nothing waits for it.
 */

/** Of connection `c`: whether mark `w` may be written. */
export const mayWriteMark = (trx: WorkspaceTransaction): RawBuilder<unknown> => sql`
  (c.mode = 'live' or c.mode = 'test'
     and w.subject in (${subjectsOfHolders(trx, sql`c.connection_id`, sql`c.test_phones`)}))`;

/** Of connection `c`: whether timeline entry `w` may be written. */
export const mayWriteEntry = (trx: WorkspaceTransaction): RawBuilder<unknown> => sql`
  (c.timeline_blocked_reason is null
   and (c.mode = 'live' or c.mode = 'test' and w.contact_id in (${holdersOf(trx, sql`c.test_phones`)})))`;

/** Subjects of people who hold one of these phones. */
export async function subjectsOfPhones(
  trx: WorkspaceTransaction,
  connectionId: string,
  phones: readonly string[],
): Promise<string[]> {
  const { rows } = await sql<{ subject: string }>`
    ${subjectsOfHolders(trx, sql`${connectionId}`, sql`${phones}::text[]`)}`.execute(trx);
  return rows.map(({ subject }) => subject);
}

/** Contacts who hold one of these phones. */
export async function contactsOfPhones(
  trx: WorkspaceTransaction,
  phones: readonly string[],
): Promise<string[]> {
  const { rows } = await sql<{ contactId: string }>`
    select distinct contact_id as "contactId" from (${holdersOf(trx, sql`${phones}::text[]`)}) known`.execute(
    trx,
  );
  return rows.map(({ contactId }) => contactId);
}

/** Not who held it before: a number changes hands. */
const holdersOf = ({ workspaceId }: WorkspaceTransaction, phones: RawBuilder<unknown>) => sql`
  select i.contact_id from identities i
  where i.workspace_id = ${workspaceId} and i.value = any(${phones}) and i.contact_id is not null
    and not exists (select 1 from identities later
                    where later.workspace_id = i.workspace_id and later.value = i.value and later.since > i.since)`;

/** A record that only carries such a phone and is somebody else's is written when theirs is listed. */
const subjectsOfHolders = (
  trx: WorkspaceTransaction,
  connectionId: RawBuilder<unknown>,
  phones: RawBuilder<unknown>,
) => sql`
  select t.kind || k.contact_id::text as subject from (${holdersOf(trx, phones)}) k
  cross join (values ('contact:'), (${twinsPrefix}::text)) as t (kind)
  union
  select ${subjectOfRecord('')}::text || l.record_id from (${holdersOf(trx, phones)}) k
  join crm_links l on l.workspace_id = ${trx.workspaceId} and l.connection_id = ${connectionId}
                  and l.contact_id = k.contact_id and l.parted_at is null
  where l.is_primary or not exists (select 1 from crm_links other
                              where other.workspace_id = l.workspace_id and other.connection_id = l.connection_id
                                and other.record_id = l.record_id and other.is_primary and other.parted_at is null)`;

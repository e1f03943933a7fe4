import { type RawBuilder, sql } from 'kysely';
import { subjectOfRecord, twinsPrefix } from '../reconcile/mark-subjects.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/**
 * What waits to be written to a connection, as everybody sees it who takes, counts or waits for it: `w` is what waits, `c` the
 * connection. What its mode does not let be written waits for another mode, and nothing waits for it: in shadow that is
 * all, in test what is not of people whose phone now is a listed one.
 */

/** Marks of records; those held for a person wait for that person. */
export const marksWaiting = (
  trx: WorkspaceTransaction,
  connectionId: RawBuilder<unknown>,
): RawBuilder<unknown> => sql`
  from dirty_records w join crm_connections c using (workspace_id, connection_id)
  where w.workspace_id = ${trx.workspaceId} and w.connection_id = ${connectionId} and w.held is null
    and (c.mode = 'live' or c.mode = 'test' and w.subject in (${listedSubjects(trx, connectionId)}))`;

/** Entries of timelines, unless a right lacks for these. */
export const entriesWaiting = (
  trx: WorkspaceTransaction,
  connectionId: RawBuilder<unknown>,
): RawBuilder<unknown> => sql`
  from timeline_entries w
  join crm_connections c using (workspace_id, connection_id)
  join crm_call_states s using (workspace_id, connection_id)
  where w.workspace_id = ${trx.workspaceId} and w.connection_id = ${connectionId} and w.due_at is not null
    and s.timeline_blocked_reason is null
    and (c.mode = 'live' or c.mode = 'test' and w.contact_id in (${listedContacts(trx, connectionId)}))`;

/** Of what waits: its time has come, and nobody has it. */
export const isReady = (now: number): RawBuilder<unknown> => sql`
  w.due_at <= ${now} and (w.leased_until is null or w.leased_until < ${now})`;

/** Whose phone is listed now, not who held it before: a number changes hands. */
const listedContacts = ({ workspaceId }: WorkspaceTransaction, connectionId: RawBuilder<unknown>) => sql`
  select i.contact_id from identities i
  where i.workspace_id = ${workspaceId} and i.contact_id is not null
    and i.value = any((select listed.test_phones from crm_connections listed
                       where listed.workspace_id = ${workspaceId}
                         and listed.connection_id = ${connectionId})::text[])
    and not exists (select 1 from identities later
                    where later.workspace_id = ${workspaceId} and later.value = i.value and later.since > i.since)`;

/** A record that only carries such a phone and is somebody else's is written when theirs is listed. */
const listedSubjects = (trx: WorkspaceTransaction, connectionId: RawBuilder<unknown>) => sql`
  select t.kind || k.contact_id::text as subject from (${listedContacts(trx, connectionId)}) k
  cross join (values ('contact:'), (${twinsPrefix}::text)) as t (kind)
  union
  select ${subjectOfRecord('')}::text || l.record_id from (${listedContacts(trx, connectionId)}) k
  join crm_links l on l.workspace_id = ${trx.workspaceId} and l.connection_id = ${connectionId}
                  and l.contact_id = k.contact_id and l.parted_at is null
  where l.is_primary or not exists (select 1 from crm_links other
                              where other.workspace_id = ${trx.workspaceId} and other.connection_id = l.connection_id
                                and other.record_id = l.record_id and other.is_primary and other.parted_at is null)`;

import { type RawBuilder, sql } from 'kysely';
import type { ConnectionRow } from '../accounts/connections.ts';
import { subjectOfRecord, twinsPrefix } from '../reconcile/mark-subjects.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/**
 * What waits to be written to a connection, `w`, as everybody sees it who takes, counts or waits for it. What its mode does
 * not let be written waits for another mode, and nothing waits for it: in shadow that is all, in test what is not of people
 * whose phone now is a listed one.
 */

/** What of a connection decides what is written to it: read before, so that a statement looks only where something may wait. */
export type WritingTo = Pick<ConnectionRow, 'connectionId' | 'mode' | 'testPhones' | 'timelineBlockedReason'>;

/** It, read from connection `c` and how its calls fare, `s`. */
export const writingColumns = sql.raw(
  'c.connection_id as "connectionId", c.mode, c.test_phones as "testPhones", s.timeline_blocked_reason as "timelineBlockedReason"',
);

export async function writingTo(
  trx: WorkspaceTransaction,
  connectionId: string,
): Promise<WritingTo | undefined> {
  const { rows } = await sql<WritingTo>`
    select ${writingColumns}
    from crm_connections c join crm_call_states s using (workspace_id, connection_id)
    where c.workspace_id = ${trx.workspaceId} and c.connection_id = ${connectionId}`.execute(trx);
  return rows[0];
}

/** Marks of records; those held for a person wait for that person. */
export const marksWaiting = (trx: WorkspaceTransaction, to: WritingTo): RawBuilder<unknown> => sql`
  from dirty_records w
  where w.workspace_id = ${trx.workspaceId} and w.connection_id = ${to.connectionId}::uuid and w.held is null
    and ${byMode(to, sql`w.subject`, () => listedSubjects(trx, to))}`;

/** Entries of timelines, unless a right lacks for these. */
export const entriesWaiting = (trx: WorkspaceTransaction, to: WritingTo): RawBuilder<unknown> => sql`
  from timeline_entries w
  where w.workspace_id = ${trx.workspaceId} and w.connection_id = ${to.connectionId}::uuid and w.due_at is not null
    and ${to.timelineBlockedReason === null} and ${byMode(to, sql`w.contact_id`, () => listedContacts(trx, to))}`;

/** Of what waits: its time has come, and nobody has it. */
export const isReady = (now: number): RawBuilder<unknown> => sql`
  w.due_at <= ${now} and (w.leased_until is null or w.leased_until < ${now})`;

/** In test what is listed is found first, and by it what waits: as few rows, however many others wait. */
function byMode(
  { mode }: WritingTo,
  key: RawBuilder<unknown>,
  listed: () => RawBuilder<unknown>,
): RawBuilder<unknown> {
  if (mode === 'test') return sql`${key} = any(array(${listed()}))`;
  return mode === 'live' ? sql`true` : sql`false`;
}

/** Whose phone is listed now, not who held it before: a number changes hands. */
const listedContacts = ({ workspaceId }: WorkspaceTransaction, { testPhones }: WritingTo) => sql`
  select i.contact_id from identities i
  where i.workspace_id = ${workspaceId} and i.contact_id is not null and i.value = any(${testPhones}::text[])
    and not exists (select 1 from identities later
                    where later.workspace_id = ${workspaceId} and later.value = i.value and later.since > i.since)`;

/** A record that only carries such a phone and is somebody else's is written when theirs is listed. */
const listedSubjects = (trx: WorkspaceTransaction, to: WritingTo) => sql`
  select t.kind || k.contact_id::text as subject from (${listedContacts(trx, to)}) k
  cross join (values ('contact:'), (${twinsPrefix}::text)) as t (kind)
  union
  select ${subjectOfRecord('')}::text || l.record_id from (${listedContacts(trx, to)}) k
  join crm_links l on l.workspace_id = ${trx.workspaceId} and l.connection_id = ${to.connectionId}::uuid
                  and l.contact_id = k.contact_id and l.parted_at is null
  where l.is_primary or not exists (select 1 from crm_links other
                              where other.workspace_id = ${trx.workspaceId} and other.connection_id = l.connection_id
                                and other.record_id = l.record_id and other.is_primary and other.parted_at is null)`;

import { sql } from 'kysely';
import type { Founding } from './contacts.ts';
import { addCounts } from '../counts.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** Which contact stands for which: contacts that turn out to be one person, or to be several again. */

/** A contact, or one that was joined into it. */
export interface JoinedContact {
  readonly contactId: string;
  /** The one that stands for it; itself, where it stands. */
  readonly survivorId: string;
  /** Null: not known any more. */
  readonly founding: Founding | null;
}

/** These contacts and all that were joined into them. */
export async function withJoined(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<JoinedContact[]> {
  const { rows } = await sql<{ contactId: string; survivorId: string; value: string | null; at: number }>`
    select contact_id as "contactId", coalesce(merged_into, contact_id) as "survivorId", founded_by as value,
           coalesce(founded_at, 0) as at
    from contacts
    where workspace_id = ${trx.workspaceId}
      and (contact_id = any(${contactIds}::uuid[]) or merged_into = any(${contactIds}::uuid[]))
    order by contact_id`.execute(trx);
  return rows.map(({ contactId, survivorId, value, at }) => ({
    contactId,
    survivorId,
    founding: value === null ? null : { value, at },
  }));
}

/** Says which contacts stand for these from now on, themselves included. */
export async function saveSurvivors(
  trx: WorkspaceTransaction,
  contacts: readonly { readonly contactId: string; readonly survivorId: string }[],
): Promise<void> {
  await sql`
    update contacts c set merged_into = nullif(t.survivor, c.contact_id)
    from unnest(${contacts.map(({ contactId }) => contactId)}::uuid[],
                ${contacts.map(({ survivorId }) => survivorId)}::uuid[]) as t (contact_id, survivor)
    where c.workspace_id = ${trx.workspaceId} and c.contact_id = t.contact_id`.execute(trx);
}

/**
 * Forgets what waited for contacts that are no more, or are others than they were. What a CRM refused of them is no one's to
 * replay: it is written anew.
 */
export async function forgetWaiting(
  trx: WorkspaceTransaction,
  { gone, regrouped }: { readonly gone: readonly string[]; readonly regrouped: readonly string[] },
): Promise<void> {
  await sql`
    delete from conversations
    where workspace_id = ${trx.workspaceId} and contact_id = any(${gone}::uuid[])`.execute(trx);
  await sql`
    delete from dead_letters
    where workspace_id = ${trx.workspaceId} and contact_id = any(${regrouped}::uuid[])`.execute(trx);
  const { rows: unmarked } = await sql<{ connectionId: string; markedAt: number }>`
    delete from dirty_records
    where workspace_id = ${trx.workspaceId} and contact_id = any(${gone}::uuid[])
    returning connection_id as "connectionId", marked_at as "markedAt"`.execute(trx);
  await addCounts(
    trx,
    unmarked.map(({ connectionId, markedAt }) => ({
      name: 'left alone',
      at: markedAt,
      count: 1,
      connectionId,
    })),
  );
}

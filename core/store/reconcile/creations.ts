import { sql } from 'kysely';
import type { WorkspaceTransaction } from '../store.ts';

/** A record made, or about to be made, for a contact: decided once. */
export interface Creation {
  readonly contactId: string;
  /** What the new record holds in our unique field. */
  readonly key: string;
  readonly ownerId: string | null;
}

/** Creations of these contacts, and of those that were joined into them. */
export async function creationsOf(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactIds: readonly string[],
): Promise<(Creation & { readonly decidedFor: string })[]> {
  const { rows } = await sql<Creation & { decidedFor: string }>`
    select coalesce(c.merged_into, c.contact_id) as "contactId", c.contact_id as "decidedFor", x.key_contact_id as key,
           x.owner_id as "ownerId"
    from contacts c
    join crm_creations x on x.workspace_id = ${trx.workspaceId} and x.connection_id = ${connectionId}
                        and x.contact_id = c.contact_id
    where c.workspace_id = ${trx.workspaceId}
      and (c.contact_id = any(${contactIds}::uuid[]) or c.merged_into = any(${contactIds}::uuid[]))`.execute(
    trx,
  );
  return rows;
}

/**
 * Of these records those that hold the id of somebody whose primary record it is not, and who has another that stands: what
 * is left of a decision that was undone, for one.
 */
export async function recordsWithKeyOfOthers(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (recordIds.length === 0) return new Set();
  const { rows } = await sql<{ recordId: string }>`
    select r.record_id as "recordId" from crm_records r
    left join crm_creations x on x.workspace_id = ${trx.workspaceId} and x.connection_id = ${connectionId}
                             and x.key_contact_id::text = r.key_contact_id
    join contacts c on c.workspace_id = ${trx.workspaceId} and c.merged_into is null
                   and c.contact_id::text = coalesce(x.contact_id::text, r.key_contact_id)
    join crm_links h on h.workspace_id = ${trx.workspaceId} and h.connection_id = ${connectionId}
                    and h.contact_id = c.contact_id and h.is_primary and h.parted_at is null and h.record_id <> r.record_id
    left join crm_records s on s.workspace_id = ${trx.workspaceId} and s.connection_id = ${connectionId}
                           and s.record_id = h.record_id
    where r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId}
      and r.record_id = any(${recordIds}::text[]) and s.gone is null`.execute(trx);
  return new Set(rows.map(({ recordId }) => recordId));
}

/** Decides, or decides anew where a deleted record keeps the key that was. */
export async function decideCreations(
  trx: WorkspaceTransaction,
  connectionId: string,
  creations: readonly Creation[],
  now: number,
): Promise<void> {
  if (creations.length === 0) return;
  await sql`
    insert into crm_creations (workspace_id, connection_id, contact_id, key_contact_id, owner_id, decided_at)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, contact_id, key, owner_id, ${now}
    from unnest(${creations.map((c) => c.contactId)}::uuid[], ${creations.map((c) => c.key)}::uuid[],
                ${creations.map((c) => c.ownerId)}::text[]) as t (contact_id, key, owner_id)
    on conflict (workspace_id, connection_id, contact_id) do update set
      key_contact_id = excluded.key_contact_id`.execute(trx);
}

const hourMs = 60 * 60 * 1000;
const usualHours = 7 * 24;

/** Records created in the last hour, and in the usual hour of the week before. */
export async function creationPace(
  trx: WorkspaceTransaction,
  connectionId: string,
  now: number,
): Promise<{ readonly lastHour: number; readonly usualHour: number }> {
  const { rows } = await sql<{ lastHour: number; before: number }>`
    select coalesce(sum(count) filter (where quarter > ${now - hourMs}), 0)::int as "lastHour",
           coalesce(sum(count) filter (where quarter <= ${now - hourMs}), 0)::int as before
    from counts
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and name = 'created'
      and quarter > ${now - usualHours * hourMs}`.execute(trx);
  return { lastHour: rows[0]?.lastHour ?? 0, usualHour: (rows[0]?.before ?? 0) / (usualHours - 1) };
}

/** Takes so many turns of a round robin; returns the first one's number. */
export async function advanceOwnerRotation(
  trx: WorkspaceTransaction,
  connectionId: string,
  turns: number,
): Promise<number> {
  const { rows } = await sql<{ taken: number }>`
    update crm_connections set owner_turns = owner_turns + ${turns}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
    returning owner_turns as taken`.execute(trx);
  return (rows[0]?.taken ?? turns) - turns;
}

/** Numbers of our own people and connected channels, as they were entered: they never become leads. */
export async function ownNumbers(trx: WorkspaceTransaction): Promise<string[]> {
  const { rows } = await sql<{ number: string }>`
    select phone as number from members where workspace_id = ${trx.workspaceId} and phone is not null
    union
    select c.display_phone_number from channels c
    where c.workspace_id = ${trx.workspaceId} and exists (
      select 1 from directory_channels d
      where d.workspace_id = ${trx.workspaceId} and d.channel_id = c.channel_id and d.released_at is null)`.execute(
    trx,
  );
  return rows.map(({ number }) => number);
}

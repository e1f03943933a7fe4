import { sql } from 'kysely';
import type { WorkspaceTransaction } from './store.ts';

/** A contact some connection has to be told about. */
export interface DirtyContact {
  readonly contactId: string;
  readonly version: number;
  /** It was tried before and nobody knows how that ended: it may have been written. */
  readonly outcomeUnknown: boolean;
}

/** Marks contacts for every connection of the workspace. */
export async function markDirty(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  now: number,
): Promise<void> {
  if (contactIds.length === 0) return;
  await sql`
    insert into dirty_contacts as d (workspace_id, connection_id, contact_id, marked_at)
    select c.workspace_id, c.connection_id, t.contact_id, ${now}
    from crm_connections c cross join unnest(${contactIds.toSorted()}::uuid[]) as t (contact_id)
    where c.workspace_id = ${trx.workspaceId}
    order by c.connection_id, t.contact_id
    on conflict (workspace_id, connection_id, contact_id) do update set version = d.version + 1`.execute(trx);
}

/** Takes a batch for `leaseMs`; whoever dies holding it is overtaken when the lease ends. */
export async function leaseDirty(
  trx: WorkspaceTransaction,
  batch: { connectionId: string; lease: string; size: number; now: number; leaseMs: number },
): Promise<DirtyContact[]> {
  const { rows } = await sql<DirtyContact>`
    update dirty_contacts d set lease = ${batch.lease}, leased_until = ${batch.now + batch.leaseMs}
    from (select connection_id, contact_id, lease is not null as outcome_unknown from dirty_contacts
          where workspace_id = ${trx.workspaceId} and connection_id = ${batch.connectionId}
            and (leased_until is null or leased_until < ${batch.now})
          order by marked_at, contact_id limit ${batch.size} for update skip locked) mine
    where d.workspace_id = ${trx.workspaceId} and d.connection_id = mine.connection_id
      and d.contact_id = mine.contact_id
    returning d.contact_id as "contactId", d.version, mine.outcome_unknown as "outcomeUnknown"`.execute(trx);
  return rows;
}

/** Clears marks whose contact did not change while it was being written. What else the lease holds is given back. */
export async function settleDirty(
  trx: WorkspaceTransaction,
  batch: { connectionId: string; lease: string; settled: readonly DirtyContact[] },
): Promise<void> {
  await sql`
    delete from dirty_contacts d
    using unnest(${batch.settled.map((c) => c.contactId)}::uuid[], ${batch.settled.map((c) => c.version)}::int[])
          as t (contact_id, version)
    where d.workspace_id = ${trx.workspaceId} and d.connection_id = ${batch.connectionId}
      and d.contact_id = t.contact_id and d.version = t.version and d.lease = ${batch.lease}`.execute(trx);
  await sql`
    update dirty_contacts set lease = null, leased_until = null
    where workspace_id = ${trx.workspaceId} and connection_id = ${batch.connectionId}
      and lease = ${batch.lease}`.execute(trx);
}

/** Gives a batch back whose call failed. Its lease stays as the sign that nobody knows what became of it. */
export async function returnDirty(
  trx: WorkspaceTransaction,
  batch: { connectionId: string; lease: string },
): Promise<void> {
  await sql`
    update dirty_contacts set leased_until = null
    where workspace_id = ${trx.workspaceId} and connection_id = ${batch.connectionId}
      and lease = ${batch.lease}`.execute(trx);
}

import { sql } from 'kysely';
import { blobOf } from './blob.ts';
import type { WorkspaceTransaction } from './store.ts';

/** One installed CRM account, as the way out needs it. */
export interface ConnectionRow {
  readonly connectionId: string;
  readonly crm: string;
  readonly accessToken: Buffer | null;
  /** The workspace is a sandbox: it may only ever reach sandbox hosts. */
  readonly sandbox: boolean;
  /** Why nothing is written until an admin acts. */
  readonly blockedReason: string | null;
  readonly failedAttempts: number;
  readonly nextCallAt: number;
}

export async function connectionsOf(trx: WorkspaceTransaction): Promise<ConnectionRow[]> {
  const { rows } = await sql<ConnectionRow>`
    select c.connection_id as "connectionId", c.crm, c.access_token as "accessToken", w.sandbox,
           c.blocked_reason as "blockedReason", c.failed_attempts as "failedAttempts", c.next_call_at as "nextCallAt"
    from crm_connections c join workspaces w using (workspace_id)
    where c.workspace_id = ${trx.workspaceId}`.execute(trx);
  return rows;
}

/** Remembers how the last call to a connection went. */
export async function recordCall(
  trx: WorkspaceTransaction,
  connectionId: string,
  outcome: { failedAttempts: number; nextCallAt: number; blockedReason: string | null },
): Promise<void> {
  await sql`
    update crm_connections
    set failed_attempts = ${outcome.failedAttempts}, next_call_at = ${outcome.nextCallAt},
        blocked_reason = ${outcome.blockedReason}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
}

export interface LinkRow {
  readonly contactId: string;
  readonly recordId: string;
  /** The contact id the record carries in its unique field. */
  readonly writtenAs: string;
  /** What we last wrote into fields that others may change too: CRM field → value. */
  readonly base: Readonly<Record<string, string>>;
}

export async function linksOf(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactIds: readonly string[],
): Promise<LinkRow[]> {
  const { rows } = await sql<Omit<LinkRow, 'base'> & { base: Buffer }>`
    select contact_id as "contactId", record_id as "recordId", written_as as "writtenAs", base from crm_links
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and contact_id = any(${contactIds}::uuid[])`.execute(trx);
  return rows.map((row) => ({ ...row, base: JSON.parse(row.base.toString('utf8')) as LinkRow['base'] }));
}

/**
 * Ties contacts to the records that were written for them. A contact joined into another while its record was being
 * written is tied by its survivor.
 */
export async function saveLinks(
  trx: WorkspaceTransaction,
  connectionId: string,
  links: readonly LinkRow[],
  now: number,
): Promise<void> {
  if (links.length === 0) return;
  const bases = blobOf(links.map(({ base }) => Buffer.from(JSON.stringify(base), 'utf8')));
  await sql`
    insert into crm_links (workspace_id, connection_id, contact_id, record_id, written_as, base, created_at)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, coalesce(c.merged_into, t.contact_id), t.record_id,
           t.written_as, substr(${bases.bytes}::bytea, t.start, t.size), ${now}
    from unnest(${links.map((l) => l.contactId)}::uuid[], ${links.map((l) => l.recordId)}::text[],
                ${links.map((l) => l.writtenAs)}::uuid[], ${bases.starts}::int[], ${bases.sizes}::int[])
         as t (contact_id, record_id, written_as, start, size)
    join contacts c on c.workspace_id = ${trx.workspaceId} and c.contact_id = t.contact_id
    on conflict (workspace_id, connection_id, contact_id, record_id) do update set base = excluded.base`.execute(
    trx,
  );
}

/** Marks contacts dirty whose service window ended since the last look. */
export async function sweepWindows(trx: WorkspaceTransaction, now: number): Promise<void> {
  const { rows } = await sql<{ since: number }>`
    insert into window_sweeps as s (workspace_id, swept_until) values (${trx.workspaceId}, ${now})
    on conflict (workspace_id) do update set swept_until = greatest(s.swept_until, excluded.swept_until)
    returning coalesce((select old.swept_until from window_sweeps old where old.workspace_id = ${trx.workspaceId}),
                       ${now}) as since`.execute(trx);
  const since = rows[0]?.since ?? now;
  await sql`
    insert into dirty_contacts as d (workspace_id, connection_id, contact_id, marked_at)
    select c.workspace_id, c.connection_id, ended.contact_id, ${now}
    from crm_connections c cross join (
      select distinct contact_id from conversations
      where workspace_id = ${trx.workspaceId} and window_closes_at > ${since} and window_closes_at <= ${now}) ended
    where c.workspace_id = ${trx.workspaceId}
    order by c.connection_id, ended.contact_id
    on conflict (workspace_id, connection_id, contact_id) do update set version = d.version + 1`.execute(trx);
}

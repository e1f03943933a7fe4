import { sql } from 'kysely';
import type { CrmValues } from '../../crm/index.ts';
import { blobOf } from '../blob.ts';
import { fromJson, toJson } from '../json.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/** A deal of a person's record, as it was last seen. */
export interface DealRow {
  readonly dealId: string;
  readonly recordId: string;
  /** Of the fields that are followed: as they stood there. */
  readonly seen: CrmValues;
  /** The vendor's time of the newest change that is known of it. */
  readonly changedAt: number;
}

export async function dealsById(
  trx: WorkspaceTransaction,
  connectionId: string,
  dealIds: readonly string[],
): Promise<DealRow[]> {
  const { rows } = await sql<Omit<DealRow, 'seen'> & { seen: Buffer }>`
    select deal_id as "dealId", record_id as "recordId", seen, changed_at as "changedAt" from crm_deals
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and deal_id = any(${dealIds}::text[])`.execute(trx);
  return rows.map((row) => ({ ...row, seen: fromJson(row.seen) as CrmValues }));
}

/** Each once. What is known to be newer stays. */
export async function saveDeals(
  trx: WorkspaceTransaction,
  connectionId: string,
  deals: readonly DealRow[],
): Promise<void> {
  if (deals.length === 0) return;
  const sorted = deals.toSorted((x, y) => (x.dealId < y.dealId ? -1 : 1));
  const seen = blobOf(sorted.map((deal) => toJson(deal.seen)));
  await sql`
    insert into crm_deals as d (workspace_id, connection_id, deal_id, record_id, seen, changed_at)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, deal_id, record_id,
           substr(${seen.bytes}::bytea, start, size), changed_at
    from unnest(${sorted.map(({ dealId }) => dealId)}::text[], ${sorted.map(({ recordId }) => recordId)}::text[],
                ${seen.starts}::int[], ${seen.sizes}::int[], ${sorted.map(({ changedAt }) => changedAt)}::bigint[])
           as t (deal_id, record_id, start, size, changed_at)
    on conflict (workspace_id, connection_id, deal_id) do update set
      record_id = excluded.record_id, seen = excluded.seen, changed_at = excluded.changed_at
    where d.changed_at <= excluded.changed_at`.execute(trx);
}

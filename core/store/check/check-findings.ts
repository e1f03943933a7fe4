import { sql } from 'kysely';
import type { CrmValues } from '../../crm/index.ts';
import { fromJson } from '../json.ts';
import type { Page } from '../page.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** What a scan of a CRM account left in the index, and what stands out in it. */

/** What records show of their phones, as it stands in the CRM. */
export async function typedPhones(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const { rows } = await sql<{ recordId: string; field: string; typed: string }>`
    select record_id as "recordId", field, typed from crm_phones
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${recordIds}::text[])`.execute(trx);
  return new Map(
    [...Map.groupBy(rows, ({ recordId }) => recordId)].map(([recordId, ofRecord]) => [
      recordId,
      Object.fromEntries(ofRecord.map(({ field, typed }) => [field, typed])),
    ]),
  );
}

/** Phones that stand on several records. */
export async function sharedPhones(
  trx: WorkspaceTransaction,
  connectionId: string,
  most: number,
): Promise<{ readonly phone: string; readonly recordIds: string[] }[]> {
  const { rows } = await sql<{ phone: string; recordIds: string[] }>`
    select phone, array_agg(distinct record_id) as "recordIds" from crm_phones
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and phone is not null
    group by phone having count(distinct record_id) > 1
    order by phone limit ${most}`.execute(trx);
  return rows;
}

export interface UnreadablePhone {
  readonly recordId: string;
  readonly field: string;
  /** Which of several numbers in one field. */
  readonly part: number;
  readonly typed: string;
  readonly why: string;
}

export type PhoneKey = readonly [recordId: string, field: string, part: number];

export async function unreadablePhones(
  trx: WorkspaceTransaction,
  connectionId: string,
  { limit, after }: Page<PhoneKey>,
): Promise<UnreadablePhone[]> {
  const [recordId, field, part] = after ?? [];
  const { rows } = await sql<UnreadablePhone>`
    select record_id as "recordId", field, part, typed, unreadable as why from crm_phones
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and phone is null
      ${recordId === undefined ? sql`` : sql`and (record_id, field, part) > (${recordId}::text, ${field}::text, ${part}::bigint)`}
    order by record_id, field, part limit ${limit}`.execute(trx);
  return rows;
}

/** What was seen of records, whoever's they are. */
export async function seenValues(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, CrmValues>> {
  const { rows } = await sql<{ recordId: string; base: Buffer }>`
    select record_id as "recordId", base from crm_records
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${recordIds}::text[])`.execute(trx);
  return new Map(rows.map(({ recordId, base }) => [recordId, fromJson(base) as CrmValues]));
}

/** Records that hold the phone of somebody we know, with that contact. */
export async function knownPeople(
  trx: WorkspaceTransaction,
  connectionId: string,
  most: number,
): Promise<{ readonly recordId: string; readonly contactId: string }[]> {
  const { rows } = await sql<{ recordId: string; contactId: string }>`
    select distinct p.record_id as "recordId", i.contact_id as "contactId"
    from identities i
    join crm_phones p on p.workspace_id = ${trx.workspaceId} and p.phone = i.value and p.connection_id = ${connectionId}
    where i.workspace_id = ${trx.workspaceId} and i.contact_id is not null
      and not exists (select 1 from identities later where later.workspace_id = ${trx.workspaceId}
                        and later.value = i.value and later.since > i.since)
    order by 1 limit ${most}`.execute(trx);
  return rows;
}

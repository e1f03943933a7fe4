import { type RawBuilder, sql } from 'kysely';
import type { WorkspaceTransaction } from '../store.ts';
import { isOurNumber } from './stray-phones.ts';

/**
 * Primary records `l` of those who held a phone of these contacts, each by identity `mine`, before. Such a record stays
 * theirs though it may still hold the number.
 */
const earlierPrimaries = (
  { workspaceId }: WorkspaceTransaction,
  connectionId: string,
  contactIds: readonly string[],
): RawBuilder<unknown> => sql`
  identities mine
  join identities earlier on earlier.workspace_id = mine.workspace_id and earlier.value = mine.value
                         and earlier.since < mine.since and earlier.contact_id <> mine.contact_id
  join crm_links l on l.workspace_id = mine.workspace_id and l.connection_id = ${connectionId}
                  and l.contact_id = earlier.contact_id and l.is_primary and l.parted_at is null
  where mine.workspace_id = ${workspaceId} and mine.contact_id = any(${contactIds}::uuid[])
    and starts_with(mine.value, '+')`;

/**
 * Of a contact among these and a record: whether that is the primary record of somebody who held one of the contact's phones
 * before. Found once for all of these: asked of each by itself it would be found for the whole workspace.
 */
export const isEarlierHolders = (
  trx: WorkspaceTransaction,
  connectionId: string,
  contactIds: readonly string[],
  {
    contactId,
    recordId,
  }: { readonly contactId: RawBuilder<unknown>; readonly recordId: RawBuilder<unknown> },
): RawBuilder<boolean> => sql`
  ((${contactId}, ${recordId}) in (select mine.contact_id, l.record_id
                                   from ${earlierPrimaries(trx, connectionId, contactIds)}))`;

/** Who holds a phone now or held it once that was one of these contacts' before: an opt-out of theirs came with it. */
export async function laterHolders(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<string[]> {
  if (contactIds.length === 0) return [];
  const { rows } = await sql<{ contactId: string }>`
    select distinct later.contact_id as "contactId" from identities earlier
    join identities later on later.workspace_id = earlier.workspace_id and later.value = earlier.value
                         and later.since > earlier.since
    where earlier.workspace_id = ${trx.workspaceId} and earlier.contact_id = any(${contactIds}::uuid[])
      and starts_with(earlier.value, '+') and later.contact_id <> all(${contactIds}::uuid[])`.execute(trx);
  return rows.map(({ contactId }) => contactId);
}

/** The primary record of somebody who held one of the contact's phones before. */
export interface EarlierPrimary {
  readonly contactId: string;
  readonly recordId: string;
  /** It holds that phone, and we did not write it there. */
  readonly typed: boolean;
}

export async function primaryRecordsOfEarlierHolders(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactIds: readonly string[],
): Promise<EarlierPrimary[]> {
  if (contactIds.length === 0) return [];
  const { rows } = await sql<EarlierPhone>`
    with earlier as (
      select mine.contact_id, mine.value, l.record_id from ${earlierPrimaries(trx, connectionId, contactIds)})
    select e.contact_id as "contactId", e.record_id as "recordId", e.value as phone, p.field, p.typed,
           case when r.agreed and p.field = any(r.ours) then r.base end as base
    from earlier e
    left join crm_phones p on p.workspace_id = ${trx.workspaceId} and p.connection_id = ${connectionId}
                          and p.record_id = e.record_id and p.phone = e.value
    left join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId}
                           and r.record_id = e.record_id
    order by e.contact_id, e.record_id`.execute(trx);
  const isTyped = ({ phone, field, typed, base }: EarlierPhone): boolean =>
    field !== null && typed !== null && (base === null || !isOurNumber({ field, typed, phone }, base));
  const primaries = Map.groupBy(rows, ({ contactId, recordId }) => `${contactId} ${recordId}`);
  return [...primaries.values()].flatMap((phones) => {
    const [first] = phones;
    if (first === undefined) return [];
    return [{ contactId: first.contactId, recordId: first.recordId, typed: phones.some(isTyped) }];
  });
}

/** Of such a record: a phone its person held before, and where it still stands there. */
interface EarlierPhone {
  readonly contactId: string;
  readonly recordId: string;
  readonly phone: string;
  /** Null: it does not. */
  readonly field: string | null;
  readonly typed: string | null;
  /** Of a record on which we wrote that field. */
  readonly base: Buffer | null;
}

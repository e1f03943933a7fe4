import { type RawBuilder, sql } from 'kysely';
import type { CrmValues } from '../../crm/index.ts';
import { canonicalPhone } from '../../identity/index.ts';
import { ownNumberOf } from '../../mapping/index.ts';
import { typedPhone } from './crm-records.ts';
import { fromJson } from '../json.ts';
import type { WorkspaceTransaction } from '../store.ts';

/**
 * A phone we wrote on a record that is of people who stand, by a link or by our key, none of whom has it. It stands there
 * until it is put right, and says nothing of whose record that is. Of a list of phones that is the number of ours alone: those
 * people typed beside it are theirs.
 */
export interface StrayPhone {
  readonly connectionId: string;
  readonly recordId: string;
  readonly field: string;
  readonly phone: string;
}

/** Those among phones `p` of `crm_phones`, which are found first: of all there are, whose each is takes long to tell. */
async function strayPhones(trx: WorkspaceTransaction, among: RawBuilder<unknown>): Promise<StrayPhone[]> {
  const { workspaceId } = trx;
  const { rows } = await sql<StrayPhone & { typed: string; base: Buffer }>`
    with p as materialized (
      select p.connection_id, p.record_id, p.field, p.typed, p.phone from crm_phones p
      where p.workspace_id = ${workspaceId} and p.phone is not null and ${among})
    select p.connection_id as "connectionId", p.record_id as "recordId", p.field, p.phone, p.typed, w.base
    from p
    join crm_records w on w.workspace_id = ${workspaceId} and w.connection_id = p.connection_id
                      and w.record_id = p.record_id and p.field = any(w.ours)
    where (select bool_and(not exists (select 1 from identities i
                                       where i.workspace_id = ${workspaceId} and i.value = p.phone
                                         and i.contact_id = owner.contact_id))
           from (select l.contact_id from crm_links l
                 where l.workspace_id = ${workspaceId} and l.connection_id = p.connection_id
                   and l.record_id = w.record_id and l.is_primary and l.parted_at is null
                 union all
                 select coalesce(c.merged_into, c.contact_id) from contacts c
                 where c.workspace_id = ${workspaceId}
                   and c.contact_id = case when w.key_contact_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                                           then w.key_contact_id::uuid end) owner)`.execute(trx);
  return rows.flatMap(({ typed, base, ...stray }) => (isOurNumber({ ...stray, typed }, base) ? [stray] : []));
}

/**
 * Of a phone in a field we wrote: whether it is what we wrote there, as the record's base tells it. What stands there now may
 * be another's word, and of a list of phones one number is ours.
 */
export function isOurNumber(
  { field, typed, phone }: { readonly field: string; readonly typed: string; readonly phone: string },
  base: Buffer,
): boolean {
  const values = fromJson(base) as CrmValues;
  const written = values[field];
  const own = values[ownNumberOf(field)];
  return (
    written !== undefined && typedPhone(written) === typed && (own === undefined || isNumber(phone, own))
  );
}

/** Whether this is how we wrote the phone, with its country or without. */
function isNumber(phone: string, written: string): boolean {
  const digits = written.replace(/\D/g, '').replace(/^0+/, '');
  return digits !== '' && (phone.endsWith(digits) || canonicalPhone(digits) === phone);
}

/** Those on these records. */
export function strayPhonesOn(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<StrayPhone[]> {
  return strayPhones(trx, sql`p.connection_id = ${connectionId} and p.record_id = any(${recordIds}::text[])`);
}

/** Those that are phones of these contacts, in all connections. */
export function strayPhonesOf(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<StrayPhone[]> {
  return strayPhones(
    trx,
    sql`p.phone in (select value from identities
                    where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[]))`,
  );
}

/** Of a phone `p` of `crm_phones`: whether it is one of these. */
export const isOneOf = (strays: readonly StrayPhone[]): RawBuilder<boolean> => sql`
  exists (select 1 from unnest(${strays.map((one) => one.connectionId)}::uuid[],
                               ${strays.map((one) => one.recordId)}::text[],
                               ${strays.map((one) => one.field)}::text[],
                               ${strays.map((one) => one.phone)}::text[]) as stray (connection_id, record_id, field, phone)
          where stray.connection_id = p.connection_id and stray.record_id = p.record_id and stray.field = p.field
            and stray.phone = p.phone)`;

/** Records that hold phones of these contacts by such writes alone: they are not theirs. */
export async function recordsOfStrayPhones(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactIds: readonly string[],
): Promise<{ readonly contactId: string; readonly recordId: string }[]> {
  if (contactIds.length === 0) return [];
  const strays = await strayPhonesOf(trx, contactIds);
  if (strays.length === 0) return [];
  const { rows } = await sql<{ contactId: string; recordId: string }>`
    select i.contact_id as "contactId", p.record_id as "recordId" from identities i
    join crm_phones p on p.workspace_id = ${trx.workspaceId} and p.phone = i.value and p.connection_id = ${connectionId}
    where i.workspace_id = ${trx.workspaceId} and i.contact_id = any(${contactIds}::uuid[])
    group by i.contact_id, p.record_id
    having bool_and(${isOneOf(strays)})`.execute(trx);
  return rows;
}

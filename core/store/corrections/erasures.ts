import { createHmac } from 'node:crypto';
import { sql } from 'kysely';
import { canonicalPhone, scopeOf } from '../../identity/index.ts';
import { fieldOfNumber } from '../../mapping/index.ts';
import { fromJson } from '../json.ts';
import type { Page } from '../page.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** What is left of an erased person where we do not rule: in a CRM. */
export interface Remains {
  readonly connectionId: string;
  readonly recordIds: readonly string[];
  /** The CRM's ids of what its timeline shows. */
  readonly entryIds: readonly string[];
}

export interface Erasure {
  readonly erasureId: string;
  readonly askedBy: string;
  readonly erasedAt: number;
  readonly remains: readonly Remains[];
}

/** By what an erased person is known again: a hash nobody can turn back without the workspace's key. */
export function erasedHash(key: Buffer, identity: string): Buffer {
  return createHmac('sha256', key).update(identity, 'utf8').digest();
}

/** Under which their id, in the field that is unique, is among values of theirs that we wrote to a record: no field's name. */
export const erasedKeyField = ' our id';

/** A value as it is hashed: a number of a list of phones however it is spelled there. */
export function hashable(field: string, value: string): string {
  return fieldOfNumber(field) === field ? value : (canonicalPhone(value.replace(/[\s()-]/g, '')) ?? value);
}

/** Whether anybody of this workspace was ever erased. */
export async function hasErased(trx: WorkspaceTransaction): Promise<boolean> {
  const { rows } = await sql`
    select 1 from erased_identities where workspace_id = ${trx.workspaceId} limit 1`.execute(trx);
  return rows.length > 0;
}

/** A time during which an id was an erased person's, both ends included; milliseconds. */
export interface ErasedStretch {
  readonly since: number;
  readonly until: number;
}

/** One of a phone, and by what its next holder is told from who comes back. */
export interface ErasedHolding extends ErasedStretch {
  /** It is somebody else's whoever has it. */
  readonly gaveUp: boolean;
  /** In which they had BSUIDs. */
  readonly scopes: readonly string[];
  /** Hashes of those, in hex. */
  readonly bsuids: readonly string[];
}

/** Whether who has an erased person's phone now, and these BSUIDs, is somebody else. */
export function isAnothers(
  { gaveUp, scopes, bsuids }: Omit<ErasedHolding, keyof ErasedStretch>,
  shown: readonly string[],
  key: Buffer,
): boolean {
  if (shown.some((value) => bsuids.includes(erasedHash(key, value).toString('hex')))) return false;
  return gaveUp || shown.some((value) => scopes.includes(scopeOf(value)));
}

/** The columns of an `ErasedHolding` in rows `e` of `erased_identities`. */
export const holdingColumns = sql.raw(
  `e.gave_up as "gaveUp", e.scopes, array(select encode(b, 'hex') from unnest(e.bsuids) b) as bsuids`,
);

/** While these were erased people's, by hex of the hash. */
export async function erasedStretches(
  trx: WorkspaceTransaction,
  hashes: readonly Buffer[],
): Promise<ReadonlyMap<string, readonly ErasedHolding[]>> {
  const { rows } = await sql<ErasedHolding & { hash: string }>`
    select encode(hash, 'hex') as hash, since, until, ${holdingColumns} from erased_identities e
    where workspace_id = ${trx.workspaceId}
      and encode(hash, 'hex') = any(${hashes.map((hash) => hash.toString('hex'))}::text[])`.execute(trx);
  return Map.groupBy(rows, ({ hash }) => hash);
}

/** Those of these ids that somebody is known by. */
export async function identitiesInUse(
  trx: WorkspaceTransaction,
  values: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ value: string }>`
    select distinct value from identities
    where workspace_id = ${trx.workspaceId} and value = any(${values}::text[]) and contact_id is not null`.execute(
    trx,
  );
  return new Set(rows.map(({ value }) => value));
}

/** People whose own record this was. */
export async function peopleOfPrimaries(
  trx: WorkspaceTransaction,
  records: readonly { readonly connectionId: string; readonly recordId: string }[],
): Promise<string[]> {
  const { rows } = await sql<{ contactId: string }>`
    select distinct l.contact_id as "contactId"
    from unnest(${records.map((one) => one.connectionId)}::uuid[], ${records.map((one) => one.recordId)}::text[])
         as t (connection_id, record_id)
    join crm_links l on l.workspace_id = ${trx.workspaceId} and l.connection_id = t.connection_id
                    and l.record_id = t.record_id and l.is_primary and l.parted_at is null`.execute(trx);
  return rows.map(({ contactId }) => contactId);
}

/** Records of a CRM that were erased people's. */
export async function recordsOfErased(trx: WorkspaceTransaction, connectionId: string): Promise<string[]> {
  const { rows } = await sql<{ remains: Buffer }>`
    select remains from erasures where workspace_id = ${trx.workspaceId}`.execute(trx);
  return rows
    .flatMap(({ remains }) => fromJson(remains) as Remains[])
    .filter((one) => one.connectionId === connectionId)
    .flatMap(({ recordIds }) => recordIds);
}

/** Newest first. */
export async function listErasures(
  trx: WorkspaceTransaction,
  { limit, after }: Page<string>,
): Promise<Erasure[]> {
  const { rows } = await sql<Omit<Erasure, 'remains'> & { remains: Buffer }>`
    select erasure_id as "erasureId", asked_by as "askedBy", erased_at as "erasedAt", remains from erasures
    where workspace_id = ${trx.workspaceId} ${after === undefined ? sql`` : sql`and erasure_id < ${after}`}
    order by erasure_id desc limit ${limit}`.execute(trx);
  return rows.map((row) => ({ ...row, remains: fromJson(row.remains) as Remains[] }));
}

import {
  type AgreedRecord,
  erasedHash,
  type ErasedHolding,
  erasedStretches,
  erasedValuesOf,
  bsuidsOf,
  hasErased,
  identitiesOf,
  identitiesInUse,
  isAnothers,
  readAppellations,
  type SeenRecord,
  type WorkspaceTransaction,
} from '../store/index.ts';
import { fieldOfNumber } from '../mapping/index.ts';
import { identitiesFrom } from '../whatsapp/index.ts';
import type { Facts } from './apply/read-event.ts';
import { type ErasureKeyOf, fieldsHolding } from './erased-fields.ts';
import { noteErasedBirths } from './erased-tries.ts';
import type { Followed } from './followed.ts';
import { wordsIn } from './words-in.ts';

export type { ErasureKeyOf } from './erased-fields.ts';

/**
 * Which of these speak of somebody erased since, and are to be dropped. Nothing is computed where nobody was. What shows the
 * BSUID of somebody who stands is theirs, whoever had the phone beside it.
 */
export async function erasedAmong(
  trx: WorkspaceTransaction,
  facts: readonly Facts[],
  keyOf: ErasureKeyOf,
): Promise<ReadonlySet<Facts>> {
  if (facts.length === 0 || !(await hasErased(trx))) return new Set();
  const erased = await erasureOf(trx, facts.flatMap(identitiesIn), keyOf);
  if (erased.size === 0) return new Set();
  const standing = await identitiesInUse(
    trx,
    facts.flatMap(({ anchor }) => anchor.bsuidKey ?? []),
  );
  return new Set(
    facts.filter((one) => {
      const { phone, bsuidKey, at } = one.anchor;
      return identitiesIn(one).some((identity) => {
        const beside = identity === phone && bsuidKey !== undefined && standing.has(bsuidKey);
        return (
          !beside && erased.get(identity)?.some(({ since, until }) => since <= at && at <= until) === true
        );
      });
    }),
  );
}

/**
 * Which of these payloads, that nobody applies, name somebody who was erased and has not come back: they are dropped whole.
 */
export async function namingErased<Row extends { readonly payload: Buffer }>(
  trx: WorkspaceTransaction,
  rows: readonly Row[],
  portfolioOf: (row: Row) => string | undefined,
  keyOf: ErasureKeyOf,
): Promise<ReadonlySet<Row>> {
  if (rows.length === 0 || !(await hasErased(trx))) return new Set();
  const named = new Map(rows.map((row) => [row, identitiesNamed(row.payload, portfolioOf(row))]));
  const erased = await erasureOf(trx, [...named.values()].flat(), keyOf);
  const back = await identitiesInUse(trx, [...erased.keys()]);
  const isGone = (identity: string): boolean => erased.has(identity) && !back.has(identity);
  return new Set(rows.filter((row) => named.get(row)?.some(isGone) === true));
}

/** Every phone and BSUID that stands anywhere in a payload. */
function identitiesNamed(payload: Buffer, portfolio: string | undefined): string[] {
  return wordsIn(payload).flatMap((word) => {
    const { phone, bsuid } = identitiesFrom({ phone: [word], bsuid: [word], parent: [] });
    const key = portfolio === undefined || bsuid === undefined ? [] : [`bsuid:${portfolio}:${bsuid}`];
    return phone === undefined ? key : [phone, ...key];
  });
}

/** Records as a scan brought them up; what they hold of erased people who never came back is not remembered. */
export async function withoutErased(
  trx: WorkspaceTransaction,
  { connectionId, numbersIn }: Followed,
  seen: readonly SeenRecord[],
  keyOf: ErasureKeyOf,
): Promise<readonly SeenRecord[]> {
  if (seen.length === 0 || !(await hasErased(trx))) return seen;
  await noteErasedBirths(trx, connectionId, seen, keyOf);
  const fieldsOf = await fieldsOfErased(trx, seen, keyOf);
  const ids = seen.map(({ recordId }) => recordId);
  const erasedOf = await erasedValuesOf(trx, connectionId, ids);
  const key = await keyOf(trx.workspaceId);
  return seen.map((record) => {
    const { recordId, phones } = record;
    const erased = erasedOf.get(recordId) ?? {};
    const gone = fieldsOf(record);
    const holding = fieldsHolding(erased, record.base, record.keyContactId, key, numbersIn);
    if (gone.size + holding.size === 0) return record;
    // Whoever else it holds a phone of is found by it still, and who came back.
    const others = phones.filter((one) => 'phone' in one && !gone.has(one.field));
    return { recordId, keyContactId: undefined, base: {}, phones: others };
  });
}

/** Records of somebody, without what they hold of the phones of erased people who never came back. */
export async function withoutErasedPhones(
  trx: WorkspaceTransaction,
  records: readonly AgreedRecord[],
  keyOf: ErasureKeyOf,
): Promise<readonly AgreedRecord[]> {
  const fieldsOf = await fieldsOfErased(trx, records, keyOf);
  return records.map((record) => {
    const gone = fieldsOf(record);
    if (gone.size === 0) return record;
    const kept = Object.entries(record.base).filter(([field]) => !gone.has(fieldOfNumber(field)));
    const base = Object.fromEntries(kept);
    return { ...record, base, phones: record.phones.filter(({ field }) => !gone.has(field)) };
  });
}

/** Which fields of a record hold a phone of somebody erased who never came back. */
async function fieldsOfErased(
  trx: WorkspaceTransaction,
  records: readonly SeenRecord[],
  keyOf: ErasureKeyOf,
): Promise<(record: SeenRecord) => ReadonlySet<string>> {
  if (records.length === 0 || !(await hasErased(trx))) return () => new Set();
  const erased = await erasureOf(trx, records.flatMap(phonesIn), keyOf);
  const back = await identitiesInUse(trx, [...erased.keys()]);
  const isGone = (phone: string): boolean => erased.has(phone) && !back.has(phone);
  return ({ phones }) =>
    new Set(phones.flatMap((one) => ('phone' in one && isGone(one.phone) ? [one.field] : [])));
}

/**
 * Of these phones, those of people who were erased: whoever has one now may have come back, or had it from them, as their
 * BSUID says. What a CRM still holds of them is in no index of ours.
 */
export async function erasedPhones(
  trx: WorkspaceTransaction,
  phones: readonly string[],
  keyOf: ErasureKeyOf,
): Promise<ReadonlyMap<string, 'back' | 'handed over'>> {
  if (phones.length === 0 || !(await hasErased(trx))) return new Map();
  const erased = await erasureOf(trx, phones, keyOf);
  if (erased.size === 0) return new Map();
  const held = Map.groupBy(await identitiesOf(trx, [...erased.keys()]), ({ value }) => value);
  const latest = new Map(
    [...held].map(([phone, rows]) => [phone, rows.toSorted((x, y) => x.since - y.since).at(-1)] as const),
  );
  const bsuids = await bsuidsOf(
    trx,
    [...latest.values()].flatMap((row) => row?.contactId ?? []),
  );
  const key = await keyOf(trx.workspaceId);
  return new Map(
    [...erased].map(([phone, stretches]) => {
      const { since = 0, contactId = null } = latest.get(phone) ?? {};
      const shown = bsuids.get(contactId ?? '') ?? [];
      const isBack = stretches.some((one) => one.until >= since && !isAnothers(one, shown, key));
      return [phone, isBack ? 'back' : 'handed over'];
    }),
  );
}

/** Of these contacts, those who are known by the phone of somebody who was erased. */
export async function knownByErased(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  keyOf: ErasureKeyOf,
): Promise<string[]> {
  if (contactIds.length === 0 || !(await hasErased(trx))) return [];
  const known = await readAppellations(trx, contactIds);
  const erased = await erasedPhones(
    trx,
    known.flatMap(({ phones }) => phones),
    keyOf,
  );
  return known.flatMap(({ contactId, phones }) =>
    phones.some((phone) => erased.get(phone) === 'back') ? [contactId] : [],
  );
}

/** While those of these identities that were erased people's were theirs. */
async function erasureOf(
  trx: WorkspaceTransaction,
  identities: readonly string[],
  keyOf: ErasureKeyOf,
): Promise<ReadonlyMap<string, readonly ErasedHolding[]>> {
  const key = await keyOf(trx.workspaceId);
  const hashes = new Map([...new Set(identities)].map((identity) => [identity, erasedHash(key, identity)]));
  const erased = await erasedStretches(trx, [...hashes.values()]);
  return new Map(
    [...hashes].flatMap(([identity, hash]) => {
      const stretches = erased.get(hash.toString('hex'));
      return stretches === undefined ? [] : [[identity, stretches] as const];
    }),
  );
}

function phonesIn({ phones }: SeenRecord): string[] {
  return phones.flatMap((one) => ('phone' in one ? [one.phone] : []));
}

/** Every id an event shows. */
export function identitiesIn({ anchor, evidence }: Facts): string[] {
  return [...new Set([anchor.phone, anchor.bsuidKey, ...evidence.flatMap(({ a, b }) => [a, b])])].filter(
    (identity) => identity !== undefined,
  );
}

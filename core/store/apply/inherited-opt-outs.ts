import { hash } from 'node:crypto';
import { sql } from 'kysely';
import { carriedOptOut, type ConsentEntry, type ConsentMethod } from '../../consent/index.ts';
import {
  erasedHash,
  type ErasedHolding,
  type ErasedStretch,
  holdingColumns,
  isAnothers,
} from '../corrections/erasures.ts';
import { bsuidsOf, type IdentityRow, type StoredIdentity } from './identities.ts';
import { addConsentEntries } from './ledgers.ts';
import type { WorkspaceTransaction } from '../store.ts';
import { type EarlierHolder, earlierHolders, takenOverPhones } from '../reconcile/taken-over-phones.ts';

/** Opt-outs that go along with phones of people who are erased: to who holds one already, and to who gets it one day. */

interface Erasing {
  readonly contactIds: readonly string[];
  /** What nobody else was ever known by. */
  readonly own: ReadonlySet<string>;
  /** Who held what they are known by, and since when. */
  readonly identities: readonly StoredIdentity[];
}

type OptOut = Pick<ConsentEntry, 'purpose' | 'effectiveAt' | 'rank'> & { readonly method: ConsentMethod };
type Entry = OptOut & ConsentEntry & { readonly contactId: string };

/**
 * Opt-outs that came to others with a phone of people who are to be erased: only those others lift them, so they are
 * theirs from now on, and say nothing of whose they were. What stands on a phone nobody has taken over waits for who does.
 */
export async function keepInheritedOptOuts(
  trx: WorkspaceTransaction,
  erasing: Erasing,
  key: Buffer,
  now: number,
): Promise<void> {
  const { contactIds, identities } = erasing;
  const phones = [...new Set(identities.flatMap(({ value }) => (value.startsWith('+') ? [value] : [])))];
  const taken = await takenOverPhones(trx, sql`i.value = any(${phones}::text[])`);
  const heirs = taken.filter(
    ({ contactId, holders }) =>
      !contactIds.includes(contactId) && contactIds.includes(holders.at(-1)?.contactId ?? ''),
  );
  const ledgers = await ledgersOf(trx, [
    ...contactIds,
    ...identities.flatMap(({ contactId }) => contactId ?? []),
  ]);
  const carried = (holders: readonly EarlierHolder[], since: number): Entry[] =>
    carriedOptOut(
      holders.map((holder) => ({ since: holder.since, entries: ledgers.get(holder.contactId) ?? [] })),
      since,
    );
  await give(
    trx,
    heirs.flatMap(({ contactId, since, holders }) =>
      carried(holders, since).map((optOut) => ({ contactId, optOut, name: optOut.key })),
    ),
    now,
  );
  const ended = phones.flatMap((phone) => endedStretches(phone, erasing, carried, now));
  const lifted = ended.filter(({ optOuts }) => optOuts.length === 0);
  await sql`
    update identities i set lifted = true
    from unnest(${lifted.map(({ phone }) => phone)}::text[], ${lifted.map(({ since }) => since)}::bigint[])
         as t (value, since)
    where i.workspace_id = ${trx.workspaceId} and i.value = t.value and i.since = t.since`.execute(trx);
  await leaveOptOuts(trx, erasing.own, ended, key);
}

/** A time during which somebody to be erased held a phone. */
interface EndedStretch {
  readonly phone: string;
  readonly since: number;
  /** Nobody has held it since. */
  readonly last: boolean;
  /** In force on it at its end. */
  readonly optOuts: readonly OptOut[];
}

function endedStretches(
  phone: string,
  { contactIds, identities }: Erasing,
  carried: (holders: readonly EarlierHolder[], since: number) => readonly OptOut[],
  now: number,
): EndedStretch[] {
  const rows = identities.filter(({ value }) => value === phone).toSorted((x, y) => x.since - y.since);
  return rows.flatMap(({ contactId, since }, index) => {
    if (contactId === null || !contactIds.includes(contactId)) return [];
    const later = rows.slice(index + 1);
    const optOuts = carried(earlierHolders(rows.slice(0, index + 1)), later[0]?.since ?? now + 1);
    const last = later.every((row) => row.contactId === null);
    return [{ phone, since, last, optOuts }];
  });
}

/** What stands on phones nobody has held since, by the hash alone. */
async function leaveOptOuts(
  trx: WorkspaceTransaction,
  own: ReadonlySet<string>,
  ended: readonly EndedStretch[],
  key: Buffer,
): Promise<void> {
  const last = ended.flatMap((one) => (one.last ? [{ ...one, hash: erasedHash(key, one.phone) }] : []));
  if (last.length === 0) return;
  await trx
    .deleteFrom('erased_opt_outs')
    .where('workspace_id', '=', trx.workspaceId)
    .where(
      'hash',
      'in',
      last.map((one) => one.hash),
    )
    .execute();
  const rows = last.flatMap(({ hash: phoneHash, phone, since, optOuts }) =>
    optOuts.map(({ purpose, effectiveAt, rank, method }) => ({
      workspace_id: trx.workspaceId,
      hash: phoneHash,
      since: own.has(phone) ? 0 : since,
      purpose,
      effective_at: effectiveAt,
      rank,
      method,
    })),
  );
  if (rows.length > 0) await trx.insertInto('erased_opt_outs').values(rows).execute();
}

/**
 * Gives those of these contacts what stands on a phone they took over from somebody erased, as who it was would have: they
 * show another BSUID than theirs beside it, or it was given up before. Returns who got something.
 */
export async function giveErasedOptOuts(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  keyOf: () => Promise<Buffer>,
  now: number,
): Promise<string[]> {
  if (contactIds.length === 0) return [];
  const { rows: known } = await sql<IdentityRow & { readonly contactId: string }>`
    select value, since, contact_id as "contactId" from identities
    where workspace_id = ${trx.workspaceId} and contact_id = any(${[...contactIds]}::uuid[])
      and exists (select 1 from erased_opt_outs where workspace_id = ${trx.workspaceId})
    order by value, since`.execute(trx);
  const phones = [...new Set(known.flatMap(({ value }) => (value.startsWith('+') ? [value] : [])))];
  if (phones.length === 0) return [];
  const key = await keyOf();
  const hashOf = new Map(phones.map((phone) => [phone, erasedHash(key, phone).toString('hex')]));
  const { rows: left } = await sql<OptOut & Left>`
    select encode(o.hash, 'hex') as hash, o.since, o.purpose, o.effective_at as "effectiveAt", o.rank, o.method,
           ${holdingColumns}
    from erased_opt_outs o
    join erased_identities e on e.workspace_id = o.workspace_id and e.hash = o.hash and e.since = o.since
    where o.workspace_id = ${trx.workspaceId} and encode(o.hash, 'hex') = any(${[...hashOf.values()]}::text[])`.execute(
    trx,
  );
  const ofPhone = Map.groupBy(left, (one) => one.hash);
  const bsuids = await bsuidsOf(trx, contactIds);
  const { rows: holders } = await sql<IdentityRow & { readonly contactId: string }>`
    select value, since, contact_id as "contactId" from identities
    where workspace_id = ${trx.workspaceId} and value = any(${phones}::text[]) and contact_id is not null
    order by value, since`.execute(trx);
  const given = phones.flatMap((phone) =>
    (ofPhone.get(hashOf.get(phone) ?? '') ?? []).flatMap((optOut) => {
      const next = holders.find(({ value, since }) => value === phone && since >= optOut.since);
      if (next === undefined || !contactIds.includes(next.contactId)) return [];
      return !isAnothers(optOut, bsuids.get(next.contactId) ?? [], key)
        ? []
        : [{ contactId: next.contactId, optOut, name: `${optOut.hash} ${optOut.purpose}` }];
    }),
  );
  await give(trx, given, now);
  return [...new Set(given.map(({ contactId }) => contactId))];
}

interface Left extends Omit<ErasedHolding, keyof ErasedStretch> {
  /** Hex, of the phone. */
  readonly hash: string;
  /** They held it from then on. */
  readonly since: number;
}

async function ledgersOf(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<ReadonlyMap<string, Entry[]>> {
  const { rows } = await sql<Entry>`
    select contact_id as "contactId", purpose, action, effective_at as "effectiveAt", rank, method,
           encode(event_key, 'hex') as key
    from consent_entries
    where workspace_id = ${trx.workspaceId} and contact_id = any(${[...contactIds]}::uuid[])`.execute(trx);
  return Map.groupBy(rows, ({ contactId }) => contactId);
}

async function give(
  trx: WorkspaceTransaction,
  given: readonly { readonly contactId: string; readonly optOut: OptOut; readonly name: string }[],
  now: number,
): Promise<void> {
  await addConsentEntries(
    trx,
    given.map(({ contactId, optOut: { purpose, effectiveAt, rank, method }, name }) => {
      const digest = hash('sha256', `inherited:${contactId}:${name}`, 'buffer');
      return {
        eventKey: digest.subarray(0, 16),
        contentHash: digest.subarray(16, 24),
        contactId,
        purpose,
        action: 'withdrawal',
        effectiveAt,
        recordedAt: now,
        rank,
        method,
        source: 'came with the phone',
        channelId: null,
        phone: null,
        bsuidKey: null,
        saidOf: contactId,
      };
    }),
  );
}

import { type AccountTraits, type CrmRecord, phonesOf } from '../../crm/index.ts';
import type { PhoneHolder, SeenRecord } from '../../store/index.ts';
import type { UnlinkedContact } from './load-batch.ts';

/** Record ids, the best one first. */
export type Candidates = readonly string[];

/** What says which of a person's records goes first. */
type Order = Pick<PhoneHolder, 'recordId' | 'rank' | 'createdAt'>;

/** A contact goes before a lead, the older before the newer; ids grow, so the shortest and lowest is the oldest. */
export function byAge(x: Order, y: Order): number {
  return (
    x.rank - y.rank ||
    (x.createdAt ?? Infinity) - (y.createdAt ?? Infinity) ||
    x.recordId.length - y.recordId.length ||
    (x.recordId < y.recordId ? -1 : Number(x.recordId > y.recordId))
  );
}

/** Whose phone stands on which records: by rank, then the field people look at first, then the oldest. */
export function candidatesOf(
  unlinked: readonly UnlinkedContact[],
  held: readonly PhoneHolder[],
  parted: ReadonlySet<string>,
): ReadonlyMap<string, Candidates> {
  const byPhone = Map.groupBy(held, ({ phone }) => phone);
  return new Map(
    unlinked.map(({ contact }) => {
      const records = contact.phones
        .flatMap((phone) => byPhone.get(phone) ?? [])
        .filter(({ recordId }) => !parted.has(`${contact.contactId} ${recordId}`))
        .toSorted((x, y) => x.rank - y.rank || x.place - y.place || byAge(x, y));
      return [contact.contactId, [...new Set(records.map(({ recordId }) => recordId))]];
    }),
  );
}

export function orderOf({ recordId, rank = 0, createdAt }: CrmRecord): Order {
  return { recordId, rank, createdAt: createdAt ?? null };
}

/** The phones of a record that was read. */
export function holdersOf(
  record: CrmRecord,
  traits: Pick<AccountTraits, 'phoneFields' | 'spelling'>,
  region: string | undefined,
): PhoneHolder[] {
  return phonesOf(record, traits, region).flatMap((held) =>
    'phone' in held ? [{ ...orderOf(record), phone: held.phone, place: held.place }] : [],
  );
}

export function seenRecord(
  record: CrmRecord,
  traits: Pick<AccountTraits, 'phoneFields' | 'spelling'>,
  region: string | undefined,
): SeenRecord {
  return {
    recordId: record.recordId,
    keyContactId: record.contactId,
    base: record.values,
    phones: phonesOf(record, traits, region),
    rank: record.rank,
    createdAt: record.createdAt,
    changedAt: record.changedAt,
    mergedFrom: record.mergedFrom,
  };
}

/** People whose phones fit into one search. */
export function inSearches(
  unlinked: readonly UnlinkedContact[],
  phonesPerSearch: number,
): UnlinkedContact[][] {
  const searches: UnlinkedContact[][] = [];
  let phones = Infinity;
  for (const one of unlinked) {
    if (phones + one.contact.phones.length > phonesPerSearch) {
      searches.push([]);
      phones = 0;
    }
    searches.at(-1)?.push(one);
    phones += one.contact.phones.length;
  }
  return searches;
}

export function inChunks<Item>(items: readonly Item[], size: number): Item[][] {
  const chunks: Item[][] = [];
  for (let start = 0; start < items.length; start += size) chunks.push(items.slice(start, start + size));
  return chunks;
}

import type { Connector } from '../../crm/index.ts';
import { SangamError } from '../../errors.ts';
import type { SeenRecord } from '../../store/index.ts';
import { type Candidates, candidatesOf, holdersOf, inSearches, seenRecord } from './candidates.ts';
import type { UnlinkedContact } from './load-batch.ts';
import { mostPressing } from './priority.ts';

/** What the CRM's own search says of people. */
export interface Searched {
  /** By contact; empty: nobody holds one of their phones. */
  readonly matches: ReadonlyMap<string, Candidates>;
  readonly seen: readonly SeenRecord[];
  /** Nothing was heard of these: the CRM's search is used up for now, or failed. */
  readonly later: readonly UnlinkedContact[];
}

/**
 * Asks the CRM who holds these people's phones, as many people a search as it takes. Throws as the connector does where
 * not even the first search was answered.
 */
export async function searchByPhone(
  connector: Connector,
  region: string | undefined,
  people: readonly UnlinkedContact[],
  parted: ReadonlySet<string>,
  fields: readonly string[],
): Promise<Searched> {
  const { traits } = connector;
  const { sizes } = traits;
  const matches = new Map<string, Candidates>();
  const seen = new Map<string, SeenRecord>();
  const searches = inSearches(people, sizes.findByPhone);
  for (const [index, part] of searches.entries()) {
    try {
      const records = await connector.findByPhone(
        part.flatMap(({ contact }) => contact.phones).slice(0, sizes.findByPhone),
        fields,
        mostPressing(part.map(({ dirty }) => dirty)),
      );
      for (const record of records) seen.set(record.recordId, seenRecord(record, traits, region));
      const held = records.flatMap((record) => holdersOf(record, traits, region));
      for (const [contactId, found] of candidatesOf(part, held, parted)) matches.set(contactId, found);
    } catch (error) {
      const passes = error instanceof SangamError && error.retry !== 'never';
      // What was answered before is not asked again for one search that failed.
      if (!passes || (index === 0 && error.code !== 'limit_wait')) throw error;
      return { matches, seen: [...seen.values()], later: searches.slice(index).flat() };
    }
  }
  return { matches, seen: [...seen.values()], later: [] };
}

import type { EntryOutcome, EntryWrite, FoundEntry, Priority } from '@sangam/core/crm';
import type { ZohoAccount } from './account.ts';
import { type Problem, refusedOutcome } from './outcomes.ts';
import { readRecords } from './read.ts';

/** Where entries are kept: rows of our own module, or notes where the edition has no modules of one's own. */
export interface EntryStore {
  write(writes: readonly EntryWrite[], priority: Priority): Promise<EntryOutcome[]>;
  find(recordIds: readonly string[], priority: Priority): Promise<FoundEntry[]>;
  remove(entryIds: readonly string[], priority: Priority): Promise<void>;
}

/** What `AccountFacts.timelineIn` says of notes. */
export const inNotes = 'Notes';

/** Oldest first: what is made in one call stands in the order in which it was made. */
export function inOrder(writes: readonly EntryWrite[]): EntryWrite[] {
  return writes.toSorted((x, y) => x.entry.at - y.entry.at);
}

/** What was refused of an entry may be for want of its record: then that is looked for. */
export type EntryResult =
  EntryOutcome | { readonly entryKey: string; readonly outcome: 'doubted'; readonly otherwise: EntryOutcome };

/** Entries that were refused though their record is there stay refused; the record of the others is gone, or another by now. */
export async function judged(
  account: ZohoAccount,
  results: readonly EntryResult[],
  writes: readonly EntryWrite[],
  priority: Priority,
): Promise<EntryOutcome[]> {
  const recordOf = new Map(writes.map(({ entry }) => [entry.entryKey, entry.recordId]));
  const doubted = results.flatMap((one) =>
    one.outcome === 'doubted' ? (recordOf.get(one.entryKey) ?? []) : [],
  );
  const standing =
    doubted.length === 0 ? [] : await readRecords(account, [...new Set(doubted)], [], priority);
  const there = new Set(standing.map(({ recordId }) => recordId));
  return results.map((one): EntryOutcome => {
    if (one.outcome !== 'doubted') return one;
    const { entryKey, otherwise } = one;
    return there.has(recordOf.get(entryKey) ?? '') ? otherwise : { entryKey, outcome: 'gone' };
  });
}

/** A refusal of a row as one of an entry. */
export function entryRefused(entryKey: string, problems: readonly Problem[], module: string): EntryOutcome {
  const by = { module, creates: false, contactIdField: '', phoneFields: [] };
  const outcome = refusedOutcome(entryKey, problems, by);
  switch (outcome.outcome) {
    case 'later': {
      const { code, retry, explanation } = outcome;
      return { entryKey, outcome: 'later', code, retry, explanation };
    }
    case 'refused':
      return { entryKey, outcome: 'refused', code: outcome.code, explanation: outcome.explanation };
    default: {
      const explanation = 'explanation' in outcome ? outcome.explanation : '';
      return { entryKey, outcome: 'refused', code: outcome.outcome, explanation };
    }
  }
}

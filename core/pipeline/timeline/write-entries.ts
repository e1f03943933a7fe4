import type { Connector, EntryOutcome, EntryWrite, FoundEntry } from '../../crm/index.ts';
import { SangamError } from '../../errors.ts';
import type { DeadLetter, DueEntry, SettledEntry } from '../../store/index.ts';
import { inHalves } from '../in-halves.ts';
import { itemWaitMs } from '../retry-schedule.ts';
import type { Rendered } from './render.ts';

export type EntryResult = 'written' | 'unchanged' | 'refused' | 'left alone';

/** What a batch of entries came to. One that is not here is tried, and nobody knows how that ended. */
export interface EntriesWritten {
  readonly settled: readonly (SettledEntry & { readonly result: EntryResult })[];
  /** Entries that show nothing any more, taken away. */
  readonly emptied: readonly DueEntry[];
  /** Entries the CRM takes at another time. */
  readonly postponed: readonly { readonly entry: DueEntry; readonly until: number }[];
  readonly letters: readonly DeadLetter[];
  /** Why a call failed as a whole; what others answered counts nevertheless. */
  readonly failure: SangamError | undefined;
}

/** How long after an unknown outcome a late twin is looked for; within the hour (design.md §5, promise 2). */
const twinAfterMs = 30 * 60 * 1000;

/** Where an entry stands in the CRM, as a look has shown. */
interface Standing {
  readonly entryId: string | undefined;
  readonly twins: readonly string[];
}

interface Writing {
  readonly one: Rendered;
  readonly homeId: string;
  readonly write: EntryWrite;
}

/**
 * Brings entries to what they should show. One whose outcome is unknown, or whose record is another by now, is looked
 * for before it is written; what stands twice is taken away.
 */
export async function writeEntries(
  connector: Connector,
  connectionId: string,
  rendered: readonly Rendered[],
  beforeNew: (entries: readonly DueEntry[]) => Promise<void>,
  now: () => number,
): Promise<EntriesWritten> {
  const looking = rendered.filter(({ due, homeId }) => homeId !== null && needsLook(due, homeId));
  const found = await findEntries(connector, looking);

  const settled: (SettledEntry & { result: EntryResult })[] = [];
  const emptied: DueEntry[] = [];
  const writing: Writing[] = [];
  /** What is to be taken away, by the entry that is done when it is. */
  const stale = new Map<DueEntry, readonly string[]>();
  for (const one of rendered) {
    const { due, homeId, entry, hash } = one;
    const { entryId, twins } = standingOf(one, looking.includes(one) ? found : undefined);
    stale.set(due, twins);
    if (entry === undefined) {
      // Of a contact without a record what stands is where it stood.
      stale.set(due, [...twins, ...new Set([due.entryId, entryId].flatMap((id) => id ?? []))]);
      emptied.push(due);
    } else if (homeId === null) {
      settled.push({ ...asBefore(due), hash: null, result: 'left alone' });
    } else if (entryId !== undefined && due.recordId === homeId && due.writtenHash?.equals(hash) === true) {
      settled.push({ ...asBefore(due), entryId, hash, result: 'unchanged' });
    } else {
      const write = { entry: { ...entry, recordId: homeId } };
      writing.push({ one, homeId, write: entryId === undefined ? write : { ...write, entryId } });
    }
  }
  await beforeNew(writing.filter(({ write }) => write.entryId === undefined).map(({ one }) => one.due));
  const { outcomes, failure } = await write(connector, writing);

  const letters: DeadLetter[] = [];
  const postponed: { entry: DueEntry; until: number }[] = [];
  for (const { one, homeId, write: written } of writing) {
    const { due, hash } = one;
    const outcome = outcomes.get(due.entryKey);
    if (outcome === undefined || outcome.outcome === 'unknown') continue;
    const at = now();
    if (outcome.outcome === 'written') {
      const lookAgainAt = due.tried ? at + twinAfterMs : undefined;
      const { entryId } = outcome;
      settled.push({
        entry: due,
        recordId: homeId,
        entryId,
        hash,
        writtenAt: at,
        lookAgainAt,
        result: 'written',
      });
      // It moved along with its contact: what stands on the old record is taken off.
      if (due.entryId !== null) stale.set(due, [...(stale.get(due) ?? []), due.entryId]);
    } else if (outcome.outcome === 'gone') {
      // Taken away by somebody: written anew once; its record itself may be gone, which the reconciler will find.
      const again = written.entryId !== undefined;
      settled.push({
        ...(again
          ? { ...asBefore(due), recordId: homeId, entryId: null, lookAgainAt: at }
          : unplaced(due, homeId)),
        hash: null,
        result: 'left alone',
      });
    } else {
      const waitMs = outcome.outcome === 'later' ? itemWaitMs(outcome.retry, due.attempts + 1) : undefined;
      if (waitMs !== undefined) {
        postponed.push({ entry: due, until: at + waitMs });
        continue;
      }
      settled.push({ ...unplaced(due, homeId), hash: null, result: 'refused' });
      letters.push({
        reason: `timeline_${outcome.code}`,
        explanation: outcome.explanation,
        source: 'crm',
        connectionId,
        contactId: due.contactId,
        receivedAt: at,
      });
    }
  }

  // A keyed CRM moves what stood elsewhere: what a write answered stands.
  const stands = new Set(settled.flatMap(({ entryId }) => entryId ?? []));
  const done = new Set([...settled.map(({ entry }) => entry), ...emptied]);
  const taking = [...stale]
    .filter(([due]) => done.has(due))
    .flatMap(([due, entryIds]) =>
      entryIds.filter((entryId) => !stands.has(entryId)).map((entryId) => ({ due, entryId })),
    );
  const { left, failure: removalFailure } = await takeAway(connector, taking);
  return {
    settled: settled.filter(({ entry }) => !left.has(entry)),
    emptied: emptied.filter((due) => !left.has(due)),
    postponed,
    letters,
    failure: failure ?? removalFailure,
  };
}

/** Writes in as few calls as the CRM allows; a call that fails leaves what others answered. */
async function write(
  { timeline }: Connector,
  writing: readonly Writing[],
): Promise<{ outcomes: ReadonlyMap<string, EntryOutcome>; failure: SangamError | undefined }> {
  const outcomes = new Map<string, EntryOutcome>();
  const answered = (some: readonly EntryOutcome[]): void => {
    for (const outcome of some) outcomes.set(outcome.entryKey, outcome);
  };
  try {
    const all = await inHalves(
      writing.map((one) => one.write),
      async (part) => {
        const some = await timeline.write(part, 'timeline');
        answered(some);
        return some;
      },
      ({ entry: { entryKey } }, { code, message }): EntryOutcome => ({
        entryKey,
        outcome: 'refused',
        code,
        explanation: message,
      }),
    );
    answered(all);
    return { outcomes, failure: undefined };
  } catch (error) {
    if (!(error instanceof SangamError)) throw error;
    return { outcomes, failure: error };
  }
}

/** Takes entries away; returns whose are left, where a call failed. */
async function takeAway(
  { timeline }: Connector,
  taking: readonly { readonly due: DueEntry; readonly entryId: string }[],
): Promise<{ left: ReadonlySet<DueEntry>; failure: SangamError | undefined }> {
  for (let start = 0; start < taking.length; start += timeline.batchSize) {
    const part = taking.slice(start, start + timeline.batchSize);
    try {
      await timeline.remove(
        part.map(({ entryId }) => entryId),
        'timeline',
      );
    } catch (error) {
      if (!(error instanceof SangamError)) throw error;
      return { left: new Set(taking.slice(start).map(({ due }) => due)), failure: error };
    }
  }
  return { left: new Set(), failure: undefined };
}

function needsLook(due: DueEntry, homeId: string): boolean {
  return due.tried || due.twinCheck || (due.entryId !== null && due.recordId !== homeId);
}

async function findEntries(
  connector: Connector,
  looking: readonly Rendered[],
): Promise<ReadonlyMap<string, FoundEntry[]>> {
  const records = [...new Set(looking.flatMap(({ homeId }) => homeId ?? []))];
  const found: FoundEntry[] = [];
  for (let start = 0; start < records.length; start += connector.traits.batchSize) {
    const part = records.slice(start, start + connector.traits.batchSize);
    found.push(...(await connector.timeline.find(part, 'timeline')));
  }
  return Map.groupBy(found, ({ entryKey }) => entryKey);
}

/** Of an entry's twins the oldest stays, which has the shortest and lowest id. */
function standingOf(
  { due, homeId }: Rendered,
  found: ReadonlyMap<string, FoundEntry[]> | undefined,
): Standing {
  if (found === undefined) {
    return {
      entryId: due.recordId === homeId || homeId === null ? (due.entryId ?? undefined) : undefined,
      twins: [],
    };
  }
  const [entryId, ...twins] = (found.get(due.entryKey) ?? [])
    .map((entry) => entry.entryId)
    .toSorted((x, y) => x.length - y.length || (x < y ? -1 : 1));
  return { entryId, twins };
}

function asBefore(due: DueEntry): Omit<SettledEntry, 'hash'> {
  return {
    entry: due,
    recordId: due.recordId,
    entryId: due.entryId,
    writtenAt: undefined,
    lookAgainAt: undefined,
  };
}

/** It did not come to stand where it should: what stands elsewhere goes on standing there. */
function unplaced(due: DueEntry, homeId: string): Omit<SettledEntry, 'hash'> {
  return { ...asBefore(due), recordId: due.entryId === null ? homeId : due.recordId };
}

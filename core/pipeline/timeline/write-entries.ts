import type { Connector, EntryOutcome, EntryWrite, FoundEntry } from '../../crm/index.ts';
import type { DeadLetter, DueEntry, SettledEntry } from '../../store/index.ts';
import { inHalves } from '../in-halves.ts';
import type { Rendered } from './render.ts';

export type EntryResult = 'written' | 'unchanged' | 'refused' | 'left alone';

/** What a batch of entries came to. */
export interface EntriesWritten {
  readonly settled: readonly (SettledEntry & { readonly result: EntryResult })[];
  /** Entries that show nothing any more, taken away. */
  readonly emptied: readonly DueEntry[];
  readonly letters: readonly DeadLetter[];
}

/** How long after an unknown outcome a late twin is looked for; within the hour (design.md §5, promise 2). */
const twinAfterMs = 30 * 60 * 1000;

/** Where an entry stands in the CRM, as a look has shown. */
interface Standing {
  readonly entryId: string | undefined;
  readonly twins: readonly string[];
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
  const { timeline } = connector;
  const looking = rendered.filter(({ due, homeId }) => homeId !== null && needsLook(due, homeId));
  const found = await findEntries(connector, looking);
  const standing = new Map(
    rendered.map((one) => [one.due.entryKey, standingOf(one, looking.includes(one) ? found : undefined)]),
  );

  const settled: (SettledEntry & { result: EntryResult })[] = [];
  const emptied: DueEntry[] = [];
  const writes: { readonly one: Rendered; readonly write: EntryWrite }[] = [];
  const stale: string[] = [...standing.values()].flatMap(({ twins }) => twins);
  for (const one of rendered) {
    const { due, homeId, entry, hash } = one;
    const entryId = standing.get(due.entryKey)?.entryId;
    if (entry === undefined) {
      if (entryId !== undefined) stale.push(entryId);
      emptied.push(due);
    } else if (homeId === null) {
      settled.push({ ...asBefore(due), hash: due.writtenHash, result: 'left alone' });
    } else if (entryId !== undefined && due.recordId === homeId && due.writtenHash?.equals(hash) === true) {
      settled.push({ ...asBefore(due), entryId, hash, result: 'unchanged' });
    } else {
      // It moves along with its contact: written on the new record, taken off the old one.
      if (due.entryId !== null && due.entryId !== entryId) stale.push(due.entryId);
      const write = { entry: { ...entry, recordId: homeId } };
      writes.push({ one, write: entryId === undefined ? write : { ...write, entryId } });
    }
  }
  await beforeNew(writes.filter(({ write }) => write.entryId === undefined).map(({ one }) => one.due));
  const outcomes = new Map(
    (
      await inHalves(
        writes.map(({ write }) => write),
        (part) => timeline.write(part, 'timeline'),
        ({ entry: { entryKey } }, { code, message }): EntryOutcome => ({
          entryKey,
          outcome: 'refused',
          code,
          explanation: message,
        }),
      )
    ).map((outcome) => [outcome.entryKey, outcome]),
  );
  for (let start = 0; start < stale.length; start += timeline.batchSize) {
    await timeline.remove(stale.slice(start, start + timeline.batchSize), 'timeline');
  }

  const letters: DeadLetter[] = [];
  for (const { one, write } of writes) {
    const { due, homeId, hash } = one;
    const outcome = outcomes.get(due.entryKey);
    if (outcome === undefined) continue;
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
    } else if (outcome.outcome === 'gone') {
      // Taken away by somebody: written anew once; its record itself may be gone, which the reconciler will find.
      const again = write.entryId !== undefined;
      settled.push({
        entry: due,
        recordId: homeId,
        entryId: null,
        hash: null,
        writtenAt: undefined,
        lookAgainAt: again ? at : undefined,
        result: 'left alone',
      });
    } else {
      settled.push({ ...asBefore(due), recordId: homeId, hash: null, result: 'refused' });
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
  return { settled, emptied, letters };
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

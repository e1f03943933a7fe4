import type { Connector, EntryOutcome, EntryWrite, FoundEntry } from '../../crm/index.ts';
import { SangamError } from '../../errors.ts';
import type { DeadLetter, DueEntry, EntryPlace, PostponedEntry, SettledEntry } from '../../store/index.ts';
import { type Calls, inHalves, itemWaitMs } from '../../work/index.ts';
import type { Rendered } from './render.ts';

export type EntryResult = 'written' | 'unchanged' | 'refused' | 'left alone';

/** What a batch of entries came to. One that is not here is tried, and nobody knows how that ended. */
export interface EntriesWritten {
  readonly settled: readonly (SettledEntry & { readonly result: EntryResult })[];
  /** Entries that show nothing any more, taken away. */
  readonly emptied: readonly DueEntry[];
  /** Entries the CRM takes at another time. */
  readonly postponed: readonly PostponedEntry[];
  /** Entries that were not called for. */
  readonly left: readonly DueEntry[];
  /** Records that seem to be gone: the CRM is to be asked. */
  readonly doubted: readonly string[];
  readonly letters: readonly DeadLetter[];
  /** Why a call failed as a whole; what others answered counts nevertheless. */
  readonly failure: SangamError | undefined;
  /** The CRM answered something before. */
  readonly heard: boolean;
}

/** How long after an unknown outcome a late twin is looked for; within the hour (docs/design.md §5, promise 2). */
const twinAfterMs = 30 * 60 * 1000;

/** Where an entry stands in the CRM, as far as is known. */
interface Standing {
  /** On its primary record. */
  readonly entryId: string | undefined;
  /** On another record: taken away once the entry stands on the primary one. */
  readonly elsewhere: string | undefined;
  /** Too many in any case. */
  readonly twins: readonly string[];
}

interface Found {
  readonly records: ReadonlySet<string>;
  readonly byKey: ReadonlyMap<string, FoundEntry[]>;
}

interface Writing {
  readonly one: Rendered;
  readonly primaryId: string;
  readonly write: EntryWrite;
  readonly standing: Standing;
}

/**
 * Brings entries to what they should show. One that may stand somewhere, or whose record is another by now, is looked
 * for before it is written, on the primary record and where it was tried; what stands twice is taken away. That it may stand
 * somewhere is forgotten only when it is written, or found as it should be: no other outcome says anything about the
 * try before.
 */
export async function writeEntries(
  calls: Calls,
  connector: Connector,
  connectionId: string,
  rendered: readonly Rendered[],
  beforeNew: (places: readonly EntryPlace[]) => Promise<void>,
  now: () => number,
): Promise<EntriesWritten> {
  const looking = new Set(rendered.filter(needsLook));
  const found = await findEntries(connector, [...looking]);

  const settled: (SettledEntry & { result: EntryResult })[] = [];
  const emptied: DueEntry[] = [];
  const writing: Writing[] = [];
  const taking: Taking[] = [];
  for (const one of rendered) {
    const { due, primaryId, entry, hash } = one;
    const standing = standingOf(one, looking.has(one) ? found : undefined);
    const { entryId, elsewhere, twins } = standing;
    taking.push(...twins.map((twin) => ({ due, entryId: twin })));
    if (entry === undefined || (primaryId === null && due.onFormerRecord)) {
      taking.push(...[entryId, elsewhere].flatMap((id) => (id === undefined ? [] : [{ due, entryId: id }])));
      if (entry === undefined) emptied.push(due);
      else settled.push({ ...nowhere(due), hash: null, result: 'left alone' });
    } else if (primaryId === null) {
      settled.push({ ...asBefore(due), hash: null, result: 'left alone' });
    } else if (
      entryId !== undefined &&
      entryId === due.entryId &&
      due.recordId === primaryId &&
      due.writtenHash?.equals(hash) === true
    ) {
      settled.push({ ...asBefore(due), tried: false, hash, result: 'unchanged' });
      if (elsewhere !== undefined) taking.push({ due, entryId: elsewhere });
    } else {
      const write = { entry: { ...entry, recordId: primaryId } };
      writing.push({
        one,
        primaryId,
        write: entryId === undefined ? write : { ...write, entryId },
        standing,
      });
    }
  }
  const {
    outcomes,
    left: uncalled,
    failure,
  } = await write(calls, connector, writing, (part) =>
    beforeNew(
      part
        .filter((one) => one.write.entryId === undefined)
        .map(({ one, primaryId, standing }) => ({
          entry: one.due,
          recordId: primaryId,
          entryId: standing.elsewhere ?? null,
        })),
    ),
  );

  const letters: DeadLetter[] = [];
  const postponed: PostponedEntry[] = [];
  const doubted = new Set<string>();
  for (const { one, primaryId, write: written, standing } of writing) {
    const { due, hash } = one;
    const outcome = outcomes.get(due.entryKey);
    if (outcome === undefined || outcome.outcome === 'unknown') continue;
    const at = now();
    if (outcome.outcome === 'written') {
      settled.push({
        entry: due,
        recordId: primaryId,
        entryId: outcome.entryId,
        tried: false,
        hash,
        writtenAt: at,
        lookAgainAt: due.tried ? at + twinAfterMs : undefined,
        result: 'written',
      });
      if (standing.elsewhere !== undefined) taking.push({ due, entryId: standing.elsewhere });
      continue;
    }
    const before = { ...asBefore(due), entryId: due.entryId ?? standing.elsewhere ?? null };
    if (outcome.outcome === 'gone' && written.entryId !== undefined && !looking.has(one)) {
      // Taken away by somebody, or moved along with its record.
      postponed.push({ ...before, tried: true, until: at });
      continue;
    }
    if (outcome.outcome === 'gone') doubted.add(primaryId);
    const refusal = outcome.outcome === 'gone' ? recordGone : outcome;
    const waitMs = 'retry' in refusal ? itemWaitMs(refusal.retry, due.attempts + 1) : undefined;
    if (waitMs !== undefined) {
      postponed.push({ ...before, until: at + waitMs });
      continue;
    }
    const recordId = before.entryId === null && !due.tried ? primaryId : due.recordId;
    settled.push({ ...before, recordId, hash: null, result: 'refused' });
    letters.push({
      reason: `timeline_${refusal.code}`,
      aboutTimeline: true,
      explanation: refusal.explanation,
      source: 'crm',
      connectionId,
      contactId: due.contactId,
      receivedAt: at,
    });
  }

  // A keyed CRM moves what stood elsewhere: what a write answered stands.
  const stands = new Set(settled.flatMap(({ entryId }) => entryId ?? []));
  const { left, failure: removalFailure } = await takeAway(
    connector,
    taking.filter(({ entryId }) => !stands.has(entryId)),
  );
  return {
    settled: settled.filter(({ entry }) => !left.has(entry)),
    emptied: emptied.filter((due) => !left.has(due)),
    postponed: postponed.filter(({ entry }) => !left.has(entry)),
    left: uncalled.map(({ one }) => one.due),
    doubted: [...doubted],
    letters,
    failure: failure ?? removalFailure,
    heard: outcomes.size > 0,
  };
}

/** Writes in as few calls as the CRM allows; a call that fails leaves what others answered. */
async function write(
  calls: Calls,
  { timeline, traits }: Connector,
  writing: readonly Writing[],
  beforePart: (part: readonly Writing[]) => Promise<void>,
): Promise<{
  outcomes: ReadonlyMap<string, EntryOutcome>;
  left: readonly Writing[];
  failure: SangamError | undefined;
}> {
  const outcomes = new Map<string, EntryOutcome>();
  const answered = (some: readonly EntryOutcome[]): void => {
    for (const outcome of some) outcomes.set(outcome.entryKey, outcome);
  };
  try {
    const { answers, left } = await calls.inParts(writing, traits.sizes.entries, async (part) => {
      await beforePart(part);
      return inHalves(
        part.map((one) => one.write),
        async (half) => {
          const some = await timeline.write(half, 'timeline');
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
    });
    answered(answers);
    return { outcomes, left, failure: calls.failure };
  } catch (error) {
    if (!(error instanceof SangamError)) throw error;
    return { outcomes, left: [], failure: error };
  }
}

interface Taking {
  readonly due: DueEntry;
  readonly entryId: string;
}

/** Takes entries away; returns whose are left, where a call failed. */
async function takeAway(
  { timeline, traits }: Connector,
  taking: readonly Taking[],
): Promise<{ left: ReadonlySet<DueEntry>; failure: SangamError | undefined }> {
  const { entries: most } = traits.sizes;
  for (let start = 0; start < taking.length; start += most) {
    const part = taking.slice(start, start + most);
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

/** Of a contact without a record what stands is where it stood, unless that is somebody else's; it is looked for to be taken away. */
function needsLook({ due, primaryId, entry }: Rendered): boolean {
  const doubtful = due.tried || due.twinCheck;
  if (primaryId === null) return doubtful && (entry === undefined || due.onFormerRecord);
  return doubtful || (due.entryId !== null && due.recordId !== primaryId);
}

async function findEntries(connector: Connector, looking: readonly Rendered[]): Promise<Found> {
  const records = new Set(
    looking.flatMap(({ due, primaryId }) => [
      ...(primaryId === null ? [] : [primaryId]),
      ...(due.recordId === null || !(due.tried || due.twinCheck) ? [] : [due.recordId]),
    ]),
  );
  const asked = [...records];
  const found: FoundEntry[] = [];
  const { findEntries: most } = connector.traits.sizes;
  for (let start = 0; start < asked.length; start += most) {
    const part = asked.slice(start, start + most);
    found.push(...(await connector.timeline.find(part, 'timeline')));
  }
  return { records, byKey: Map.groupBy(found, ({ entryKey }) => entryKey) };
}

/** Of an entry's twins the oldest stays, which has the shortest and lowest id. */
function standingOf({ due, primaryId }: Rendered, found: Found | undefined): Standing {
  const known = due.entryId ?? undefined;
  if (found === undefined) {
    return due.recordId === primaryId || primaryId === null
      ? { entryId: known, elsewhere: undefined, twins: [] }
      : { entryId: undefined, elsewhere: known, twins: [] };
  }
  const entries = found.byKey.get(due.entryKey) ?? [];
  const isStray = ({ recordId }: FoundEntry): boolean =>
    recordId !== primaryId && found.records.has(recordId);
  const primary = idsOf(entries.filter((entry) => !isStray(entry)));
  const strays = idsOf(entries.filter(isStray)).filter((id) => !primary.includes(id));
  const [entryId, ...twins] = primary;
  const elsewhere = known === undefined || primary.includes(known) ? strays[0] : known;
  return { entryId, elsewhere, twins: [...twins, ...strays.filter((id) => id !== elsewhere)] };
}

function idsOf(entries: readonly FoundEntry[]): string[] {
  return [...new Set(entries.map(({ entryId }) => entryId))].toSorted(
    (x, y) => x.length - y.length || (x < y ? -1 : 1),
  );
}

/** Where it stands and may stand is as it was. */
function asBefore(due: DueEntry): Omit<SettledEntry, 'hash'> {
  return {
    entry: due,
    recordId: due.recordId,
    entryId: due.entryId,
    tried: due.tried,
    writtenAt: undefined,
    lookAgainAt: undefined,
  };
}

/** It is taken away, and waits until its contact has a record. */
function nowhere(due: DueEntry): Omit<SettledEntry, 'hash'> {
  return { ...asBefore(due), recordId: null, entryId: null, tried: false };
}

/** What is said of an entry whose record the CRM has not, though it goes on naming it when it is asked. */
const recordGone = {
  code: 'record_gone',
  retry: 'later',
  explanation:
    'The CRM says that the record is not there. Restore it, or tie the person to another one, and replay.',
} as const;

import type {
  EntryOutcome,
  EntryWrite,
  FoundEntry,
  Priority,
  Timeline,
  TimelineEntry,
} from '@sangam/core/crm';
import { entryKeyIn } from '../shared/timeline-body.ts';
import type { AbsentProperties } from './absent-properties.ts';
import type { HubspotAnswer, HubspotClient } from './client.ts';
import { refusalError } from './errors.ts';
import {
  archiveCommunications,
  bodyOf,
  communicationsOn,
  createCommunications,
  readCommunications,
  rewriteCommunications,
} from './communication-api.ts';
import { outcomesOf, refusalsIn } from './outcomes.ts';
import { readRecords } from './read.ts';
import type { BatchAnswer } from './record-api.ts';
import { batchSize, bodyShape } from './vendor.ts';

type Rewrite = EntryWrite & { readonly entryId: string };

/**
 * A record's conversations as logged WhatsApp communications, docs/vendors/hubspot.md §4.5. Findable: each body ends in
 * its entry's key.
 */
export function createTimeline(client: HubspotClient, absent: AbsentProperties): Timeline {
  const standing = async (recordIds: readonly string[], priority: Priority): Promise<ReadonlySet<string>> => {
    const unique = [...new Set(recordIds)];
    const records = await readRecords(client, absent, unique, [], priority);
    return new Set(records.map(({ askedAs }) => askedAs));
  };

  const create = (entries: readonly TimelineEntry[], priority: Priority): Promise<EntryOutcome[]> =>
    writePresent(
      entries.map((entry) => ({ entry })),
      (some) =>
        createCommunications(
          client,
          some.map(({ entry }) => entry),
          priority,
        ),
      async (some) => {
        const there = await standing(
          some.map(({ entry }) => entry.recordId),
          priority,
        );
        return ({ entry }) => there.has(entry.recordId);
      },
    );

  const rewrite = (rewrites: readonly Rewrite[], priority: Priority): Promise<EntryOutcome[]> =>
    writePresent(
      rewrites,
      (some) => rewriteCommunications(client, some, priority),
      async (some) => {
        const found = await readCommunications(
          client,
          some.map(({ entryId }) => entryId),
          priority,
        );
        const there = new Set(found.map(({ entryId }) => entryId));
        return ({ entryId }) => there.has(entryId);
      },
    );

  return {
    async write(writes, priority) {
      mustFit(writes);
      const rewrites = writes.filter((write): write is Rewrite => write.entryId !== undefined);
      const fresh = writes.filter(({ entryId }) => entryId === undefined).map(({ entry }) => entry);
      // Rewrites first: should the creation after them get no answer, repeating them does no harm.
      return [...(await rewrite(rewrites, priority)), ...(await create(fresh, priority))];
    },

    async find(recordIds, priority) {
      mustFit(recordIds);
      const found: FoundEntry[] = [];
      if (recordIds.length === 0) return found;
      const standing = await communicationsOn(client, recordIds, priority);
      for (let start = 0; start < standing.length; start += batchSize) {
        const some = standing.slice(start, start + batchSize);
        const ids = [...new Set(some.map(({ entryId }) => entryId))];
        const bodies = await readCommunications(client, ids, priority);
        const keys = new Map(bodies.map(({ entryId, body }) => [entryId, entryKeyIn(body, bodyShape.form)]));
        for (const { recordId, entryId } of some) {
          const entryKey = keys.get(entryId);
          if (entryKey !== undefined) found.push({ entryKey, entryId, recordId });
        }
      }
      return found;
    },

    async remove(entryIds, priority) {
      mustFit(entryIds);
      if (entryIds.length > 0) await remove(client, entryIds, priority);
    },
  };
}

/** What is not there is no error, and must not keep the others. */
async function remove(client: HubspotClient, entryIds: readonly string[], priority: Priority): Promise<void> {
  const answer = await archiveCommunications(client, entryIds, priority);
  if (answer.ok) return;
  if (answer.refusal.code !== 'not_found') throw refusalError(answer.refusal);
  if (entryIds.length > 1) for (const entryId of entryIds) await remove(client, [entryId], priority);
}

/** Writes; what HubSpot refuses may be for want of a record or entry, and those that are there are written without it. */
async function writePresent<Write extends EntryWrite>(
  writes: readonly Write[],
  send: (writes: readonly Write[]) => Promise<HubspotAnswer<BatchAnswer>>,
  look: (writes: readonly Write[]) => Promise<(write: Write) => boolean>,
): Promise<EntryOutcome[]> {
  if (writes.length === 0) return [];
  let answer = await send(writes);
  const refused = refusalsIn(answer).some(({ code }) => code === 'not_found' || code === 'batch_refused');
  if (!refused) return toEntryOutcomes(writes, answer);

  const isThere = await look(writes);
  const gone = writes.filter((write) => !isThere(write));
  const present = writes.filter(isThere);
  const goneOutcomes = gone.map(({ entry }): EntryOutcome => ({ entryKey: entry.entryKey, outcome: 'gone' }));
  // In a partial answer the others have been written.
  if (!answer.ok && gone.length > 0 && present.length > 0) answer = await send(present);
  return present.length === 0 ? goneOutcomes : [...goneOutcomes, ...toEntryOutcomes(present, answer)];
}

function toEntryOutcomes(writes: readonly EntryWrite[], answer: HubspotAnswer<BatchAnswer>): EntryOutcome[] {
  const items = writes.map(({ entry }) => ({ item: entry.entryKey, values: {} }));
  const keyOf = new Map(writes.map(({ entry, entryId }) => [entryId, entry.entryKey]));
  const outcomes = outcomesOf(
    items,
    answer,
    (result) =>
      result.objectWriteTraceId ?? keyOf.get(result.id) ?? entryKeyIn(bodyOf(result), bodyShape.form),
  );
  return outcomes.map((outcome): EntryOutcome => {
    const { item: entryKey, ...rest } = outcome;
    switch (rest.outcome) {
      case 'written':
        return { entryKey, outcome: 'written', entryId: rest.recordId };
      case 'refused':
        return { entryKey, outcome: 'refused', code: rest.code, explanation: rest.explanation };
      case 'taken':
      case 'exists':
        return { entryKey, outcome: 'refused', code: 'taken', explanation: rest.explanation };
      case 'gone':
      case 'later':
      case 'unknown':
        return { entryKey, ...rest };
    }
  });
}

function mustFit(items: readonly unknown[]): void {
  if (items.length > batchSize) throw new RangeError(`${items.length} in one call of at most ${batchSize}`);
}

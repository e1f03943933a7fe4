import type { Clock } from '../../clock.ts';
import {
  type InboxRow,
  isDataError,
  tryLockWorkspace,
  readInbox,
  removeFromInbox,
  type Store,
} from '../../store/index.ts';
import {
  type Dispatcher,
  type TickFailed,
  QueueWorker,
  type TraitsOf,
  traceBatch,
} from '../../work/index.ts';
import type { ChannelEntry, Directory } from '../directory.ts';
import { type Applied, applyBatch } from './apply-batch.ts';
import { letterOf } from '../event-letter.ts';
import { parkEvents } from './park.ts';
import type { ErasureKeyOf } from '../erased.ts';

/** Most events one workspace has applied before another's is served. */
const eventsATick = 500;
/** While others have work too: a tick keeps the processor for a few milliseconds (`pnpm bench neighbour`). */
const eventsACrowdedTick = 32;

export interface ApplyCounts {
  applied(outcome: Applied, batch: AppliedBatch): void;
  /** A tick failed for a reason outside the events; it is taken again. */
  failed: TickFailed;
}

interface AppliedBatch {
  readonly workspaceId: string;
  readonly ms: number;
}

/** Applies what is in the inbox, fairly between workspaces, until stopped. */
export function createApplier(dependencies: {
  store: Store;
  directory: Directory;
  traitsOf: TraitsOf;
  erasureKeyOf: ErasureKeyOf;
  clock: Clock;
  dispatcher: Dispatcher;
  counts: ApplyCounts;
}): QueueWorker {
  const { store, directory, clock, dispatcher, counts } = dependencies;

  const channelsOf = async (rows: readonly InboxRow[]): Promise<ReadonlyMap<string, ChannelEntry>> => {
    const channels = new Map<string, ChannelEntry>();
    for (const channelId of new Set(rows.map((row) => row.channelId))) {
      if (channelId === null) continue;
      const channel = await directory.channelById(channelId);
      if (channel !== undefined) channels.set(channelId, channel);
    }
    return channels;
  };

  /** Tells of a batch that was begun at `since` of the monotonic clock. */
  const tell = (workspaceId: string, rows: readonly InboxRow[], applied: Applied, since: number): void => {
    const ms = performance.now() - since;
    counts.applied(applied, { workspaceId, ms });
    traceBatch({
      step: 'apply',
      traceparents: rows.map((row) => row.traceparent),
      startedAt: Date.now() - ms,
      attributes: {
        'sangam.workspace_id': workspaceId,
        'messaging.batch.message_count': applied.events,
        'sangam.parked': applied.parked.length,
      },
    });
  };

  /** Halves a batch that fails on its data until the culprit stands alone and its neighbours are through. */
  const applyOrHalve = async (workspaceId: string, rows: readonly InboxRow[]): Promise<void> => {
    const since = performance.now();
    const channels = await channelsOf(rows);
    try {
      const applied = await store.transact(workspaceId, async (trx) =>
        (await tryLockWorkspace(trx)) ? applyBatch(trx, rows, channels, dependencies) : undefined,
      );
      if (applied !== undefined) tell(workspaceId, rows, applied, since);
    } catch (error) {
      if (!isDataError(error)) throw error;
      const [culprit] = rows;
      if (rows.length === 1 && culprit !== undefined) await parkAlone(workspaceId, culprit, error);
      else {
        const middle = Math.ceil(rows.length / 2);
        await applyOrHalve(workspaceId, rows.slice(0, middle));
        await applyOrHalve(workspaceId, rows.slice(middle));
      }
    }
  };

  const parkAlone = async (workspaceId: string, row: InboxRow, error: Error): Promise<void> => {
    const since = performance.now();
    const letter = letterOf(row, {
      reason: 'not applicable',
      explanation: `The database refused this event: ${error.message}. Replay it once the cause is mended.`,
    });
    await store.transact(workspaceId, async (trx) => {
      await parkEvents(trx, [letter], clock.now());
      await removeFromInbox(trx, [row]);
    });
    const { eventKey, lane } = row;
    tell(
      workspaceId,
      [row],
      {
        events: 1,
        parked: [letter.reason],
        kept: [],
        differing: 0,
        newContacts: 0,
        each: () => [{ eventKey: eventKey.toString('hex'), lane, outcome: 'parked' }],
      },
      since,
    );
  };

  return new QueueWorker(dispatcher, {
    queue: 'inbox',
    failed: counts.failed,
    async tick({ workspaceId }, crowded) {
      const since = performance.now();
      let taken: readonly InboxRow[] = [];
      const outcome = await store
        .transact(workspaceId, async (trx) => {
          if (!(await tryLockWorkspace(trx))) return 'another process has it' as const;
          const rows = await readInbox(trx, crowded ? eventsACrowdedTick : eventsATick);
          if (rows.length === 0) return undefined;
          taken = rows;
          return applyBatch(trx, rows, await channelsOf(rows), dependencies);
        })
        .catch(async (error: unknown) => {
          if (!isDataError(error) || taken.length === 0) throw error;
          await applyOrHalve(workspaceId, taken);
          return 'halved' as const;
        });
      if (outcome === 'another process has it') return 'later';
      if (outcome === undefined) return 'done';
      if (outcome !== 'halved') tell(workspaceId, taken, outcome, since);
      return 'more';
    },
  });
}

import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { SangamError } from '../../errors.ts';
import {
  addCounts,
  type ConnectionRow,
  connectionsOf,
  contactsOfPhones,
  forgetEntries,
  leaseEntries,
  markEntriesTried,
  parkDeadLetters,
  returnEntries,
  settleEntries,
  type Store,
} from '../../store/index.ts';
import { BatchSizes } from '../batch-sizes.ts';
import { callFailed, callNotMade, callWent, mayCall } from '../breaker.ts';
import type { Connectors } from '../connectors.ts';
import { type TurnOutcome, TurnTaker } from '../turns.ts';
import { renderEntries } from './render.ts';
import { type EntryResult, writeEntries } from './write-entries.ts';

/** Longer than any call may take (design.md §4). */
const leaseMs = 60_000;
/** Least time between two batches of one connection, unless the last was full. */
const lingerMs = 500;

export interface TimelineCounts {
  written(crm: string, outcome: EntryResult, entries: number): void;
  callFailed(crm: string, error: SangamError): void;
  failed(error: unknown): void;
}

/** Writes what records show of conversations, until stopped. */
export function createTimelineWriter(dependencies: {
  store: Store;
  clock: Clock;
  counts: TimelineCounts;
  connectors: Connectors;
}): TurnTaker {
  const { store, clock, counts, connectors } = dependencies;

  /** When a connection's next batch may go, on the monotonic clock. */
  const nextBatchAt = new Map<string, number>();
  const sizes = new BatchSizes();

  const turnFor = async (workspaceId: string, connection: ConnectionRow): Promise<TurnOutcome> => {
    const { connectionId, settings } = connection;
    if (connection.mode === 'shadow') return 'done';
    if (performance.now() < (nextBatchAt.get(connectionId) ?? 0)) return 'later';
    const leave = await mayCall(store, connection, 'timeline', clock.now());
    if (leave === undefined) return 'done';
    const lease = randomUUID();
    let size = 1;
    let leased: readonly string[] = [];
    let settleMs = 0;
    try {
      const connector = await connectors.of(connection);
      const { timeline, traits } = connector;
      settleMs = traits.settleMs;
      const most = timeline.batchSize;
      size = sizes.of(connection, most);
      const rendered = await store.transact(workspaceId, async (trx) => {
        const now = clock.now();
        const only =
          connection.mode === 'test' ? await contactsOfPhones(trx, connection.testPhones) : undefined;
        const due = await leaseEntries(trx, { connectionId, lease, size, now, leaseMs, only });
        return due.length === 0 ? [] : renderEntries(trx, due, settings);
      });
      if (rendered.length === 0) {
        await callNotMade(store, connection, leave, clock.now());
        return 'done';
      }
      leased = rendered.map(({ due }) => due.entryKey);
      const full = rendered.length === size;
      nextBatchAt.set(connectionId, performance.now() + (full ? 0 : lingerMs));
      const { settled, emptied, letters } = await writeEntries(
        connector,
        connectionId,
        rendered,
        (entries) => store.transact(workspaceId, (trx) => markEntriesTried(trx, lease, entries)),
        () => clock.now(),
      );
      await store.transact(workspaceId, async (trx) => {
        await parkDeadLetters(trx, letters, clock.now());
        const done = new Set(await settleEntries(trx, lease, settled));
        await forgetEntries(
          trx,
          emptied.map(({ entryKey }) => entryKey),
        );
        const handled = new Set(
          [...settled.map(({ entry }) => entry), ...emptied].map(({ entryKey }) => entryKey),
        );
        const unanswered = leased.filter((entryKey) => !handled.has(entryKey));
        await returnEntries(trx, lease, unanswered, clock.now() + settleMs);
        await addCounts(trx, [
          ...settled
            .filter(({ entry }) => done.has(entry.entryKey))
            .map(({ entry, result }) => ({
              name: `entries ${result}` as const,
              at: entry.markedAt,
              count: 1,
              connectionId,
            })),
          ...emptied.map(({ markedAt }) => ({
            name: 'entries left alone' as const,
            at: markedAt,
            count: 1,
            connectionId,
          })),
        ]);
      });
      for (const { result } of settled) counts.written(connection.crm, result, 1);
      sizes.went(connection, size, most);
      await callWent(store, connection, clock.now());
      return 'more';
    } catch (error) {
      if (!(error instanceof SangamError)) throw error;
      counts.callFailed(connection.crm, error);
      if (error.code !== 'limit_wait') sizes.failed(connection, size);
      if (error.code === 'limit_wait' && typeof error.retry === 'object') {
        nextBatchAt.set(connectionId, performance.now() + error.retry.afterMs);
        await callNotMade(store, connection, leave, clock.now());
      }
      // What may still happen late is given its time before anybody looks.
      const now = clock.now();
      const retryAt = error.code === 'limit_wait' ? now : now + settleMs;
      await store.transact(workspaceId, (trx) => returnEntries(trx, lease, leased, retryAt));
      if (await callFailed(store, connection, error, now)) connectors.forget(connectionId);
      return 'done';
    }
  };

  return new TurnTaker({
    waiting: () => store.workspacesWithWork('timeline_entries'),
    failed: (error) => counts.failed(error),
    async turn(workspaceId) {
      const connections = await store.transact(workspaceId, connectionsOf);
      const outcomes = await Promise.all(connections.map((connection) => turnFor(workspaceId, connection)));
      if (outcomes.includes('more')) return 'more';
      return outcomes.includes('later') ? 'later' : 'done';
    },
  });
}

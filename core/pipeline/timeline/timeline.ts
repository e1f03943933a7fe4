import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { SangamError } from '../../errors.ts';
import {
  addCounts,
  type ConnectionRow,
  contactsOfPhones,
  type CountName,
  dropUnlinked,
  type DueEntry,
  forgetEntries,
  leaseEntries,
  markEntriesTried,
  markPriority,
  markRecords,
  parkDeadLetters,
  postponeEntries,
  returnEntries,
  settleEntries,
  type Store,
  type WorkspaceTransaction,
  writableConnection,
} from '../../store/index.ts';
import {
  callPlaceMs,
  ofConnection,
  type Dispatcher,
  type TickFailed,
  type TickOutcome,
  QueueWorker,
} from '../../work/index.ts';
import { BatchSizes } from '../batch-sizes.ts';
import { Calls } from '../calls.ts';
import { callFailed, callNotMade, callWent, mayCall } from '../breaker.ts';
import type { Connectors } from '../connectors.ts';
import { type OfConnection, traceWrites, type WrittenBatch } from '../written-batch.ts';
import { renderEntries } from './render.ts';
import { type EntriesWritten, type EntryResult, writeEntries } from './write-entries.ts';

export type { EntryResult } from './write-entries.ts';

/** Longer than any call may take (docs/design.md §4). */
const leaseMs = 60_000;
/** Least time between two batches of one connection, unless the last was full. */
const lingerMs = 500;
/** Records are made a batch a time, each of which makes entries due. */
const gatherMs = 250;

export interface TimelineCounts {
  written(batch: WrittenBatch<EntryResult>): void;
  callFailed(connection: OfConnection, error: SangamError): void;
  failed: TickFailed;
}

/** Writes what records show of conversations, until stopped. */
export function createTimelineWriter(dependencies: {
  store: Store;
  clock: Clock;
  dispatcher: Dispatcher;
  counts: TimelineCounts;
  connectors: Connectors;
}): QueueWorker {
  const { store, clock, dispatcher, counts, connectors } = dependencies;

  /** When a connection's next batch may go, on the monotonic clock. */
  const nextBatchAt = new Map<string, number>();
  const sizes = new BatchSizes();

  const tickFor = async (connection: ConnectionRow): Promise<TickOutcome> => {
    const { workspaceId, connectionId } = connection;
    if (connection.mode === 'shadow') return 'done';
    if (performance.now() < (nextBatchAt.get(connectionId) ?? 0)) return 'later';
    const leave = await mayCall(store, connection, 'timeline', clock.now());
    if (leave === undefined) return 'done';
    const lease = randomUUID();
    let since = performance.now();
    let size = 1;
    let leased: readonly DueEntry[] = [];
    let settleMs = 0;
    let heard = false;
    try {
      const connector = await connectors.of(connection);
      const { traits } = connector;
      settleMs = traits.settleMs;
      const most = traits.leaseSize;
      size = sizes.of(connection, most);
      // What it opened the account for may have been something else.
      since = performance.now();
      const { rendered, taken } = await store.transact(workspaceId, async (trx) => {
        const now = clock.now();
        const decided = await writableConnection(trx, connectionId);
        if (decided === undefined) return { rendered: [], taken: 0 };
        const only = decided.mode === 'test' ? await contactsOfPhones(trx, decided.testPhones) : undefined;
        const due = await leaseEntries(trx, { connectionId, lease, size, now, leaseMs, only });
        // What stands somewhere may have to be taken away, whether its contact has a record or not.
        const isUnlinked = ({ primaryId, entryId, tried }: DueEntry): boolean =>
          primaryId === null && entryId === null && !tried;
        const dropped = await dropUnlinked(trx, connectionId, lease, due.filter(isUnlinked), now);
        await addCounts(trx, countsOf(connectionId, 'entries left alone', dropped));
        const placed = due.filter((entry) => !isUnlinked(entry));
        return {
          rendered: placed.length === 0 ? [] : await renderEntries(trx, placed, decided.settings),
          taken: due.length,
        };
      });
      const full = taken === size;
      if (rendered.length === 0) {
        await callNotMade(store, connection, leave);
        return full ? 'more' : 'done';
      }
      leased = rendered.map(({ due }) => due);
      nextBatchAt.set(connectionId, performance.now() + (full ? 0 : lingerMs));
      const written = await writeEntries(
        new Calls(since + leaseMs),
        connector,
        connectionId,
        rendered,
        (places) => store.transact(workspaceId, (trx) => markEntriesTried(trx, lease, places)),
        () => clock.now(),
      );
      const now = clock.now();
      // What may still happen late is given its time before anybody looks; a call our own limits held back cannot.
      const unanswered = written.failure?.code !== 'limit_wait';
      const retryAt = unanswered ? now + settleMs : now;
      await store.transact(workspaceId, (trx) =>
        remember(trx, { connectionId, lease, leased, retryAt, unanswered }, written, now),
      );
      if (written.settled.length > 0) {
        const outcomes = new Map<EntryResult, number>();
        for (const { result } of written.settled) outcomes.set(result, (outcomes.get(result) ?? 0) + 1);
        const { crm } = connection;
        counts.written({ workspaceId, connectionId, crm, outcomes, ms: performance.now() - since });
      }
      if (written.failure !== undefined) {
        heard = written.heard;
        if (heard) await callWent(store, connection, now);
        throw written.failure;
      }
      traceWrites('write timeline', connection, leased, since);
      sizes.went(connection, size, most);
      await callWent(store, connection, now);
      return 'more';
    } catch (error) {
      if (!(error instanceof SangamError)) throw error;
      counts.callFailed(connection, error);
      traceWrites('write timeline', connection, leased, since, error.code);
      if (error.code !== 'limit_wait') sizes.failed(connection, size);
      const limited = error.code === 'limit_wait' && typeof error.retry === 'object';
      if (limited) await callNotMade(store, connection, leave);
      const now = clock.now();
      const retryAt = error.code === 'limit_wait' ? now : now + settleMs;
      await store.transact(workspaceId, (trx) =>
        returnEntries(trx, lease, keysOf(leased), { retryAt, unanswered: false }),
      );
      const told = { ...connection, failedAttempts: heard ? 0 : connection.failedAttempts };
      if (await callFailed(store, told, error, 'timeline', now)) connectors.forget(connectionId);
      return limited ? { notBefore: now + error.retry.afterMs } : 'done';
    }
  };

  const { failed } = counts;
  return new QueueWorker(dispatcher, {
    queue: 'timeline',
    failed,
    placeMs: callPlaceMs,
    gatherMs,
    tick: ofConnection(store, tickFor),
  });
}

/** Ends the leases of a batch in the ways it came to, and counts what is done. */
async function remember(
  trx: WorkspaceTransaction,
  batch: {
    readonly connectionId: string;
    readonly lease: string;
    readonly leased: readonly DueEntry[];
    /** When to look for what nobody answered. */
    readonly retryAt: number;
    readonly unanswered: boolean;
  },
  { settled, emptied, postponed, left, doubted, letters }: EntriesWritten,
  now: number,
): Promise<void> {
  const { connectionId, lease, leased, retryAt, unanswered } = batch;
  await markRecords(trx, connectionId, doubted, { priority: markPriority.fields, reread: true }, now);
  await parkDeadLetters(trx, letters, now);
  const done = new Set(await settleEntries(trx, lease, settled));
  const forgotten = new Set(await forgetEntries(trx, lease, emptied));
  await postponeEntries(trx, lease, postponed);
  const handled = new Set(
    [...settled, ...postponed, ...emptied.map((entry) => ({ entry }))].map(({ entry }) => entry.entryKey),
  );
  for (const { entryKey } of left) handled.add(entryKey);
  await returnEntries(trx, lease, keysOf(left), { retryAt: now, unanswered: false });
  await returnEntries(
    trx,
    lease,
    keysOf(leased).filter((entryKey) => !handled.has(entryKey)),
    { retryAt, unanswered },
  );
  const results = Map.groupBy(
    settled.filter(({ entry }) => done.has(entry.entryKey)),
    ({ result }) => result,
  );
  await addCounts(trx, [
    ...[...results].flatMap(([result, some]) =>
      countsOf(
        connectionId,
        `entries ${result}`,
        some.map(({ entry }) => entry),
      ),
    ),
    ...countsOf(
      connectionId,
      'entries left alone',
      emptied.filter(({ entryKey }) => forgotten.has(entryKey)),
    ),
  ]);
}

const keysOf = (entries: readonly DueEntry[]): string[] => entries.map(({ entryKey }) => entryKey);

/** What the statement of a day counts: each entry by when it fell due. */
function countsOf(
  connectionId: string,
  name: CountName,
  entries: readonly DueEntry[],
): Parameters<typeof addCounts>[1][number][] {
  return entries.map(({ markedAt }) => ({ name, at: markedAt, count: 1, connectionId }));
}

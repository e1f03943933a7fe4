import type { Clock } from '../../clock.ts';
import type { Connector } from '../../crm/index.ts';
import type { SangamError } from '../../errors.ts';
import {
  addCounts,
  type ConnectionRow,
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
} from '../../store/index.ts';
import {
  type Connectors,
  createAccountWorker,
  type Dispatcher,
  type OfConnection,
  type QueueWorker,
  type TickFailed,
  withinLease,
  type WrittenBatch,
} from '../../work/index.ts';
import { type Rendered, renderEntries } from './render.ts';
import { type EntriesWritten, type EntryResult, writeEntries } from './write-entries.ts';

export type { EntryResult } from './write-entries.ts';

const lingerMs = 500;
/** Records are made a batch a time, each of which makes entries due. */
const gatherMs = 250;

export interface TimelineCounts {
  written(batch: WrittenBatch<EntryResult>): void;
  callFailed(connection: OfConnection, error: SangamError): void;
  failed: TickFailed;
}

/** Due entries as they are to be written. */
interface TimelineWork {
  readonly connection: ConnectionRow;
  readonly connector: Connector;
  readonly rendered: readonly Rendered[];
}

/** Writes what records show of conversations, until stopped. */
export function createTimelineWriter(dependencies: {
  store: Store;
  clock: Clock;
  dispatcher: Dispatcher;
  counts: TimelineCounts;
  connectors: Connectors;
}): QueueWorker {
  const { store, clock } = dependencies;
  return createAccountWorker<DueEntry, TimelineWork, EntryResult>(dependencies, {
    queue: 'timeline',
    step: 'write timeline',
    lingerMs,
    gatherMs,
    async take(trx, { connection, connector, lease, leaseMs, size, now }) {
      const { connectionId, settings } = connection;
      const due = await leaseEntries(trx, { connection, lease, size, now, leaseMs });
      // What stands somewhere may have to be taken away, whether its contact has a record or not.
      const isUnlinked = ({ primaryId, entryId, tried }: DueEntry): boolean =>
        primaryId === null && entryId === null && !tried;
      const dropped = await dropUnlinked(trx, connectionId, lease, due.filter(isUnlinked), now);
      await addCounts(trx, countsOf(connectionId, 'entries left alone', dropped));
      const leased = due.filter((entry) => !isUnlinked(entry));
      const rendered = leased.length === 0 ? [] : await renderEntries(trx, leased, settings);
      return { leased, full: due.length === size, work: { connection, connector, rendered } };
    },
    async write({ connection, connector, rendered }, lease, calls) {
      const { workspaceId, connectionId } = connection;
      const written = await writeEntries(
        calls,
        withinLease(connector, calls),
        connectionId,
        rendered,
        (places) => store.transact(workspaceId, (trx) => markEntriesTried(trx, lease, places)),
        () => clock.now(),
      );
      const now = clock.now();
      // What may still happen late is given its time before anybody looks; a call our own limits held back cannot.
      const unanswered = written.failure?.code !== 'limit_wait';
      const retryAt = unanswered ? now + connector.traits.settleMs : now;
      const leased = rendered.map(({ due }) => due);
      await store.transact(workspaceId, (trx) =>
        remember(trx, { connectionId, lease, leased, retryAt, unanswered }, written, now),
      );
      const results = Map.groupBy(written.settled, ({ result }) => result);
      const outcomes = new Map([...results].map(([result, some]) => [result, some.length]));
      return { outcomes, failure: written.failure, heard: written.heard };
    },
    async giveBack(trx, { lease, leased, error, traits, now }) {
      const retryAt = error.code === 'limit_wait' ? now : now + (traits?.settleMs ?? 0);
      await returnEntries(trx, lease, keysOf(leased), { retryAt, unanswered: false });
      return true;
    },
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

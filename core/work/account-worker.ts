import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { type Connector, type ConnectorTraits, LimitWait, priorities } from '../crm/index.ts';
import { SangamError } from '../errors.ts';
import {
  type ConnectionRow,
  type RestUntil,
  type Store,
  type WorkspaceTransaction,
  writableConnection,
} from '../store/index.ts';
import { BatchSizes } from './batch-sizes.ts';
import { callFailed, callNotMade, callWent, mayCall } from './breaker.ts';
import { Calls } from './calls.ts';
import type { Connectors } from './connectors.ts';
import type { Dispatcher } from './dispatcher.ts';
import { callPlaceMs, ofConnection } from './of-connection.ts';
import type { TracedBatch } from './tracing.ts';
import { type TickFailed, type TickOutcome, QueueWorker } from './worker.ts';
import { type OfConnection, traceWrites, type WrittenBatch } from './written-batch.ts';

/** Longer than any call may take (20 s, docs/design.md §4), so that nobody repeats a call that is still under way. */
const leaseMs = 60_000;

/** What waits to be written, as it is leased. */
interface Leased {
  readonly traceparents: readonly string[] | null;
  /** An index into the port's priorities; undefined: the rows of this queue are all as pressing. */
  readonly priority?: number;
}

/** A batch to be leased: whoever holds its token may record what became of it, while the lease lives. */
interface Batch {
  readonly connection: ConnectionRow;
  readonly connector: Connector;
  readonly lease: string;
  readonly leaseMs: number;
  readonly size: number;
  readonly now: number;
  /** Only what is more pressing than this: the limit of the rest is used up. */
  readonly before: number | undefined;
}

/** What was leased, and what it takes to write it. */
interface Taken<Item, Work> {
  readonly leased: readonly Item[];
  /** As many as were asked for: more may wait. */
  readonly full: boolean;
  readonly work: Work;
}

interface Written<Outcome extends string> {
  /** How many came to what. */
  readonly outcomes: ReadonlyMap<Outcome, number>;
  /** Why calls ended before all were made. */
  readonly failure: SangamError | undefined;
  /** The account answered before that. */
  readonly heard: boolean;
}

/** A batch whose calls failed, or were not made. */
export interface Failed<Item> {
  readonly connection: ConnectionRow;
  readonly lease: string;
  readonly leased: readonly Item[];
  readonly error: SangamError;
  /** Undefined: the account could not even be opened. */
  readonly traits: ConnectorTraits | undefined;
  readonly now: number;
}

/** A queue of what waits to be written to connections' accounts: what is its own. */
export interface AccountQueue<Item extends Leased, Work, Outcome extends string> {
  /** Also the lane of the account's breaker. */
  readonly queue: 'records' | 'timeline';
  readonly step: TracedBatch['step'];
  /** Least time between two batches of one connection, unless the last was full: what follows the first gathers. */
  readonly lingerMs: number;
  readonly gatherMs?: number;
  /** Leases a batch, the most pressing first, and reads what it takes to write it. */
  take(trx: WorkspaceTransaction, batch: Batch): Promise<Taken<Item, Work>>;
  /** Calls, and remembers what became of each item. Throws `SangamError` where nothing was heard. */
  write(work: Work, lease: string, calls: Calls): Promise<Written<Outcome>>;
  /** Gives the leased back. False: what failed is no matter of the account's. */
  giveBack(trx: WorkspaceTransaction, failed: Failed<Item>): Promise<boolean>;
}

/** Writes a queue's rows to accounts in batches as large as each CRM takes, until stopped. */
export function createAccountWorker<Item extends Leased, Work, Outcome extends string>(
  dependencies: {
    readonly store: Store;
    readonly clock: Clock;
    readonly dispatcher: Dispatcher;
    readonly connectors: Connectors;
    readonly counts: {
      written(batch: WrittenBatch<Outcome>): void;
      callFailed(connection: OfConnection, error: SangamError): void;
      readonly failed: TickFailed;
    };
  },
  queue: AccountQueue<Item, Work, Outcome>,
): QueueWorker {
  const { store, clock, dispatcher, connectors, counts } = dependencies;
  /** While what follows a connection's last batch gathers. */
  const gathering = new Map<string, Span>();
  const sizes = new BatchSizes();
  const usedUp = new UsedUpLimits();

  const tickFor = async (connection: ConnectionRow): Promise<TickOutcome> => {
    const { workspaceId, connectionId, crm } = connection;
    if (connection.mode === 'shadow') return 'done';
    if (isWithin(gathering.get(connectionId), clock.now())) return 'later';
    const before = usedUp.from(connectionId, clock.now());
    if (before === 0) return usedUp.rest(connectionId, clock.now());
    const leave = await mayCall(store, connection, queue.queue, clock.now());
    if (leave === undefined) return usedUp.rest(connectionId, clock.now());
    const lease = randomUUID();
    let since = performance.now();
    let size = 1;
    let leased: readonly Item[] = [];
    let traits: ConnectorTraits | undefined;
    let heard = false;
    try {
      const connector = await connectors.of(connection);
      traits = connector.traits;
      const most = traits.leaseSize;
      size = sizes.of(connection, most);
      // What it opened the account for may have been something else.
      since = performance.now();
      const taken = await store.transact(workspaceId, async (trx) => {
        const decided = await writableConnection(trx, connectionId);
        const now = clock.now();
        return decided === undefined
          ? undefined
          : queue.take(trx, { connection: decided, connector, lease, leaseMs, size, now, before });
      });
      leased = taken?.leased ?? [];
      if (taken === undefined || leased.length === 0) {
        await callNotMade(store, connection, leave);
        return taken?.full === true ? 'more' : usedUp.rest(connectionId, clock.now());
      }
      gathering.set(connectionId, spanFrom(clock.now(), taken.full ? 0 : queue.lingerMs));
      const written = await queue.write(taken.work, lease, new Calls(since + leaseMs));
      const { outcomes } = written;
      if (outcomes.size > 0)
        counts.written({ workspaceId, connectionId, crm, outcomes, ms: performance.now() - since });
      heard = written.failure === undefined || written.heard;
      if (heard) await callWent(store, connection, clock.now());
      if (written.failure !== undefined) throw written.failure;
      traceWrites(queue.step, connection, leased, since);
      sizes.went(connection, size, most);
      return 'more';
    } catch (error) {
      if (!(error instanceof SangamError)) throw error;
      counts.callFailed(connection, error);
      traceWrites(queue.step, connection, leased, since, error.code);
      const limited = error instanceof LimitWait;
      if (limited) {
        usedUp.note(connectionId, error, leased, clock.now());
        await callNotMade(store, connection, leave);
      } else sizes.failed(connection, size);
      const now = clock.now();
      const accounts = await store.transact(workspaceId, (trx) =>
        queue.giveBack(trx, { connection, lease, leased, error, traits, now }),
      );
      const told = { ...connection, failedAttempts: heard ? 0 : connection.failedAttempts };
      if (accounts && (await callFailed(store, told, error, queue.queue, now)))
        connectors.forget(connectionId);
      return usedUp.rest(connectionId, now);
    }
  };

  return new QueueWorker(dispatcher, {
    queue: queue.queue,
    failed: counts.failed,
    placeMs: callPlaceMs,
    ...(queue.gatherMs === undefined ? {} : { gatherMs: queue.gatherMs }),
    tick: ofConnection(store, tickFor),
  });
}

/** A time that passes, milliseconds. It is over, too, where a clock that was put back says that it has not begun. */
interface Span {
  readonly since: number;
  readonly until: number;
}

function spanFrom(now: number, ms: number): Span {
  return { since: now, until: now + ms };
}

function isWithin(span: Span | undefined, now: number): boolean {
  return span !== undefined && now >= span.since && now < span.until;
}

/** From which priority on connections' limits are used up, and until when. */
class UsedUpLimits {
  readonly #spent = new Map<string, readonly (Span & { readonly from: number })[]>();

  /** What is as pressing as this, or less, waits; undefined: nothing does. */
  from(connectionId: string, now: number): number | undefined {
    const still = this.#still(connectionId, now);
    return still.length === 0 ? undefined : Math.min(...still.map(({ from }) => from));
  }

  note(connectionId: string, error: LimitWait, leased: readonly Leased[], now: number): void {
    if (typeof error.retry !== 'object') return;
    // Nothing of this batch is to come back at once for the same answer.
    const from = Math.min(
      priorities.indexOf(error.priority),
      Math.max(...leased.map(({ priority = 0 }) => priority), 0),
    );
    const span = spanFrom(now, error.retry.afterMs);
    this.#spent.set(connectionId, [...this.#still(connectionId, now), { ...span, from }]);
  }

  rest(connectionId: string, now: number): 'done' | RestUntil {
    const still = this.#still(connectionId, now);
    if (still.length === 0) return 'done';
    const from = Math.min(...still.map((one) => one.from));
    const notBefore = Math.min(...still.map(({ until }) => until));
    return from === 0 ? { notBefore } : { notBefore, from };
  }

  #still(connectionId: string, now: number): readonly (Span & { readonly from: number })[] {
    const still = (this.#spent.get(connectionId) ?? []).filter((span) => isWithin(span, now));
    if (still.length === 0) this.#spent.delete(connectionId);
    else this.#spent.set(connectionId, still);
    return still;
  }
}

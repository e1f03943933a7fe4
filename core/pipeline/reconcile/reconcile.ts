import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { type ConnectorTraits, FieldsMissing, LimitWait, priorities } from '../../crm/index.ts';
import { SangamError } from '../../errors.ts';
import {
  type ConnectionRow,
  type DeadLetter,
  type DirtyRecord,
  leaseDirty,
  leaveUnanswered,
  linksOfRecords,
  othersDue,
  parkDeadLetters,
  parkFields,
  raiseAlert,
  returnDirty,
  seeksTwins,
  type Store,
  subjectsOfPhones,
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
import { callFailed, callNotMade, callWent, type Leave, mayCall } from '../breaker.ts';
import type { Connectors } from '../connectors.ts';
import type { ErasureKeyOf } from '../erased.ts';
import { itemWaitMs } from '../retry-schedule.ts';
import { lastWaitMs } from './batch-work.ts';
import { loadBatch } from './load-batch.ts';
import { mappingOf } from '../mapping-of.ts';
import type { BatchOutcome } from './findings.ts';
import { type OfConnection, traceWrites, type WrittenBatch } from '../written-batch.ts';
import { writeBatch } from './write-batch.ts';

/** Longer than any call may take (20 s, docs/design.md §4), so that nobody repeats a call that is still under way. */
const leaseMs = 60_000;

/**
 * Least time between two batches of one connection, unless the last was full: the first write of an idle connection goes
 * at once, what follows gathers. Four batches a second stay inside the smallest of the limits.
 */
const lingerMs = 250;

export interface ReconcileCounts {
  written(batch: WrittenBatch<BatchOutcome>): void;
  callFailed(connection: OfConnection, error: SangamError): void;
  failed: TickFailed;
}

/** Brings dirty records in step in batches as large as each CRM's API takes, until stopped. */
export function createReconciler(dependencies: {
  store: Store;
  clock: Clock;
  dispatcher: Dispatcher;
  counts: ReconcileCounts;
  connectors: Connectors;
  erasureKeyOf: ErasureKeyOf;
}): QueueWorker {
  const { store, clock, dispatcher, counts, connectors, erasureKeyOf } = dependencies;

  /** When a connection's next batch may go, on the monotonic clock. */
  const nextBatchAt = new Map<string, number>();
  const sizes = new BatchSizes();
  /** From which priority on a connection's limit is used up, and until when, on the monotonic clock. */
  const spent = new Map<string, Spent[]>();

  const tickFor = async (connection: ConnectionRow): Promise<TickOutcome> => {
    const { workspaceId, connectionId } = connection;
    if (connection.mode === 'shadow') return 'done';
    if (performance.now() < (nextBatchAt.get(connectionId) ?? 0)) return 'later';
    const limited = limitedFrom(spent, connectionId);
    const before = limited?.from;
    const leftAlone = (): TickOutcome =>
      limited === undefined
        ? 'done'
        : { from: limited.from, notBefore: clock.now() + (limited.until - performance.now()) };
    if (before === 0) return leftAlone();
    const leave = await mayCall(store, connection, 'records', clock.now());
    if (leave === undefined) return leftAlone();
    const lease = randomUUID();
    let since = performance.now();
    let size = 1;
    let leased: readonly DirtyRecord[] = [];
    let traits: ConnectorTraits | undefined;
    let heard = false;
    try {
      const connector = await connectors.of(connection);
      traits = connector.traits;
      const most = connector.traits.leaseSize;
      size = sizes.of(connection, most);
      // What it opened the account for may have been something else.
      since = performance.now();
      const work = await store.transact(workspaceId, async (trx) => {
        const now = clock.now();
        const decided = await writableConnection(trx, connectionId);
        if (decided === undefined) return undefined;
        const only =
          decided.mode === 'test' ? await subjectsOfPhones(trx, connectionId, decided.testPhones) : undefined;
        const taken = await leaseDirty(trx, { connectionId, lease, size, now, leaseMs, only, before });
        await leaveUnanswered(
          trx,
          connectionId,
          taken.flatMap(({ recordId, tried, markedAt }) =>
            recordId === null || !tried ? [] : [{ recordId, since: markedAt }],
          ),
        );
        const mapping = mappingOf(decided, connector.traits);
        const batch = await loadBatch(trx, decided, mapping, connector.traits, taken, now);
        return { connection: decided, mapping, batch };
      });
      leased = work?.batch.leased ?? [];
      if (work === undefined || leased.length === 0) {
        await callNotMade(store, connection, leave);
        return leftAlone();
      }
      const full = leased.length === size;
      nextBatchAt.set(connectionId, performance.now() + (full ? 0 : lingerMs));
      const calls = new Calls(since + leaseMs);
      const outcomes = await writeBatch({ store, clock, connector, lease, erasureKeyOf, calls, ...work });
      const { crm } = connection;
      counts.written({ workspaceId, connectionId, crm, outcomes, ms: performance.now() - since });
      if (calls.failure !== undefined) {
        await callWent(store, connection, clock.now());
        heard = true;
        throw calls.failure;
      }
      traceWrites('write records', connection, leased, since);
      sizes.went(connection, size, most);
      await callWent(store, connection, clock.now());
      return 'more';
    } catch (error) {
      if (!(error instanceof SangamError)) throw error;
      counts.callFailed(connection, error);
      traceWrites('write records', connection, leased, since, error.code);
      if (error.code !== 'limit_wait') sizes.failed(connection, size);
      const { failedAttempts } = connection;
      const told = { ...connection, failedAttempts: heard ? 0 : failedAttempts };
      await afterFailure(told, leave, error, lease, leased, traits);
      return 'done';
    }
  };

  const afterFailure = async (
    connection: ConnectionRow,
    leave: Leave,
    error: SangamError,
    lease: string,
    leased: readonly DirtyRecord[],
    traits: ConnectorTraits | undefined,
  ): Promise<void> => {
    const { workspaceId, connectionId } = connection;
    const now = clock.now();
    // So long a create that got no answer may still be made, where the vendor does not keep it from being made twice.
    const settleMs =
      traits?.writeClass === 'findable' && error.retry !== 'never' && error.code !== 'limit_wait'
        ? traits.settleMs
        : undefined;
    if (error instanceof FieldsMissing) {
      await store.transact(workspaceId, async (trx) => {
        await returnDirty(trx, { connectionId, lease, returned: leased.map((dirty) => ({ dirty })) });
        await parkMissing(trx, connection, error, now);
      });
      return;
    }
    if (error instanceof LimitWait && typeof error.retry === 'object') {
      const until = performance.now() + error.retry.afterMs;
      // No mark of this batch is to come back at once for the same answer.
      const from = Math.min(
        priorities.indexOf(error.priority),
        Math.max(...leased.map(({ priority }) => priority), 0),
      );
      spent.set(connectionId, [...(spent.get(connectionId) ?? []), { from, until }]);
      await callNotMade(store, connection, leave);
    }
    const [alone, ...others] = leased;
    const suspect = others.length === 0 && (error.retry === 'later' || error.code === 'batch_refused');
    const mayBeMade = (dirty: DirtyRecord): { notBefore?: number } =>
      settleMs === undefined || dirty.contactId === null || seeksTwins(dirty)
        ? {}
        : { notBefore: now + settleMs };
    await store.transact(workspaceId, async (trx) => {
      // With nobody else to try, nobody can tell a record that always fails from an account that is away.
      const culprit =
        suspect &&
        alone !== undefined &&
        (error.code === 'batch_refused' || (await othersDue(trx, connectionId, alone.subject, now)));
      if (alone === undefined || !culprit) {
        await returnDirty(trx, {
          connectionId,
          lease,
          returned: leased.map((dirty) => ({ dirty, ...mayBeMade(dirty) })),
        });
        return;
      }
      const tries = alone.attempts + 1;
      const waitMs = error.code === 'batch_refused' ? undefined : itemWaitMs(error.retry, tries);
      if (waitMs === undefined) await parkCulprit(trx, connectionId, alone, error, now);
      await returnDirty(trx, {
        connectionId,
        lease,
        returned: [{ dirty: alone, retryAt: now + (waitMs ?? lastWaitMs), ...mayBeMade(alone) }],
      });
    });
    if (await callFailed(store, connection, error, 'records', now)) connectors.forget(connectionId);
  };

  const { failed } = counts;
  return new QueueWorker(dispatcher, {
    queue: 'records',
    failed,
    placeMs: callPlaceMs,
    tick: ofConnection(store, tickFor),
  });
}

interface Spent {
  readonly from: number;
  readonly until: number;
}

/** What is as pressing as this, or less, waits for the limit; undefined: nothing does. */
function limitedFrom(spent: Map<string, Spent[]>, connectionId: string): Spent | undefined {
  const now = performance.now();
  const still = (spent.get(connectionId) ?? []).filter(({ until }) => until > now);
  if (still.length === 0) spent.delete(connectionId);
  else spent.set(connectionId, still);
  if (still.length === 0) return undefined;
  return {
    from: Math.min(...still.map(({ from }) => from)),
    until: Math.min(...still.map(({ until }) => until)),
  };
}

/** It failed alone, and for good or for two days: something about it, not the account, is the matter. */
async function parkCulprit(
  trx: WorkspaceTransaction,
  connectionId: string,
  { contactId, recordId, attempts }: DirtyRecord,
  error: SangamError,
  now: number,
): Promise<void> {
  const tied = recordId === null ? [] : await linksOfRecords(trx, connectionId, [recordId]);
  const person = contactId ?? tied[0]?.contactId;
  // A record nobody is tied to holds nothing of anybody back.
  if (person === undefined) return;
  const letter: DeadLetter = {
    reason: error.code,
    explanation: `${error.message} It was tried ${String(attempts + 1)} times. Replay it once the cause is mended.`,
    source: 'crm',
    connectionId,
    contactId: person,
    receivedAt: now,
  };
  await parkDeadLetters(trx, [letter], now);
}

/** The rest of the record goes on without them. */
async function parkMissing(
  trx: WorkspaceTransaction,
  connection: ConnectionRow,
  error: FieldsMissing,
  now: number,
): Promise<void> {
  await parkFields(trx, connection.connectionId, error.fields, { at: now, why: error.message });
  await raiseAlert(
    trx,
    {
      connectionId: connection.connectionId,
      kind: 'fields missing',
      message: `Nothing is written to ${error.fields.join(', ')}: ${error.message}`,
    },
    now,
  );
}

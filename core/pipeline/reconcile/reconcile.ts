import type { Clock } from '../../clock.ts';
import { FieldsMissing } from '../../crm/index.ts';
import type { SangamError } from '../../errors.ts';
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
  type WorkspaceTransaction,
} from '../../store/index.ts';
import {
  type Connectors,
  createAccountWorker,
  type Dispatcher,
  type Failed,
  itemWaitMs,
  type OfConnection,
  type QueueWorker,
  type TickFailed,
  withinLease,
  type WrittenBatch,
} from '../../work/index.ts';
import type { ErasureKeyOf } from '../erased.ts';
import { mappingOf } from '../mapping-of.ts';
import { type BatchWork, lastWaitMs } from './batch-work.ts';
import type { BatchOutcome } from './findings.ts';
import { loadBatch } from './load-batch.ts';
import { writeBatch } from './write-batch.ts';

/**
 * The first write of an idle connection goes at once, what follows gathers. Four batches a second stay inside the smallest of
 * the limits.
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
  const { store, clock, erasureKeyOf } = dependencies;
  return createAccountWorker<DirtyRecord, Omit<BatchWork, 'lease' | 'calls'>, BatchOutcome>(dependencies, {
    queue: 'records',
    step: 'write records',
    lingerMs,
    async take(trx, { connection, connector, lease, leaseMs, size, now, before }) {
      const { connectionId } = connection;
      const leased = await leaseDirty(trx, { connection, lease, size, now, leaseMs, before });
      await leaveUnanswered(
        trx,
        connectionId,
        leased.flatMap(({ recordId, tried, markedAt }) =>
          recordId === null || !tried ? [] : [{ recordId, since: markedAt }],
        ),
      );
      const mapping = mappingOf(connection, connector.traits);
      const batch = await loadBatch(trx, connection, mapping, connector.traits, leased, now);
      const work = { store, clock, connector, erasureKeyOf, connection, mapping, batch };
      return { leased, full: leased.length === size, work };
    },
    async write(work, lease, calls) {
      const connector = withinLease(work.connector, calls);
      const outcomes = await writeBatch({ ...work, connector, lease, calls });
      return { outcomes, failure: calls.failure, heard: true };
    },
    giveBack,
  });
}

async function giveBack(
  trx: WorkspaceTransaction,
  { connection, lease, leased, error, traits, now }: Failed<DirtyRecord>,
): Promise<boolean> {
  const { connectionId } = connection;
  if (error instanceof FieldsMissing) {
    await returnDirty(trx, { connectionId, lease, returned: leased.map((dirty) => ({ dirty })) });
    await parkMissing(trx, connection, error, now);
    return false;
  }
  // So long a create that got no answer may still be made, where the vendor does not keep it from being made twice.
  const settleMs =
    traits?.writeClass === 'findable' && error.retry !== 'never' && error.code !== 'limit_wait'
      ? traits.settleMs
      : undefined;
  const mayBeMade = (dirty: DirtyRecord): { notBefore?: number } =>
    settleMs === undefined || dirty.contactId === null || seeksTwins(dirty)
      ? {}
      : { notBefore: now + settleMs };
  const [alone, ...others] = leased;
  const suspect = others.length === 0 && (error.retry === 'later' || error.code === 'batch_refused');
  // With nobody else to try, nobody can tell a record that always fails from an account that is away.
  const culprit =
    suspect &&
    alone !== undefined &&
    (error.code === 'batch_refused' || (await othersDue(trx, connectionId, alone.subject, now)));
  if (alone === undefined || !culprit) {
    const returned = leased.map((dirty) => ({ dirty, ...mayBeMade(dirty) }));
    await returnDirty(trx, { connectionId, lease, returned });
    return true;
  }
  const waitMs = error.code === 'batch_refused' ? undefined : itemWaitMs(error.retry, alone.attempts + 1);
  if (waitMs === undefined) await parkCulprit(trx, connectionId, alone, error, now);
  const retryAt = now + (waitMs ?? lastWaitMs);
  const returned = [{ dirty: alone, retryAt, ...mayBeMade(alone) }];
  await returnDirty(trx, { connectionId, lease, returned });
  return true;
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
    recordId: recordId ?? undefined,
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

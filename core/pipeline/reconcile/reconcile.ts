import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { Connector } from '../../crm/index.ts';
import { SangamError } from '../../errors.ts';
import {
  type ConnectionRow,
  connectionsOf,
  type DeadLetter,
  type DirtyContact,
  leaseDirty,
  linksOf,
  parkDeadLetters,
  recordCall,
  returnDirty,
  saveLinks,
  settleDirty,
  type Store,
} from '../../store/index.ts';
import { type TurnOutcome, TurnTaker } from '../turns.ts';
import { contactFields } from './contact-fields.ts';
import { retryAfterMs } from './retry-schedule.ts';
import { writeBatch, type Written } from './write-batch.ts';

/** Longer than any call may take (20 s, design.md §4), so that nobody repeats a call that is still under way. */
const leaseMs = 60_000;

/**
 * Least time between two calls' batches of one connection, unless the last was full: the first write of an idle
 * connection goes at once, what follows gathers. Four batches a second stay inside the smallest of the limits.
 */
const lingerMs = 250;

export interface ReconcileCounts {
  written(crm: string, outcome: 'created' | 'updated' | 'unchanged' | 'refused', records: number): void;
  callFailed(crm: string, error: SangamError): void;
  failed(error: unknown): void;
}

/** The connectors of installed CRM accounts. */
export interface Connectors {
  /** Ready to be called: its fields are there. */
  of(connection: ConnectionRow): Promise<Connector>;
  /** Its account has to be looked at anew before the next call. */
  forget(connection: ConnectionRow): void;
}

/** Writes dirty contacts to their CRMs in batches as large as each CRM's API takes, until stopped. */
export function createReconciler(dependencies: {
  store: Store;
  clock: Clock;
  counts: ReconcileCounts;
  connectors: Connectors;
}): TurnTaker {
  const { store, clock, counts, connectors } = dependencies;

  /** When a connection's next batch may go, on the monotonic clock. */
  const nextBatchAt = new Map<string, number>();

  const turnFor = async (workspaceId: string, connection: ConnectionRow): Promise<TurnOutcome> => {
    if (connection.blockedReason !== null || connection.nextCallAt > clock.now()) return 'done';
    const { connectionId } = connection;
    if (performance.now() < (nextBatchAt.get(connectionId) ?? 0)) return 'later';
    const lease = randomUUID();
    let leased: DirtyContact[] = [];
    try {
      const connector = await connectors.of(connection);
      const batch = await store.transact(workspaceId, async (trx) => {
        const now = clock.now();
        const contacts = await leaseDirty(trx, {
          connectionId,
          lease,
          size: connector.batchSize,
          now,
          leaseMs,
        });
        const contactIds = contacts.map(({ contactId }) => contactId);
        return {
          contacts,
          fields: await contactFields(trx, contactIds, now),
          links: await linksOf(trx, connectionId, contactIds),
        };
      });
      leased = batch.contacts;
      if (leased.length === 0) return 'done';
      const full = leased.length === connector.batchSize;
      nextBatchAt.set(connectionId, performance.now() + (full ? 0 : lingerMs));
      const uncertain = new Set(leased.filter((c) => c.outcomeUnknown).map(({ contactId }) => contactId));
      const outcomes = await writeBatch(connector, batch.fields, batch.links, uncertain);
      await store.transact(workspaceId, async (trx) => {
        const now = clock.now();
        await saveLinks(
          trx,
          connectionId,
          outcomes.flatMap(({ link }) => link ?? []),
          now,
        );
        await parkDeadLetters(trx, lettersFrom(outcomes, connectionId, now), now);
        await settleDirty(trx, { connectionId, lease, settled: leased });
        if (connection.failedAttempts > 0) {
          await recordCall(trx, connectionId, { failedAttempts: 0, nextCallAt: 0, blockedReason: null });
        }
      });
      for (const { outcome } of outcomes) counts.written(connection.crm, outcome, 1);
      return 'more';
    } catch (error) {
      if (!(error instanceof SangamError)) throw error;
      counts.callFailed(connection.crm, error);
      // What is refused for its contents is a batch's matter; any other "never" waits for a person.
      const blocked = error.retry === 'never' && error.code !== 'batch_refused';
      if (blocked) connectors.forget(connection);
      const failedAttempts = connection.failedAttempts + 1;
      await store.transact(workspaceId, async (trx) => {
        await returnDirty(trx, { connectionId, lease });
        await recordCall(trx, connectionId, {
          failedAttempts,
          nextCallAt: clock.now() + retryAfterMs(error.retry, failedAttempts),
          blockedReason: blocked ? error.message : null,
        });
      });
      return 'done';
    }
  };

  return new TurnTaker({
    waiting: () => store.workspacesWithWork('dirty_contacts'),
    failed: (error) => counts.failed(error),
    async turn(workspaceId) {
      const connections = await store.transact(workspaceId, connectionsOf);
      const worked = await Promise.all(connections.map((connection) => turnFor(workspaceId, connection)));
      return (['more', 'later'] as const).find((outcome) => worked.includes(outcome)) ?? 'done';
    },
  });
}

function lettersFrom(outcomes: readonly Written[], connectionId: string, now: number): DeadLetter[] {
  return outcomes.flatMap(({ contactId, refused }) =>
    refused === undefined
      ? []
      : [
          {
            reason: refused.code,
            explanation: refused.explanation,
            source: 'crm' as const,
            connectionId,
            contactId,
            receivedAt: now,
          },
        ],
  );
}

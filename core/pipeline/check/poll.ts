import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { type Connector, FieldsMissing, type ScanPage } from '../../crm/index.ts';
import {
  advancePoll,
  claimPoll,
  closeAlertsOf,
  type ConnectionRow,
  endPoll,
  noteLookedFor,
  noteUntold,
  markPriority,
  markRecords,
  raiseAlert,
  type Store,
  tombstonesOfWithdrawn,
} from '../../store/index.ts';
import {
  callAccount,
  callPlaceMs,
  ofConnection,
  type Dispatcher,
  type TickFailed,
  QueueWorker,
  type Connectors,
  type ScanCounts,
} from '../../work/index.ts';
import type { ErasureKeyOf } from '../erased.ts';
import { checkAgain, ensureIndexed } from './check.ts';
import { ReadableFields } from './readable-fields.ts';
import { takeIn } from './take-in.ts';
import { tellUndelivered } from './undelivered.ts';

/** A vendor's index lags, and clocks differ: each poll looks back this far behind the last. */
const overlapMs = 2 * 60 * 1000;

/** So long an account is believed to have the fields it had: asking costs some vendors as much as a poll. */
const fieldsForMs = 10 * 60 * 1000;

/** So long after a poll found a change its webhook may be on its way. */
const webhookLateMs = 10 * 60 * 1000;

/** Longer than a page may take: a poll whose process died is taken over then. */
const leaseMs = 60_000;

/** How long a CRM may restore what was deleted. */
const restorableMs = 90 * 24 * 60 * 60 * 1000;

/** Looks at what changed in connected accounts since the last time, so that no gap of the webhooks stays. */
export interface Poller {
  readonly worker: QueueWorker;
  /** Polls a connection if that is due. */
  poll(connection: ConnectionRow): Promise<void>;
}

export function createPoller(dependencies: {
  store: Store;
  clock: Clock;
  dispatcher: Dispatcher;
  connectors: Connectors;
  erasureKeyOf: ErasureKeyOf;
  counts: ScanCounts & { readonly failed: TickFailed };
}): Poller {
  const { store, clock, dispatcher, connectors, erasureKeyOf, counts } = dependencies;

  /** By connection. */
  const readable = new ReadableFields();

  /** False: another process does it. */
  const pollConnection = async (connection: ConnectionRow): Promise<boolean> => {
    const { workspaceId, connectionId, nextPollAt } = connection;
    const started = clock.now();
    const connector = await connectors.of(connection);
    const { besideWebhooks, silent } = connector.traits.pollEveryMs;
    const webhooksArrive = started - (connection.lastWebhookAt ?? 0) < besideWebhooks;
    const nextAt = started + (webhooksArrive ? besideWebhooks : silent);
    const lease = randomUUID();
    const mine = await store.transact(workspaceId, (trx) => {
      const now = clock.now();
      return claimPoll(trx, connectionId, { seen: nextPollAt, nextAt, lease, until: now + leaseMs, now });
    });
    if (!mine) return false;
    try {
      await pollPages(connection, connector, lease, started);
    } finally {
      await store.transact(workspaceId, (trx) => endPoll(trx, connectionId, lease));
    }
    return true;
  };

  const pollPages = async (
    connection: ConnectionRow,
    connector: Connector,
    lease: string,
    started: number,
  ): Promise<void> => {
    const { workspaceId, connectionId, crm, polledUntil } = connection;
    const asked = (): Promise<readonly string[]> =>
      readable.of(connectionId, connector, connection, { now: started, until: started + fieldsForMs });
    let fields = await asked();
    const scan = async (from: Parameters<Connector['scan']>[0]): Promise<ScanPage> => {
      try {
        return await connector.scan(from, fields, 'import');
      } catch (error) {
        if (!(error instanceof FieldsMissing)) throw error;
        readable.forget(connectionId);
        fields = await asked();
        return connector.scan(from, fields, 'import');
      }
    };
    const changedSince = (polledUntil ?? started) - overlapMs;
    let cursor = connection.pollCursor ?? undefined;
    const found: number[] = [];
    for (;;) {
      const since = performance.now();
      const page = await scan({ changedSince, ...(cursor === undefined ? {} : { cursor }) });
      cursor = page.next;
      const done = cursor === undefined;
      const { changedAt, mine } = await store.transact(workspaceId, async (trx) => {
        const first = await takeIn(trx, connection, connector.traits, page, false, erasureKeyOf, clock.now());
        if (page.incomplete === true) await checkAgain(trx, connection, clock.now());
        const held = await advancePoll(trx, connectionId, {
          lease,
          until: clock.now() + leaseMs,
          cursor: cursor ?? null,
          ...(done ? { knownUntil: started } : {}),
        });
        return { changedAt: first, mine: held };
      });
      found.push(...changedAt);
      const records = page.records.length;
      counts.scanned({ workspaceId, connectionId, crm, records, ms: performance.now() - since });
      if (!mine) return;
      if (done) break;
    }
    await tellSilence(connection, connector, found, started);
    await lookForRestored(connection, connector, fields);
    await tellUndelivered(dependencies, connection, connector);
  };

  /** Webhooks should tell of what polls find. */
  const tellSilence = async (
    { workspaceId, connectionId }: ConnectionRow,
    { traits }: Connector,
    found: readonly number[],
    now: number,
  ): Promise<void> => {
    await store.transact(workspaceId, async (trx) => {
      const { since, ended } = await noteUntold(trx, connectionId, found, now);
      if (ended) await closeAlertsOf(trx, connectionId, 'webhooks silent', now);
      if (since === undefined || since > now - webhookLateMs) return;
      const message = `${traits.label} told nothing of changes that a poll found. They are found by polls, minutes later; see in its settings whether its webhooks are still sent to this connection's address.`;
      await raiseAlert(trx, { connectionId, kind: 'webhooks silent', message }, now);
    });
  };

  /** A restored record is in no list of changes, yet the opt-out of its person has to stand on it. One call a poll. */
  const lookForRestored = async (
    { workspaceId, connectionId }: ConnectionRow,
    connector: Connector,
    fields: readonly string[],
  ): Promise<void> => {
    const gone = await store.transact(workspaceId, (trx) =>
      tombstonesOfWithdrawn(trx, connectionId, {
        since: clock.now() - restorableMs,
        limit: connector.traits.sizes.read,
      }),
    );
    if (gone.length === 0) return;
    const back = await connector.read(gone, fields, 'import');
    await store.transact(workspaceId, async (trx) => {
      const now = clock.now();
      await noteLookedFor(trx, connectionId, gone, now);
      const recordIds = back.map(({ askedAs }) => askedAs);
      await markRecords(trx, connectionId, recordIds, { priority: markPriority.consent, reread: true }, now);
    });
  };

  const poll = async (connection: ConnectionRow): Promise<void> => {
    if (connection.indexedAt === null || connection.nextPollAt > clock.now()) return;
    await callAccount(dependencies, connection, 'scan', () => pollConnection(connection));
  };

  const worker = new QueueWorker(dispatcher, {
    queue: 'polls',
    failed: counts.failed,
    placeMs: callPlaceMs,
    tick: ofConnection(store, async (connection) => {
      await store.transact(connection.workspaceId, (trx) => ensureIndexed(trx, connection, clock.now()));
      await poll(connection);
      return 'done';
    }),
  });
  return { worker, poll };
}

import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { LimitWait } from '../../crm/index.ts';
import { noSuch, Refusal } from '../../errors.ts';
import {
  type Actor,
  advanceCheck,
  type CheckRow,
  closeEndedConflicts,
  connectionOf,
  type ConnectionRow,
  delayCheck,
  doubtRecords,
  finishCheck,
  insertCheck,
  lastCheck,
  leaseCheck,
  linksOfRecords,
  markGone,
  markPriority,
  markRecords,
  stopCheck,
  type Store,
  type WorkspaceTransaction,
  writeAudit,
} from '../../store/index.ts';
import {
  callAccount,
  callPlaceMs,
  type Dispatcher,
  type TickFailed,
  QueueWorker,
  type Connectors,
  wasDisconnected,
  type ScanCounts,
} from '../../work/index.ts';
import type { ErasureKeyOf } from '../erased.ts';
import { ReadableFields } from './readable-fields.ts';
import { mustHaveCheck } from './report.ts';
import { takeIn } from './take-in.ts';

/** Longer than any call may take (docs/design.md §4). */
const leaseMs = 60_000;
/** How long a check waits after a call that failed. */
const waitMs = 5_000;

/**
 * Looks through a whole CRM account: reads only, in shadow too, with or without a WhatsApp number. Builds the phone index
 * as it goes, page by page; a process that dies is overtaken where it was.
 */
export interface Checker {
  readonly worker: QueueWorker;
  /** One that runs goes on. Throws a `Refusal`. */
  start(actor: Actor, connectionId: string): Promise<CheckRow>;
  /** Throws a `Refusal` where none is running. */
  stop(actor: Actor, connectionId: string): Promise<void>;
}

export function createChecker(dependencies: {
  store: Store;
  clock: Clock;
  dispatcher: Dispatcher;
  connectors: Connectors;
  erasureKeyOf: ErasureKeyOf;
  counts: ScanCounts & { readonly failed: TickFailed };
}): Checker {
  const { store, clock, dispatcher, connectors, erasureKeyOf, counts } = dependencies;

  /** By check: it is asked once. */
  const readable = new ReadableFields();

  /** Looks at one page. */
  const look = async (connection: ConnectionRow, check: CheckRow, lease: string): Promise<void> => {
    const { workspaceId, connectionId, crm } = connection;
    const since = performance.now();
    const connector = await connectors.of(connection);
    const believed = { now: clock.now(), until: Infinity };
    const fields = await readable.of(check.checkId, connector, connection, believed);
    const from = check.cursor === null ? {} : { cursor: check.cursor };
    const page = await connector.scan(from, fields, 'import');
    const { records, next } = page;
    const filled: Record<string, number> = { ...check.filled };
    for (const { values } of records) {
      for (const [field, value] of Object.entries(values)) {
        if (value !== '') filled[field] = (filled[field] ?? 0) + 1;
      }
    }
    await store.transact(workspaceId, async (trx) => {
      const now = clock.now();
      await takeIn(trx, connection, connector.traits, page, true, erasureKeyOf, now);
      const advanced = await advanceCheck(trx, lease, {
        cursor: next ?? null,
        records: records.length,
        filled,
      });
      if (!advanced || next !== undefined) return;
      readable.forget(check.checkId);
      await leaveUnseen(trx, connectionId, await finishCheck(trx, check, now), now);
    });
    counts.scanned({
      workspaceId,
      connectionId,
      crm,
      records: records.length,
      ms: performance.now() - since,
    });
  };

  const worker = new QueueWorker(dispatcher, {
    queue: 'checks',
    failed: counts.failed,
    placeMs: callPlaceMs,
    async tick({ workspaceId, targetId }) {
      const lease = randomUUID();
      const leased = await store.transact(workspaceId, async (trx) => {
        const check = await leaseCheck(trx, targetId, lease, clock.now(), leaseMs);
        const connection = check === undefined ? undefined : await connectionOf(trx, check.connectionId);
        return { check, connection };
      });
      const { check, connection } = leased;
      if (check === undefined || connection === undefined) return 'done';
      const delay = (nextAt: number, problem: string | null): Promise<void> =>
        store.transact(workspaceId, (trx) => delayCheck(trx, lease, nextAt, problem));
      const held = connection.blockedReason ?? (connection.disconnectedAt === null ? null : wasDisconnected);
      if (held !== null || connection.nextCallAt > clock.now()) {
        await delay(Math.max(connection.nextCallAt, clock.now() + waitMs), held);
        return 'done';
      }
      const called = await callAccount(dependencies, connection, 'scan', async () => {
        await look(connection, check, lease);
        return true;
      });
      if (called === 'went') return 'more';
      if (called === 'not now') {
        await delay(clock.now() + waitMs, null);
        return 'done';
      }
      readable.forget(check.checkId);
      const limited = called instanceof LimitWait && typeof called.retry === 'object';
      await delay(clock.now() + (limited ? called.retry.afterMs : waitMs), limited ? null : called.message);
      return 'done';
    },
  });

  return {
    worker,
    async start(actor, connectionId) {
      const check = await store.transact(actor.workspaceId, async (trx) => {
        const connection = await connectionOf(trx, connectionId);
        if (connection === undefined) throw noSuch('connection');
        if (connection.disconnectedAt !== null)
          throw new Refusal('conflict', 'disconnected', wasDisconnected);
        await writeAudit(trx, {
          memberId: actor.memberId,
          action: 'start check',
          subject: connectionId,
          at: clock.now(),
        });
        await insertCheck(trx, connection, clock.now());
        return mustHaveCheck(trx, connectionId);
      });
      return check;
    },
    stop: (actor, connectionId) =>
      store.transact(actor.workspaceId, async (trx) => {
        if ((await connectionOf(trx, connectionId)) === undefined) throw noSuch('connection');
        if (!(await stopCheck(trx, connectionId, clock.now()))) {
          throw new Refusal('missing', 'no_check', 'No check is running: there is nothing to stop.');
        }
        const { memberId } = actor;
        await writeAudit(trx, { memberId, action: 'stop check', subject: connectionId, at: clock.now() });
      }),
  };
}

/** Starts a check for a connection that may be written to and was never looked through in its region. */
export async function ensureIndexed(
  trx: WorkspaceTransaction,
  connection: ConnectionRow,
  now: number,
): Promise<void> {
  const { connectionId, mode, indexedAt, disconnectedAt, blockedReason } = connection;
  if (mode === 'shadow' || indexedAt !== null || disconnectedAt !== null || blockedReason !== null) return;
  const last = await lastCheck(trx, connectionId);
  if (last?.region === (connection.region ?? '')) return;
  if (last?.state === 'running') await stopCheck(trx, connectionId, now);
  await insertCheck(trx, connection, now);
}

/** A look at changes missed some: everything is looked at from its beginning. */
export async function checkAgain(
  trx: WorkspaceTransaction,
  connection: ConnectionRow,
  now: number,
): Promise<void> {
  await stopCheck(trx, connection.connectionId, now);
  await insertCheck(trx, connection, now);
}

/**
 * What a scan of everything did not bring up is gone; whether it lives on as another is seen by reading what somebody is
 * tied to.
 */
async function leaveUnseen(
  trx: WorkspaceTransaction,
  connectionId: string,
  unseen: readonly { readonly recordId: string; readonly at: number }[],
  now: number,
): Promise<void> {
  const links = await linksOfRecords(
    trx,
    connectionId,
    unseen.map(({ recordId }) => recordId),
  );
  const tied = new Set(links.map(({ recordId }) => recordId));
  await markGone(
    trx,
    connectionId,
    unseen
      .filter(({ recordId }) => !tied.has(recordId))
      .map(({ recordId, at }) => ({ recordId, how: 'deleted' as const, at })),
  );
  await closeEndedConflicts(
    trx,
    connectionId,
    unseen.map(({ recordId }) => recordId),
    now,
  );
  const doubted = await doubtRecords(
    trx,
    connectionId,
    unseen.filter(({ recordId }) => tied.has(recordId)),
  );
  await markRecords(trx, connectionId, doubted, { priority: markPriority.fields, reread: true }, now);
}

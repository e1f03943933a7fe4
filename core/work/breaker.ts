import type { SangamError } from '../errors.ts';
import {
  blockTimeline,
  type CallerLane,
  claimProbe,
  closeAlertsOf,
  type ConnectionRow,
  forgetTries,
  noteAnswer,
  noteFailure,
  raiseAlert,
  raiseAlerts,
  releaseProbe,
  silentMs,
  type Store,
  unansweredAccounts,
} from '../store/index.ts';
import { breakerWaitMs } from './retry-schedule.ts';

/** Leave to call an account. */
export interface Leave {
  /** The one try of an account that does not answer: claimed by whom, until when, and by nobody before that since `seen`. */
  readonly probe?: { readonly lane: CallerLane; readonly until: number; readonly seen: number };
}

/**
 * One breaker per connection, kept in the database so that all processes share it. Nobody calls before `nextCallAt`.
 * Closed: calls go, the first failures in a row only pause them. Half open, after more of them: one process makes one
 * try: records and the timeline in turn, and while consent waits only who brings it (`records`). A refusal that a person must mend blocks it until then.
 * Undefined: no call now.
 */
export async function mayCall(
  store: Store,
  connection: ConnectionRow,
  lane: CallerLane,
  now: number,
): Promise<Leave | undefined> {
  if (connection.blockedReason !== null || connection.disconnectedAt !== null) return undefined;
  if (lane === 'timeline' && connection.timelineBlockedReason !== null) return undefined;
  if (connection.nextCallAt > now) return undefined;
  if (!isUnsound(connection)) return {};
  const until = now + probeMs;
  const { workspaceId, connectionId, nextCallAt: seen } = connection;
  const mine = await store.transact(workspaceId, (trx) =>
    claimProbe(trx, connectionId, { lane, seen, until, now }),
  );
  return mine ? { probe: { lane, until, seen } } : undefined;
}

/** Whether an account failed so often in a row that it is tried by one caller with one item. */
export function isUnsound({ failedAttempts }: ConnectionRow): boolean {
  return failedAttempts > pauses;
}

/** Failures in a row that may befall an account of whose calls a fifth fails. */
const pauses = 3;

/** What a person gives an account's app for one kind of calls or another; any other refusal is the whole account's. */
const missingRight = 'missing_scope';

/** As long as a call may take: whoever dies with the probe in hand is overtaken then. */
const probeMs = 30_000;

/** From so many failures in a row on an account was away; a record that always fails makes four. */
const outageTries = 7;

const notAnswering = 'account not answering';

/** After a call that went through, whoever made it. */
export async function callWent(store: Store, connection: ConnectionRow, now: number): Promise<void> {
  const { workspaceId, connectionId, failedAttempts } = connection;
  if (failedAttempts === 0) return;
  await store.transact(workspaceId, async (trx) => {
    await noteAnswer(trx, connectionId);
    await closeAlertsOf(trx, connectionId, notAnswering, now);
    // So many failures were the account's, not those of the records that were tried: they need not wait longer.
    if (failedAttempts >= outageTries) await forgetTries(trx, connectionId);
  });
}

/** The one try was not needed: the next who has something to do makes it. */
export async function callNotMade(
  store: Store,
  { workspaceId, connectionId }: ConnectionRow,
  { probe }: Leave,
): Promise<void> {
  if (probe === undefined) return;
  await store.transact(workspaceId, (trx) => releaseProbe(trx, connectionId, probe));
}

/**
 * After a call that failed as a whole, whoever made it. True: a person has to act before the next one, and is told so.
 * `limit_wait` is our own limiter's word and no failure.
 */
export async function callFailed(
  store: Store,
  connection: ConnectionRow,
  error: SangamError,
  lane: CallerLane,
  now: number,
): Promise<boolean> {
  if (error.code === 'limit_wait') return false;
  // What is refused for its contents is a record's matter: the next try, with one record, finds it.
  const blocked = error.retry === 'never' && error.code !== 'batch_refused';
  const { workspaceId, connectionId, failedAttempts } = connection;
  if (lane === 'timeline' && error.code === missingRight) {
    // The account answered, and what lacks may lack for timelines alone.
    await store.transact(workspaceId, async (trx) => {
      if (!(await blockTimeline(trx, connection, error.message))) return;
      await raiseAlert(trx, { connectionId, kind: 'timeline blocked', message: error.message }, now);
    });
    await callWent(store, connection, now);
    return true;
  }
  await store.transact(workspaceId, async (trx) => {
    const failingSince = await noteFailure(trx, connection, {
      at: now,
      nextCallAt: now + breakerWaitMs(error, failedAttempts + 1),
      message: error.message,
      blocked,
    });
    if (failingSince === undefined) return;
    if (blocked) {
      await raiseAlert(trx, { connectionId, kind: 'connection blocked', message: error.message }, now);
    } else if (failingSince <= now - silentMs) {
      await raiseAlert(trx, { connectionId, kind: notAnswering, message: error.message }, now);
    }
  });
  return blocked;
}

/** Says which accounts have work and have not answered for 15 minutes, those too that are not to be asked for hours. */
export async function alertSilentAccounts(store: Store, workspaceId: string, now: number): Promise<void> {
  await store.transact(workspaceId, async (trx) => {
    const silent = await unansweredAccounts(trx, now - silentMs, now);
    await raiseAlerts(
      trx,
      silent.map(({ connectionId, lastFailure }) => ({
        connectionId,
        kind: notAnswering,
        message: lastFailure,
      })),
      now,
    );
  });
}

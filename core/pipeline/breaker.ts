import type { SangamError } from '../errors.ts';
import {
  type ConnectionRow,
  claimProbe,
  forgetTries,
  raiseAlert,
  recordFailure,
  recordSuccess,
  returnProbe,
  type Store,
} from '../store/index.ts';
import { breakerWaitMs } from './retry-schedule.ts';

/**
 * One breaker per connection, kept in the database so that all processes share it. Closed: calls go. Open: nobody calls
 * before `nextCallAt`. Half open: one process makes one try. A refusal that a person must mend blocks it until then.
 */
export async function mayCall(store: Store, connection: ConnectionRow, now: number): Promise<boolean> {
  if (connection.blockedReason !== null || connection.disconnectedAt !== null) return false;
  if (connection.nextCallAt > now) return false;
  if (connection.failedAttempts === 0) return true;
  return store.transact(connection.workspaceId, (trx) =>
    claimProbe(trx, connection.connectionId, { seen: connection.nextCallAt, until: now + probeMs }),
  );
}

/** As long as a call may take: whoever dies with the probe in hand is overtaken then. */
const probeMs = 30_000;

/** From so many failures in a row on an account was away; a record that always fails makes two. */
const outageTries = 5;

/** After a call that went through, whoever made it. */
export async function callWent(store: Store, connection: ConnectionRow): Promise<void> {
  const { workspaceId, connectionId, failedAttempts } = connection;
  if (failedAttempts === 0) return;
  await store.transact(workspaceId, async (trx) => {
    await recordSuccess(trx, connectionId);
    // So many failures were the account's, not those of the records that were tried: they need not wait longer.
    if (failedAttempts >= outageTries) await forgetTries(trx, connectionId);
  });
}

/** The one try was not needed: the next who has something to do makes it. */
export async function callNotMade(store: Store, connection: ConnectionRow, now: number): Promise<void> {
  const { failedAttempts: seenAttempts } = connection;
  if (seenAttempts === 0) return;
  await store.transact(connection.workspaceId, (trx) =>
    returnProbe(trx, connection.connectionId, { seenAttempts, now }),
  );
}

/**
 * After a call that failed as a whole, whoever made it. True: a person has to act before the next one, and is told so.
 * `limit_wait` is our own limiter's
 * word and no failure.
 */
export async function callFailed(
  store: Store,
  connection: ConnectionRow,
  error: SangamError,
  now: number,
): Promise<boolean> {
  if (error.code === 'limit_wait') return false;
  // What is refused for its contents is a record's matter: the next try, with one record, finds it.
  const blocked = error.retry === 'never' && error.code !== 'batch_refused';
  const { workspaceId, connectionId } = connection;
  await store.transact(workspaceId, async (trx) => {
    await recordFailure(trx, connectionId, {
      seenAttempts: connection.failedAttempts,
      nextCallAt: (failedAttempts) => now + breakerWaitMs(error.retry, failedAttempts),
      blockedReason: blocked ? error.message : undefined,
    });
    if (blocked) {
      await raiseAlert(trx, { connectionId, kind: 'connection blocked', message: error.message }, now);
    }
  });
  return blocked;
}

import type { Clock } from '../clock.ts';
import { SangamError } from '../errors.ts';
import type { CallerLane, ConnectionRow, Store } from '../store/index.ts';
import { callFailed, callNotMade, callWent, mayCall } from './breaker.ts';
import type { Connectors } from './connectors.ts';
import type { OfConnection } from './written-batch.ts';

/**
 * Calls an account under its breaker, for whoever takes no batch. `call` tells whether a call was needed. Returns what
 * ended it, `went`, or `not now` where nobody may call.
 */
export async function callAccount(
  dependencies: {
    readonly store: Store;
    readonly clock: Clock;
    readonly connectors: Connectors;
    readonly counts: { callFailed(connection: OfConnection, error: SangamError): void };
  },
  connection: ConnectionRow,
  lane: CallerLane,
  call: () => Promise<boolean>,
): Promise<'went' | 'not now' | SangamError> {
  const { store, clock, connectors, counts } = dependencies;
  const leave = await mayCall(store, connection, lane, clock.now());
  if (leave === undefined) return 'not now';
  try {
    if (await call()) await callWent(store, connection, clock.now());
    else await callNotMade(store, connection, leave);
    return 'went';
  } catch (error) {
    if (!(error instanceof SangamError)) throw error;
    counts.callFailed(connection, error);
    if (error.code === 'limit_wait') await callNotMade(store, connection, leave);
    if (await callFailed(store, connection, error, lane, clock.now()))
      connectors.forget(connection.connectionId);
    return error;
  }
}

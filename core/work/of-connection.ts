import { connectionOf, type ConnectionRow, type DueTarget, type Store } from '../store/index.ts';
import type { TickOutcome } from './worker.ts';

/** A tick at a connection, as it stands when the tick begins. */
export function ofConnection(
  store: Store,
  tick: (connection: ConnectionRow) => Promise<TickOutcome>,
): (target: DueTarget) => Promise<TickOutcome> {
  return async ({ workspaceId, targetId }) => {
    const connection = await store.transact(workspaceId, (trx) => connectionOf(trx, targetId));
    return connection === undefined ? 'done' : tick(connection);
  };
}

/** While a tick waits for a vendor's answer others have its place. */
export const callPlaceMs = 500;

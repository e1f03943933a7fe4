import { connectionOf, type ConnectionRow, type DueTarget, type Store } from '../store/index.ts';
import type { TurnOutcome } from './turns.ts';

/** A turn at a connection, as it stands when the turn begins. */
export function ofConnection(
  store: Store,
  turn: (connection: ConnectionRow) => Promise<TurnOutcome>,
): (target: DueTarget) => Promise<TurnOutcome> {
  return async ({ workspaceId, targetId }) => {
    const connection = await store.transact(workspaceId, (trx) => connectionOf(trx, targetId));
    return connection === undefined ? 'done' : turn(connection);
  };
}

/** While a turn waits for a vendor's answer others have its place. */
export const callPlaceMs = 500;

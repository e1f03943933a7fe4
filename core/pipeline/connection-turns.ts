import { type ConnectionRow, connectionsOf, type Store } from '../store/index.ts';
import { Backoff } from './backoff.ts';
import type { TurnFailed, TurnOutcome } from './turns.ts';

/**
 * A workspace's turn as the turns of its connections, side by side. One that fails backs off alone: connections never wait
 * for each other.
 */
export function createConnectionTurns(dependencies: {
  store: Store;
  turnFor: (connection: ConnectionRow) => Promise<TurnOutcome>;
  failed: TurnFailed;
}): (workspaceId: string) => Promise<TurnOutcome> {
  const { store, turnFor, failed } = dependencies;
  const backoff = new Backoff();

  const turnOf = async (connection: ConnectionRow): Promise<TurnOutcome> => {
    const { workspaceId, connectionId } = connection;
    if (backoff.isLeftAlone(connectionId)) return 'later';
    try {
      const outcome = await turnFor(connection);
      // A turn that found nothing to do says nothing: what failed may be leased still.
      if (outcome === 'more') backoff.went(connectionId);
      return outcome;
    } catch (error) {
      failed(error, { workspaceId, connectionId, failures: backoff.failed(connectionId) });
      return 'later';
    }
  };

  return async (workspaceId) => {
    const connections = await store.transact(workspaceId, connectionsOf);
    const outcomes = await Promise.all(connections.map(turnOf));
    if (outcomes.includes('more')) return 'more';
    return outcomes.includes('later') ? 'later' : 'done';
  };
}

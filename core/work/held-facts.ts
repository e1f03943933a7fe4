import type { KnownFacts } from '../crm/index.ts';
import { type ConnectionRow, type FactsOfAccount, saveFacts, type Store } from '../store/index.ts';

/** What is known of an account, as a process that has it open holds it. */
export interface HeldFacts extends KnownFacts {
  /** A row as it was read: another process may have learned more. */
  see(connection: FactsOfAccount): void;
}

export function holdFacts(store: Store, connection: ConnectionRow): HeldFacts {
  const { workspaceId, connectionId } = connection;
  let newest: FactsOfAccount = connection;
  const see = (seen: FactsOfAccount): void => {
    if (seen.factsVersion > newest.factsVersion) newest = seen;
  };
  return {
    now: () => newest.facts,
    async save(facts) {
      const saved = await store.transact(workspaceId, (trx) => saveFacts(trx, connectionId, facts));
      if (saved !== undefined) see(saved);
    },
    see,
  };
}

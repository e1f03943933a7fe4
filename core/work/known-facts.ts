import type { KnownFacts } from '../crm/index.ts';
import { type ConnectionRow, saveFacts, type Store } from '../store/index.ts';

/** What is known of an account, as a process that has it open holds it; `see`: its row was read, in which another may say more. */
export function openFacts(
  store: Store,
  connection: ConnectionRow,
): { readonly facts: KnownFacts; readonly see: (row: ConnectionRow) => void } {
  const { workspaceId, connectionId } = connection;
  let newest: Pick<ConnectionRow, 'facts' | 'factsVersion'> = connection;
  const see = (seen: typeof newest): void => {
    if (seen.factsVersion > newest.factsVersion) newest = seen;
  };
  return {
    facts: {
      now: () => newest.facts,
      async save(facts) {
        const saved = await store.transact(workspaceId, (trx) => saveFacts(trx, connectionId, facts));
        if (saved !== undefined) see(saved);
      },
    },
    see,
  };
}

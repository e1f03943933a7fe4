import { createHash } from 'node:crypto';
import { type Clock, systemClock } from '@sangam/core/clock';
import { type AccountFacts, type Connector, traitsWith } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import { type Connectors, createPermits, openFacts, wasDisconnected } from '@sangam/core/work';
import type { ConnectionRow, Store } from '@sangam/core/store';
import { claimAccount } from './claim-account.ts';
import type { CrmApps } from './crm-apps.ts';
import type { Crms } from './crms.ts';
import type { CrmTokens } from './crm-tokens.ts';

interface Known {
  /** Another one is another connector. */
  readonly name: string;
  readonly connector: Connector;
  /** Its row was read. */
  readonly see: (row: ConnectionRow) => void;
  /** What is so of this account alone is known, and where it may be written to our fields are there. */
  prepared: { readonly forWriting: boolean; readonly done: Promise<void> } | undefined;
}

/**
 * Builds each connection's connector once. One that may be written to is provisioned before its first use in a process;
 * one in shadow is only read.
 */
export function createConnectors(dependencies: {
  store: Store;
  clock: Clock;
  crms: Crms;
  crmApps: CrmApps;
  crmTokens: CrmTokens;
  /** In place of the vendor's own limits. */
  limits?: AccountFacts['limits'] | undefined;
}): Connectors {
  const { store, clock, crms, crmApps, crmTokens, limits } = dependencies;
  const known = new Map<string, Known>();

  const lookUp = async (connection: ConnectionRow): Promise<Known> => {
    const { connectionId, workspaceId } = connection;
    const apiBase = connection.apiBase ?? undefined;
    const crm = crms.get(connection.crm);
    const site = await crmApps.of(connection.crm, connection);
    const credentials = crmTokens.credentialsOf(connection);
    if (connection.account === null) {
      const { account } = await crm.accountOf(site, {
        accessToken: await credentials.accessToken(),
        apiBase,
      });
      await store.transact(workspaceId, (trx) =>
        claimAccount(trx, { crm: connection.crm, account, connectionId }),
      );
    }
    const name = `${site.sandboxUrl ?? ''} ${apiBase ?? ''} ${fingerprint(connection)}`;
    const before = known.get(connectionId);
    if (before?.name === name) {
      before.see(connection);
      return before;
    }
    const { facts, see } = openFacts(store, connection);
    const permits = createPermits({
      store,
      clock: connection.sandbox ? clock : systemClock,
      workspaceId,
      connectionId,
      limits: () => limits ?? traitsWith(crm.traits, facts.now()).limits,
    });
    const connector = crm.open(site, { credentials, permits, apiBase, facts });
    const built = { name, connector, see, prepared: undefined };
    known.set(connectionId, built);
    return built;
  };

  return {
    async of(connection) {
      if (connection.disconnectedAt !== null) throw disconnected();
      const found = await lookUp(connection);
      await prepare(found, connection.mode !== 'shadow');
      return found.connector;
    },
    forget: (connectionId) => void known.delete(connectionId),
  };
}

async function prepare(found: Known, forWriting: boolean): Promise<void> {
  const { connector } = found;
  if (found.prepared === undefined || (forWriting && !found.prepared.forWriting)) {
    const done = forWriting ? connector.provision() : (connector.learnFacts?.() ?? Promise.resolve());
    found.prepared = { forWriting, done };
  }
  await found.prepared.done.catch((error: unknown) => {
    found.prepared = undefined;
    throw error;
  });
}

/**
 * A token that is renewed stays the same account; one that was typed in may open another. Whatever a person did to let calls
 * go anew counts too, in whichever process.
 */
function fingerprint({ authKind, accessToken, accessVersion }: ConnectionRow): string {
  if (authKind !== 'keys') return `${authKind} ${String(accessVersion)}`;
  return createHash('sha256')
    .update(accessToken ?? '')
    .update(String(accessVersion))
    .digest('hex');
}

function disconnected(): SangamError {
  return new SangamError({
    code: 'reconnect',
    origin: 'crm',
    retry: 'never',
    message: wasDisconnected,
  });
}

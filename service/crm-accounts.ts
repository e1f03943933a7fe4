import type { Clock } from '@sangam/core/clock';
import type { ConnectorTraits } from '@sangam/core/crm';
import type { Connectors } from '@sangam/core/pipeline';
import type { Store } from '@sangam/core/store';
import { type Connecting, createConnecting } from './connecting.ts';
import { type ConnectionBook, createConnectionBook } from './connection-book.ts';
import { type ConnectionSecrets, createConnectionSecrets } from './connection-secrets.ts';
import { createConnectors } from './connectors.ts';
import { createHubspotSites, type HubspotApp } from './hubspot-sites.ts';
import { createOauthStates } from './oauth-states.ts';
import type { SandboxUrl } from './running-sandbox.ts';
import type { SecretBox } from './secrets.ts';
import { createCrmTokens } from './crm-tokens.ts';

/** Everything about installed CRM accounts: reaching them, connecting them, what admins decide about them. */
export interface CrmAccounts {
  readonly connectors: Connectors;
  readonly connectionSecrets: ConnectionSecrets;
  readonly connecting: Connecting;
  readonly book: ConnectionBook;
}

export function createCrmAccounts(options: {
  store: Store;
  clock: Clock;
  box: SecretBox;
  /** The service's own HubSpot app. */
  hubspotApp: HubspotApp | undefined;
  sandboxApp: () => HubspotApp | undefined;
  sandboxUrl: SandboxUrl;
  publicUrl: () => string;
  /** In place of the vendors' own limits, for measuring. */
  crmLimits: ConnectorTraits['limits'] | undefined;
  /** Told that a workspace has something to write. */
  wake: (workspaceId: string) => void;
}): CrmAccounts {
  const { store, clock, box, publicUrl, wake } = options;
  const sites = createHubspotSites({
    app: options.hubspotApp,
    sandboxApp: options.sandboxApp,
    sandboxUrl: options.sandboxUrl,
  });
  const crmTokens = createCrmTokens({
    store,
    box,
    refresherOf: async (account) => {
      const { app, oauth } = await sites.of(account);
      return app === undefined ? undefined : oauth;
    },
  });
  const connectors = createConnectors({ store, clock, sites, crmTokens, limits: options.crmLimits });
  const connectionSecrets = createConnectionSecrets(store, box, clock);
  const states = createOauthStates(store, clock);
  return {
    connectors,
    connectionSecrets,
    connecting: createConnecting({
      store,
      clock,
      box,
      sites,
      states,
      crmTokens,
      connectors,
      publicUrl,
      wake,
    }),
    book: createConnectionBook({
      store,
      connectors,
      box,
      clock,
      publicUrl,
      secretsChanged: () => connectionSecrets.refresh(),
      wake,
    }),
  };
}

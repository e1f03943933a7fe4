import type { CrmApp, CrmSettings } from '@sangam/connectors/registry';
import type { Clock } from '@sangam/core/clock';
import type { AccountFacts } from '@sangam/core/crm';
import type { Connectors } from '@sangam/core/work';
import type { Store } from '@sangam/core/store';
import { type Connecting, createConnecting } from './connecting.ts';
import { type Connections, createConnections } from './connections.ts';
import { type ConnectionSecrets, createConnectionSecrets } from './connection-secrets.ts';
import { createConnectors } from './connectors.ts';
import { createCrmApps, type CrmApps } from './crm-apps.ts';
import type { Crms } from './crms.ts';
import { createOauthStates } from './oauth-states.ts';
import type { SandboxUrl } from '../running-sandbox.ts';
import type { SecretBox } from '../secrets/secrets.ts';
import { createCrmTokens } from './crm-tokens.ts';

/** Everything about installed CRM accounts: reaching them, connecting them, what admins decide about them. */
export interface CrmAccounts {
  readonly crmApps: CrmApps;
  readonly connectors: Connectors;
  readonly connectionSecrets: ConnectionSecrets;
  readonly connecting: Connecting;
  readonly connections: Connections;
}

export function createCrmAccounts(options: {
  store: Store;
  clock: Clock;
  box: SecretBox;
  crms: Crms;
  /** What the environment says of each, by its name. */
  settings: Readonly<Record<string, CrmSettings>>;
  sandboxApp: (crm: string) => CrmApp | undefined;
  sandboxUrl: SandboxUrl;
  publicUrl: () => string;
  /** In place of the vendors' own limits, for measuring. */
  crmLimits: AccountFacts['limits'] | undefined;
}): CrmAccounts {
  const { store, clock, box, crms, publicUrl } = options;
  const crmApps = createCrmApps(options);
  const crmTokens = createCrmTokens({
    store,
    clock,
    box,
    renewalOf: async (account, kind) => {
      const { oauth, form } = crms.get(account.crm);
      const site = await crmApps.of(account.crm, account);
      if (kind === 'mint') return form?.kind === 'mint' ? (held) => form.mint(site, held) : undefined;
      const { app } = site;
      if (oauth === undefined || app === undefined) return undefined;
      return (held) => oauth.refresh({ ...site, app }, held);
    },
    howToReplace: (crm) => crms.get(crm).form?.replace ?? 'connect it again',
  });
  const connectors = createConnectors({ store, clock, crms, crmApps, crmTokens, limits: options.crmLimits });
  const connectionSecrets = createConnectionSecrets(store, box, clock);
  const states = createOauthStates(store, clock);
  return {
    crmApps,
    connectors,
    connectionSecrets,
    connecting: createConnecting({
      store,
      clock,
      box,
      crms,
      crmApps,
      states,
      crmTokens,
      connectors,
      publicUrl,
    }),
    connections: createConnections({
      store,
      crms,
      connectors,
      box,
      clock,
      publicUrl,
      secretsChanged: () => connectionSecrets.refresh(),
    }),
  };
}

import type { Crm } from '../shared/crm.ts';
import { appVariables, configuration } from './configuration.ts';
import { createZohoConnector } from './connector.ts';
import { apiAt } from './host.ts';
import { accountOf, authorizeUrl, exchangeCode, refreshApp, revoke } from './oauth.ts';
import { readTold } from './rule-changes.ts';
import { selfClient } from './self-client.ts';
import { isTold, mayTell } from './signature.ts';
import { zohoTraits } from './traits.ts';

/** Many ids, each with the values of ten fields; Zoho names no bound. docs/vendors/zoho.md §6.2. */
const mostBytes = 4 * 1024 * 1024;

export const zoho: Crm = {
  traits: zohoTraits,
  configuration,

  oauth: {
    appVariables,
    pkce: false,
    authorizeUrl,
    exchange: (site, query, { redirectUri }) => exchangeCode(site, query, redirectUri),
    refresh: refreshApp,
    uninstall: (site, _access, held) => revoke(site, held),
  },
  form: selfClient,
  accountOf,
  open: (site, { credentials, permits, apiBase, facts }) =>
    createZohoConnector({ apiBase: apiAt(site, apiBase), credentials, permits, facts }),

  webhooks: {
    mostBytes,
    // One org's watch tells nothing of whose it is.
    ofEachAccount: true,
    maySign: mayTell,
    verify: isTold,
    badSignature:
      'The token in the body, the secret or the signature in a header is not that of this address, or the signature is older than five minutes.',
    read: readTold,
  },
  readKept: (body) => readTold(body).accounts,
};

import { Refusal, SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import type { Crm, CrmSite, Renewable } from '../shared/crm.ts';
import { keptExecution, readKept } from './actions.ts';
import { readHubspotChanges } from './changes.ts';
import { appVariables, configuration } from './configuration.ts';
import { createHubspotConnector } from './connector.ts';
import { hubspotBasePath } from './host.ts';
import { hubspotOauth, type HubspotOauth } from './oauth.ts';
import { mostSessionBytes, readSession } from './session.ts';
import { mayBeHubspotSigned, type SignatureVersion, verifyHubspotSignature } from './signature.ts';
import { hubspotTraits } from './traits.ts';
import { uiOrigin } from './vendor.ts';

/** A hundred events, each with a property of at most 64 KiB. docs/vendors/hubspot.md §3.2, §4.2. */
const mostBytes = 10 * 1024 * 1024;

const accessToken = z
  .string()
  .trim()
  .max(4_096)
  .regex(/^[\x21-\x7e]{10,}$/, "must be the private app's access token, whole and without blanks");

export const hubspot: Crm = {
  traits: hubspotTraits,
  configuration,

  oauth: {
    appVariables,
    pkce: false,
    authorizeUrl: (site, asked) => oauthAt(site).authorizeUrl(asked),
    exchange: (site, { code }, { redirectUri }) => oauthAt(site).exchange(code, redirectUri),
    refresh: (site, held) => oauthAt(site).refresh(refreshTokenIn(held)),
    uninstall: (site, access) => oauthAt(site).uninstall(access.accessToken),
  },

  form: {
    kind: 'keys',
    fields: { accessToken },
    help: 'connect with the access token of a private app',
    replace: 'enter a new one (POST /api/v1/connections, or HUBSPOT_ACCESS_TOKEN)',
    async connect(site, typed) {
      const grant = { accessToken: accessToken.parse(typed['accessToken']) };
      const account = await oauthAt(site)
        .accountOf(grant.accessToken)
        .catch((error: unknown) => {
          if (!(error instanceof SangamError) || error.code !== 'reconnect') throw error;
          const { message } = error;
          throw new Refusal('invalid', 'token_refused', message, [{ path: 'accessToken', message }]);
        });
      return { grant, account };
    },
  },

  accountOf: (site, access) => oauthAt(site).accountOf(access.accessToken),
  open: (site, { credentials, permits }) =>
    createHubspotConnector({ basePath: basePathAt(site), credentials, permits }),

  webhooks: { mostBytes, ofEachAccount: false, ...signedBy(['v3']), read: readHubspotChanges },
  actions: {
    mostBytes,
    // An action may still be called in the older version: docs/vendors/hubspot.md §3.1.
    ...signedBy(['v3', 'v2']),
    read(action, body, at) {
      const kept = keptExecution(action, body, at);
      return kept === undefined ? undefined : { accounts: readKept(kept), kept };
    },
    taken: { outputFields: { hs_execution_state: 'SUCCESS' } },
    // The workflow goes on and can branch on it; a 4xx would only be a line in its history. docs/vendors/hubspot.md §7.
    unreadable: {
      outputFields: {
        hs_execution_state: 'FAIL_CONTINUE',
        errorMessage: 'The request holds no callbackId, portal or record.',
      },
    },
  },
  session: { mostBytes: mostSessionBytes, ...signedBy(['v3']), read: readSession },
  readKept,
};

function basePathAt({ sandboxUrl }: CrmSite): string {
  return sandboxUrl === undefined ? hubspotBasePath('live') : hubspotBasePath('sandbox', sandboxUrl);
}

function oauthAt(site: CrmSite): HubspotOauth {
  const basePath = basePathAt(site);
  return hubspotOauth({
    basePath,
    authorizeUrl: `${site.sandboxUrl === undefined ? uiOrigin : basePath}/oauth/authorize`,
    clientId: site.app?.clientId ?? '',
    clientSecret: site.app?.clientSecret ?? '',
  });
}

/** HubSpot gives one with every grant. */
function refreshTokenIn({ refreshToken }: Renewable): string {
  if (refreshToken === undefined) throw new RangeError('A HubSpot grant was kept without its refresh token.');
  return refreshToken;
}

function signedBy(
  versions: readonly SignatureVersion[],
): Pick<Crm['webhooks'], 'maySign' | 'verify' | 'badSignature'> {
  return {
    maySign: (headers, now) => mayBeHubspotSigned(headers, versions, now),
    verify: (request, secrets, now) => verifyHubspotSignature(request, secrets, versions, now),
    badSignature:
      'The signature does not match the body, this address and the secret of the app, or is older than five minutes.',
  };
}

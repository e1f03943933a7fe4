import { SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import { askForTokens, type TokenEndpoint, type TokenMeaning } from '../shared/oauth.ts';
import { createTransport, unreadable } from '../shared/transport.ts';
import { protocol } from './client.ts';
import { readRefusal, refusalError } from './errors.ts';
import { accountInfoVersion, apiVersion, vendor } from './vendor.ts';

/** What a portal is asked for: exactly what the calls of this folder need. docs/vendors/hubspot.md §4.4, §4.5, §5. */
export const hubspotScopes = {
  required: [
    'oauth',
    'crm.objects.contacts.read',
    'crm.objects.contacts.write',
    'crm.schemas.contacts.read',
    'crm.schemas.contacts.write',
  ],
  /** Without it owners cannot be listed, and new records belong to nobody. */
  optional: ['crm.objects.owners.read'],
} as const;

/** What opens an account. `expiresAt`: milliseconds of this machine's time. */
interface HubspotGrant {
  readonly accessToken: string;
  /** The newest: HubSpot may replace it with every refresh. */
  readonly refreshToken: string;
  readonly expiresAt: number;
  /** The portal's id, and the user who agreed. */
  readonly account?: string;
  readonly user?: string;
}

/**
 * Installing our app in a portal. Calls throw `SangamError`: `reconnect` (never) where the portal's admin has to agree
 * again, `client_config` (never) where our app's own settings are wrong and no portal is to blame, and what passes with
 * time as `later` or `{afterMs}`.
 */
export interface HubspotOauth {
  /** Where an admin agrees. */
  authorizeUrl(options: { redirectUri: string; state: string }): string;
  exchange(code: string, redirectUri: string): Promise<HubspotGrant>;
  refresh(refreshToken: string): Promise<HubspotGrant>;
  /** Takes our app out of the portal; HubSpot tells the customer by e-mail. Its tokens are dead afterwards. */
  uninstall(accessToken: string): Promise<void>;
  /** Whose token it is: the portal's id and IANA time zone. `reconnect` where HubSpot says that it is none. */
  accountOf(accessToken: string): Promise<{ account: string; timeZone: string | undefined }>;
}

const id = z.union([z.string().min(1), z.number()]).transform(String);
const optionalId = id.optional().catch(undefined);
const optionalText = z.string().optional().catch(undefined);

/** What a grant's answer says beside the tokens. */
const whose = z.looseObject({ hub_id: optionalId, user_id: optionalId });

const details = z.looseObject({ portalId: id, timeZone: optionalText });

const tokenError = z.looseObject({ error: optionalText, status: optionalText });

const reconnect = 'HubSpot no longer accepts this agreement: connect the account again';
/** Of the code an admin comes back with: nothing was accepted before. */
const notTaken =
  'HubSpot did not take this agreement, which is good once and for a few minutes: connect again';
const clientConfig =
  "HubSpot does not know this installation's app: check HUBSPOT_CLIENT_ID, HUBSPOT_CLIENT_SECRET and the app's redirect URLs";

/**
 * What a refused token request means, by `error` or `status`. docs/vendors/hubspot.md §5; those marked M from memory.
 */
const meanings: Readonly<Record<string, TokenMeaning>> = {
  invalid_grant: { code: 'reconnect', says: reconnect },
  access_denied: { code: 'reconnect', says: reconnect },
  BAD_REFRESH_TOKEN: { code: 'reconnect', says: reconnect },
  BAD_AUTH_CODE: { code: 'reconnect', says: reconnect }, // M
  BAD_HUB: { code: 'reconnect', says: reconnect },
  invalid_client: { code: 'client_config', says: clientConfig },
  unauthorized_client: { code: 'client_config', says: clientConfig }, // M
  BAD_CLIENT_ID: { code: 'client_config', says: clientConfig }, // M
  BAD_CLIENT_SECRET: { code: 'client_config', says: clientConfig }, // M
  BAD_REDIRECT_URI: { code: 'client_config', says: clientConfig }, // M
};

export function hubspotOauth(options: {
  /** From `hubspotBasePath`. */
  basePath: string;
  /** The page where admins agree. docs/vendors/hubspot.md §5. */
  authorizeUrl: string;
  clientId: string;
  clientSecret: string;
  timeoutMs?: number;
}): HubspotOauth {
  const { basePath, clientId, clientSecret, timeoutMs = 20_000 } = options;
  const transport = createTransport({ ...protocol, basePath, timeoutMs });
  const app = { client_id: clientId, client_secret: clientSecret };

  // Secrets travel in a form, never in a query, which is logged on the way. docs/vendors/hubspot.md §5
  const path = `/oauth/${apiVersion}/token`;
  const endpoint: TokenEndpoint = {
    vendor,
    post: (form) => transport.send({ method: 'POST', path, form: { ...app, ...form } }),
    meanings,
    codesIn(body) {
      const said = tokenError.safeParse(body);
      return said.success ? [said.data.status, said.data.error] : [];
    },
    codeNotTaken: notTaken,
    unavailable: ({ status, headers, body }) => refusalError(readRefusal(status, headers, body)),
  };

  /** `refreshToken`: the one that is good still, where no other is given. */
  const ask = async (
    form: Parameters<typeof askForTokens>[1],
    refreshToken?: string,
  ): Promise<HubspotGrant> => {
    const { grant, body } = await askForTokens(endpoint, form);
    const newest = grant.refreshToken ?? refreshToken;
    // HubSpot gives both with every grant.
    if (newest === undefined || grant.expiresAt === undefined) throw unreadable(vendor, 200);
    const { hub_id: account, user_id: user } = whose.parse(body);
    return {
      accessToken: grant.accessToken,
      refreshToken: newest,
      expiresAt: grant.expiresAt,
      ...(account === undefined ? {} : { account }),
      ...(user === undefined ? {} : { user }),
    };
  };

  return {
    authorizeUrl({ redirectUri, state }) {
      const url = new URL(options.authorizeUrl);
      url.search = new URLSearchParams({
        client_id: clientId,
        redirect_uri: redirectUri,
        scope: hubspotScopes.required.join(' '),
        optional_scope: hubspotScopes.optional.join(' '),
        state,
      }).toString();
      return url.href;
    },

    exchange: (code, redirectUri) =>
      ask({ grant_type: 'authorization_code', code, redirect_uri: redirectUri }),

    refresh: (refreshToken) =>
      ask({ grant_type: 'refresh_token', refresh_token: refreshToken }, refreshToken),

    async uninstall(accessToken) {
      const path = `/appinstalls/${apiVersion}/external-install`;
      const { ok, status, headers, body } = await transport.send({ method: 'DELETE', path }, accessToken);
      if (!ok) throw refusalError(readRefusal(status, headers, body));
    },

    async accountOf(accessToken) {
      const path = `/account-info/${accountInfoVersion}/details`;
      const response = await transport.send({ method: 'GET', path }, accessToken);
      const { ok, status, headers, body } = response;
      // Nobody else has tried this token yet: HubSpot's word about it is the only one there is.
      if (protocol.isExpired(response)) throw tokenRefused();
      if (!ok) throw refusalError(readRefusal(status, headers, body));
      const read = details.safeParse(body);
      if (!read.success) throw unreadable(vendor, status);
      return { account: read.data.portalId, timeZone: read.data.timeZone };
    },
  };
}

function tokenRefused(): SangamError {
  return new SangamError({
    code: 'reconnect',
    origin: 'crm',
    retry: 'never',
    message:
      'HubSpot does not accept this access token: copy it again, whole, from the app or service key it belongs to, or make ' +
      'another there.',
  });
}

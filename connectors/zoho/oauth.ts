import { SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import type { Access, CrmAccount, CrmApp, CrmSite, Grant, Renewable } from '../shared/crm.ts';
import { askForTokens, type TokenEndpoint, type TokenMeaning } from '../shared/oauth.ts';
import { createTransport, type Transport, unreadable } from '../shared/transport.ts';
import { protocol } from './client.ts';
import { centreOfAccounts, firstCentre } from './data-centres.ts';
import { readRefusal, refusalError } from './errors.ts';
import { accountsAt, apiAt } from './host.ts';
import { orgAnswer, orgPath } from './org-api.ts';
import { tokenWaitMs, vendor } from './vendor.ts';

/** What an org is asked for: exactly what the calls of this folder need. docs/vendors/zoho.md §1.2; names, docs/zoho-setup.md. */
const zohoScopes = [
  'ZohoCRM.modules.leads.ALL',
  'ZohoCRM.modules.contacts.ALL',
  'ZohoCRM.modules.deals.READ',
  'ZohoCRM.modules.notes.ALL',
  'ZohoCRM.modules.custom.ALL',
  'ZohoCRM.coql.READ',
  'ZohoCRM.notifications.ALL',
  'ZohoCRM.settings.fields.ALL',
  'ZohoCRM.settings.modules.ALL',
  'ZohoCRM.settings.automation_actions.READ',
  'ZohoCRM.org.READ',
  'ZohoCRM.users.READ',
] as const;

/** Who asks, and where: an app of ours, or a client its admin made for themselves. */
interface TokenClient {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly accountsServer: string;
}

const timeoutMs = 20_000;

const reconnect = 'Zoho no longer accepts this agreement: connect the account again';
/** Of the code an admin comes back with, or typed in: nothing was accepted before. */
const notTaken = 'Zoho did not take this code, which is good once and for a few minutes: connect again';
const clientConfig =
  "Zoho does not know this installation's client: check its id, its secret (each data centre may have its own) and its redirect URL";
const tooMany: TokenMeaning = {
  code: 'too_many_tokens',
  says: 'Zoho was asked for tokens too often: it is left alone for ten minutes',
  afterMs: tokenWaitMs.tooMany,
};

/** What a refused token request means, whatever its status. docs/vendors/zoho.md §1.2; those marked M from memory. */
const meanings: Readonly<Record<string, TokenMeaning>> = {
  invalid_code: { code: 'reconnect', says: reconnect },
  access_denied: { code: 'reconnect', says: reconnect },
  'Access Denied': tooMany,
  invalid_client: { code: 'client_config', says: clientConfig },
  invalid_client_secret: { code: 'client_config', says: clientConfig }, // M
  invalid_redirect_uri: { code: 'client_config', says: clientConfig }, // M
  unauthorized_client: { code: 'client_config', says: clientConfig }, // M
};

const told = z.looseObject({ api_domain: z.string().min(1).optional() });

/** Where an admin agrees. Zoho leads them on to where their account is. */
export function authorizeUrl(
  site: CrmSite & { readonly app: CrmApp },
  { redirectUri, state }: { readonly redirectUri: string; readonly state: string },
): string {
  const url = new URL(`${accountsAt(site, site.sandboxUrl ?? firstCentre.accounts)}/oauth/v2/auth`);
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: site.app.clientId,
    redirect_uri: redirectUri,
    scope: zohoScopes.join(','),
    // A refresh token is given so, and again only so. docs/vendors/zoho.md §1.2
    access_type: 'offline',
    prompt: 'consent',
    state,
  }).toString();
  return url.href;
}

/**
 * Exchanges the code at the accounts server the admin came back from, once that is known for one of Zoho's.
 * docs/vendors/zoho.md §1.1
 */
export async function exchangeCode(
  site: CrmSite & { readonly app: CrmApp },
  query: { readonly code: string } & Readonly<Record<string, string>>,
  redirectUri: string,
): Promise<Grant> {
  const { code, location } = query;
  const accountsServer = accountsAt(
    site,
    query['accounts-server'] ?? site.sandboxUrl ?? firstCentre.accounts,
  );
  const dataCentre = centreOfAccounts(accountsServer)?.name ?? location ?? firstCentre.name;
  const client = appClient(site.app, { accountsServer, dataCentre });
  const grant = await firstGrant(site, client, { code, redirect_uri: redirectUri });
  return { ...grant, secret: { accountsServer, dataCentre } };
}

/** Renews what `exchangeCode` gave. */
export function refreshApp(site: CrmSite & { readonly app: CrmApp }, held: Renewable): Promise<Grant> {
  return renewed(site, appClient(site.app, placeIn(site, held)), held);
}

/** Ends what tokens are renewed with, and so the agreement. docs/vendors/zoho.md §1.2 */
export async function revoke(site: CrmSite, held: Renewable): Promise<void> {
  const { accountsServer } = placeIn(site, held);
  const { status, ok, headers, body } = await transportAt(accountsServer).send({
    method: 'POST',
    path: '/oauth/v2/token/revoke',
    form: { token: refreshTokenIn(held) },
  });
  if (!ok || said.safeParse(body).data?.error !== undefined) {
    throw refusalError(readRefusal(status, headers, body));
  }
}

const said = z.looseObject({ error: z.string().optional() });

/** What a self client's admin typed in, exchanged once. docs/vendors/zoho.md §1.3 */
export async function exchangeTyped(site: CrmSite, client: TokenClient, code: string): Promise<Grant> {
  const grant = await firstGrant(site, client, { code });
  return { ...grant, secret: { ...client } };
}

/** Renews what `exchangeTyped` gave. */
export function mintTyped(site: CrmSite, held: Renewable): Promise<Grant> {
  const { clientId = '', clientSecret = '', accountsServer = '' } = held.secret ?? {};
  return renewed(site, { clientId, clientSecret, accountsServer: accountsAt(site, accountsServer) }, held);
}

/** Whose account it is. `reconnect` where Zoho says that the token is none. */
export async function accountOf(site: CrmSite, { accessToken, apiBase }: Access): Promise<CrmAccount> {
  const transport = createTransport({ ...protocol, basePath: apiAt(site, apiBase), timeoutMs });
  const response = await transport.send({ method: 'GET', path: orgPath }, accessToken);
  // Nobody else has tried this token yet: Zoho's word about it is the only one there is.
  if (protocol.isExpired(response)) throw tokenRefused();
  const refusal = protocol.refusalIn(response);
  if (refusal !== undefined) throw refusalError(refusal);
  const org = orgAnswer.safeParse(response.body).data;
  if (org === undefined) throw unreadable(vendor, response.status);
  return { account: org.zgid, timeZone: org.time_zone };
}

async function firstGrant(
  site: CrmSite,
  client: TokenClient,
  form: Readonly<Record<string, string>>,
): Promise<Grant> {
  const grant = await ask(site, client, { grant_type: 'authorization_code', ...form });
  // Without one the account would be lost in an hour, and nobody would know where it is.
  if (grant.refreshToken === undefined || grant.apiBase === undefined) throw unreadable(vendor, 200);
  return grant;
}

function renewed(site: CrmSite, client: TokenClient, held: Renewable): Promise<Grant> {
  return ask(site, client, { grant_type: 'refresh_token', refresh_token: refreshTokenIn(held) });
}

async function ask(
  site: CrmSite,
  { clientId, clientSecret, accountsServer }: TokenClient,
  form: Parameters<typeof askForTokens>[1],
): Promise<Grant> {
  const transport = transportAt(accountsServer);
  const client = { client_id: clientId, client_secret: clientSecret };
  const endpoint: TokenEndpoint = {
    vendor,
    // Secrets travel in a form, never in a query, which is logged on the way.
    post: (fields) =>
      transport.send({ method: 'POST', path: '/oauth/v2/token', form: { ...client, ...fields } }),
    meanings,
    codeNotTaken: notTaken,
    unavailable: ({ status, headers, body }) => refusalError(readRefusal(status, headers, body)),
    unexplainedAfterMs: tokenWaitMs.unexplained,
  };
  const { grant, body } = await askForTokens(endpoint, form);
  const read = told.safeParse(body);
  if (!read.success || grant.expiresAt === undefined) throw unreadable(vendor, 200);
  const { api_domain: apiBase } = read.data;
  return { ...grant, ...(apiBase === undefined ? {} : { apiBase: apiAt(site, apiBase) }) };
}

function transportAt(accountsServer: string): Transport {
  return createTransport({ ...protocol, basePath: accountsServer, timeoutMs });
}

function appClient(
  { clientId, clientSecret, clientSecrets = {} }: CrmApp,
  { accountsServer, dataCentre }: { readonly accountsServer: string; readonly dataCentre: string },
): TokenClient {
  return { clientId, clientSecret: clientSecrets[dataCentre] ?? clientSecret, accountsServer };
}

/** Where a grant came from. */
function placeIn(site: CrmSite, { secret = {} }: Renewable): { accountsServer: string; dataCentre: string } {
  const { accountsServer = site.sandboxUrl ?? firstCentre.accounts, dataCentre = firstCentre.name } = secret;
  return { accountsServer: accountsAt(site, accountsServer), dataCentre };
}

/** Zoho gives one with every agreement. */
function refreshTokenIn({ refreshToken }: Renewable): string {
  if (refreshToken === undefined) throw new RangeError('A Zoho grant was kept without its refresh token.');
  return refreshToken;
}

function tokenRefused(): SangamError {
  return new SangamError({
    code: 'reconnect',
    origin: 'crm',
    retry: 'never',
    message: 'Zoho CRM does not accept this access token: connect the account again.',
  });
}

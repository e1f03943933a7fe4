import { describe, expect, test } from 'vitest';
import { hubspotOauth, hubspotScopes } from './oauth.ts';
import { bodyOf, serve } from '../shared/test-server.ts';

const secrets = { clientId: 'client-id', clientSecret: 'client-secret' };
const authorizeUrl = 'https://app.hubspot.com/oauth/authorize';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly type: string | undefined;
  readonly authorization: string | undefined;
  readonly form: object;
}

/** Our app at a HubSpot that gives this answer. */
async function appAnswering(
  status: number,
  body?: object,
): Promise<{ oauth: ReturnType<typeof hubspotOauth>; seen: Seen[] }> {
  const seen: Seen[] = [];
  const basePath = await serve(async (request, response) => {
    const { method, url, headers } = request;
    const { authorization, 'content-type': type } = headers;
    seen.push({
      method,
      url,
      type,
      authorization,
      form: Object.fromEntries(new URLSearchParams(await bodyOf(request))),
    });
    response.writeHead(status).end(body === undefined ? '' : JSON.stringify(body));
  });
  return { oauth: hubspotOauth({ basePath, authorizeUrl, ...secrets }), seen };
}

/** docs/vendors/hubspot.md §5. */
const tokens = {
  access_token: 'access',
  refresh_token: 'refresh-2',
  expires_in: 1800,
  token_type: 'bearer',
  hub_id: 24_111_972,
  user_id: 2_000_001,
  scopes: [],
};
const redirectUri = 'https://sangam.example/oauth/hubspot/callback';

test('an admin is sent to agree to exactly our scopes', async () => {
  const { oauth } = await appAnswering(200, tokens);
  const url = new URL(oauth.authorizeUrl({ redirectUri, state: 'state+&' }));
  expect(`${url.origin}${url.pathname}`).toBe(authorizeUrl);
  expect(Object.fromEntries(url.searchParams)).toEqual({
    client_id: 'client-id',
    redirect_uri: redirectUri,
    scope: hubspotScopes.required.join(' '),
    optional_scope: hubspotScopes.optional.join(' '),
    state: 'state+&',
  });
  expect(url.href).not.toContain('client-secret');
});

describe('tokens', () => {
  test('are asked for in a form, never in a query', async () => {
    const { oauth, seen } = await appAnswering(200, tokens);
    await oauth.exchange('the-code', redirectUri);
    await oauth.refresh('refresh-1');
    const asked = {
      method: 'POST',
      url: '/oauth/2026-03/token',
      type: 'application/x-www-form-urlencoded',
      authorization: undefined,
    };
    const app = { client_id: 'client-id', client_secret: 'client-secret' };
    expect(seen).toEqual([
      {
        ...asked,
        form: {
          ...app,
          grant_type: 'authorization_code',
          code: 'the-code',
          redirect_uri: redirectUri,
        },
      },
      { ...asked, form: { ...app, grant_type: 'refresh_token', refresh_token: 'refresh-1' } },
    ]);
  });

  test('come with their end, their account and the newest refresh token', async () => {
    const { oauth } = await appAnswering(200, tokens);
    const before = Date.now();
    const grant = await oauth.refresh('refresh-1');
    expect(grant).toEqual({
      accessToken: 'access',
      refreshToken: 'refresh-2',
      expiresAt: expect.any(Number) as unknown,
      account: '24111972',
      user: '2000001',
    });
    expect(grant.expiresAt - before).toBeGreaterThanOrEqual(1_800_000);
    expect(grant.expiresAt).toBeLessThanOrEqual(Date.now() + 1_800_000);
  });

  test('that leave the refresh token out keep the one there is', async () => {
    const { refresh_token: _, hub_id: _hub, user_id: _user, ...bare } = tokens;
    const { oauth } = await appAnswering(200, bare);
    expect(await oauth.refresh('refresh-1')).toMatchObject({ refreshToken: 'refresh-1' });
    await expect(oauth.exchange('code', redirectUri)).rejects.toMatchObject({ code: 'unreadable_answer' });
  });
});

test.each([
  [400, { error: 'invalid_grant', status: 'BAD_REFRESH_TOKEN' }, 'reconnect', 'never'],
  [400, { status: 'BAD_REFRESH_TOKEN' }, 'reconnect', 'never'],
  [400, { error: 'invalid_grant' }, 'reconnect', 'never'],
  [403, { error: 'access_denied', status: 'BAD_HUB' }, 'reconnect', 'never'],
  [400, { status: 'BAD_AUTH_CODE' }, 'reconnect', 'never'],
  [401, { error: 'invalid_client' }, 'client_config', 'never'],
  [400, { error: 'invalid_client' }, 'client_config', 'never'],
  [400, { error: 'invalid_request' }, 'token_refused', 'later'],
  [401, {}, 'token_refused', 'later'],
  [429, { error: 'invalid_grant' }, 'rate_limited', 'later'],
  [429, { policyName: 'TEN_SECONDLY_ROLLING' }, 'rate_limited', { afterMs: 10_000 }],
  [500, { error: 'invalid_grant' }, 'unavailable', 'later'],
  [503, undefined, 'unavailable', 'later'],
  [200, { nothing: 1 }, 'unreadable_answer', 'later'],
])('status %i with %j is %s, to be repeated: %j', async (status, body, code, retry) => {
  const { oauth } = await appAnswering(status, body);
  const failure: unknown = await oauth.refresh('refresh-1').catch((error: unknown) => error);
  expect(failure).toMatchObject({ code, retry, origin: 'crm' });
  expect(String(failure)).not.toMatch(/client-secret|refresh-1/);
});

test('our app is taken out with the portal’s token', async () => {
  const { oauth, seen } = await appAnswering(204);
  await oauth.uninstall('access');
  expect(seen).toMatchObject([
    { method: 'DELETE', url: '/appinstalls/2026-03/external-install', authorization: 'Bearer access' },
  ]);
  const refused = await appAnswering(401, {});
  await expect(refused.oauth.uninstall('access')).rejects.toMatchObject({ code: 'token_doubted' });
});

describe('whose token it is', () => {
  test('is the portal’s id and time zone', async () => {
    const { oauth, seen } = await appAnswering(200, { portalId: 24_111_972, timeZone: 'Asia/Kolkata' });
    expect(await oauth.accountOf('access')).toEqual({ account: '24111972', timeZone: 'Asia/Kolkata' });
    expect(seen).toMatchObject([
      { method: 'GET', url: '/account-info/2026-09/details', authorization: 'Bearer access' },
    ]);
  });

  test('is nobody’s where HubSpot refuses it', async () => {
    const { oauth } = await appAnswering(401, { category: 'INVALID_AUTHENTICATION' });
    await expect(oauth.accountOf('nobody’s')).rejects.toMatchObject({ code: 'reconnect', retry: 'never' });
    await expect(oauth.accountOf('pat-of-nobody')).rejects.toMatchObject({ code: 'reconnect' });
  });
});

import { SangamError } from '@sangam/core/errors';
import { describe, expect, test } from 'vitest';
import type { CrmSite } from '../shared/crm.ts';
import { bodyOf, serve } from '../shared/test-server.ts';
import { zoho } from './crm.ts';
import { dataCentres } from './data-centres.ts';
import { accountsAt, apiAt } from './host.ts';
import { openOrg, type TestOrg } from './test-org.ts';

const app = { clientId: 'client-of-test', clientSecret: 'secret-of-test-org' };
const live: CrmSite = { sandboxUrl: undefined, app };
const redirectUri = 'https://sangam.example/oauth/zoho/callback';

async function failure(work: () => unknown): Promise<SangamError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof SangamError) return error;
    throw error;
  }
  throw new Error('A SangamError was expected.');
}

describe('hosts', () => {
  test.each(dataCentres)('of $name are known', ({ accounts, api }) => {
    expect(accountsAt(live, accounts)).toBe(accounts);
    expect(apiAt(live, api)).toBe(api);
    expect(apiAt(live, api.replace('www.', 'sandbox.'))).toBe(api.replace('www.', 'sandbox.'));
  });

  test.each([
    'https://accounts.zoho.com.evil.example',
    'https://accounts.zoho.com@evil.example',
    'https://accounts.zoho.com:8443',
    'https://accounts.zoho.com/oauth',
    'http://accounts.zoho.com',
    'https://accounts.zoho.example',
    'accounts.zoho.com',
    '',
  ])('nothing is sent to %s', async (said) => {
    const query = { code: 'c', location: 'us', 'accounts-server': said };
    const exchange = () => zoho.oauth?.exchange({ ...live, app }, query, { redirectUri });
    expect(await failure(exchange)).toMatchObject({ code: 'host_refused', retry: 'never' });
    expect(await failure(() => apiAt(live, said))).toMatchObject({ code: 'host_refused' });
  });

  test('a sandbox is its own for both, and no way out of it', async () => {
    const site: CrmSite = { sandboxUrl: 'http://127.0.0.1:8080/sandbox/zoho', app };
    expect(apiAt(site, 'http://127.0.0.1:8080/sandbox/zoho')).toBe('http://127.0.0.1:8080/sandbox/zoho');
    for (const said of ['https://www.zohoapis.com', 'http://127.0.0.1:9090/sandbox/zoho']) {
      expect(await failure(() => apiAt(site, said))).toMatchObject({ code: 'host_refused' });
      expect(await failure(() => accountsAt(site, said))).toMatchObject({ code: 'host_refused' });
    }
  });
});

/** An admin agrees in the sandbox; what they come back with. */
async function agree(org: TestOrg): Promise<{ code: string } & Record<string, string>> {
  const site = { sandboxUrl: org.root, app };
  const url = zoho.oauth?.authorizeUrl(site, { redirectUri, state: 'state' }) ?? '';
  const page = await fetch(url, { redirect: 'manual' });
  let location = page.headers.get('location') ?? '';
  if (location === '') {
    const agreed = await fetch(url, { method: 'POST', redirect: 'manual' });
    location = agreed.headers.get('location') ?? '';
  }
  const query = Object.fromEntries(new URL(location).searchParams);
  return { ...query, code: query['code'] ?? '' };
}

describe('an agreement', () => {
  test('is exchanged where the admin came back from, renewed there, and revoked', async () => {
    const org = await openOrg();
    const site = { sandboxUrl: org.root, app };
    const query = await agree(org);
    expect(query).toMatchObject({ state: 'state', location: 'in', 'accounts-server': org.root });
    const { oauth } = zoho;
    if (oauth === undefined) throw new Error('Zoho has OAuth.');
    const grant = await oauth.exchange(site, query, { redirectUri });
    expect(grant).toMatchObject({
      apiBase: org.root,
      secret: { accountsServer: org.root, dataCentre: 'in' },
      refreshToken: expect.any(String),
    });
    expect(await zoho.accountOf(site, grant)).toMatchObject({
      account: '60012345678',
      timeZone: 'Asia/Kolkata',
    });
    const { refreshToken = '', secret = {} } = grant;
    const next = await oauth.refresh(site, { refreshToken, secret });
    expect(next.accessToken).not.toBe(grant.accessToken);
    expect(next.refreshToken ?? refreshToken).toBe(refreshToken);
    await oauth.uninstall?.(site, grant, { refreshToken, secret });
    expect(await failure(() => oauth.refresh(site, { refreshToken, secret }))).toMatchObject({
      code: 'reconnect',
      retry: 'never',
    });
  });

  test('refused with a 200 is refused', async () => {
    const org = await openOrg();
    const site = { sandboxUrl: org.root, app };
    const wrong = { code: 'wrong', location: 'in', 'accounts-server': org.root };
    expect(await failure(() => zoho.oauth?.exchange(site, wrong, { redirectUri }))).toMatchObject({
      code: 'reconnect',
      message: expect.stringContaining('good once'),
    });
    const stranger = { sandboxUrl: org.root, app: { ...app, clientSecret: 'of-somebody-else' } };
    expect(await failure(() => zoho.oauth?.exchange(stranger, wrong, { redirectUri }))).toMatchObject({
      code: 'client_config',
    });
  });
});

describe('a token server', () => {
  const held = { refreshToken: 'r', secret: { dataCentre: 'eu' } };
  const at = async (status: number, body: object, forms: string[] = []) => {
    const origin = await serve(async (request, response) => {
      forms.push(await bodyOf(request));
      response.writeHead(status).end(JSON.stringify(body));
    });
    return { sandboxUrl: `${origin}/sandbox/zoho`, app: { ...app, clientSecrets: { eu: 'secret-of-eu' } } };
  };

  test('is shown the secret of its own data centre', async () => {
    const forms: string[] = [];
    const site = await at(200, {}, forms);
    await failure(() => zoho.oauth?.refresh(site, held));
    await failure(() => zoho.oauth?.refresh(site, { ...held, secret: { dataCentre: 'in' } }));
    expect(forms.map((form) => new URLSearchParams(form).get('client_secret'))).toEqual([
      'secret-of-eu',
      app.clientSecret,
    ]);
  });

  test.each([
    [200, { error: 'Access Denied', error_description: 'You have made too many requests' }, 600_000],
    [400, { error: 'Access Denied' }, 600_000],
    [200, { error: 'general_error' }, 60_000],
    [200, {}, 60_000],
  ])('that gives nothing is left alone: %i %j', async (status, body, afterMs) => {
    const site = await at(status, body);
    expect(await failure(() => zoho.oauth?.refresh(site, held))).toMatchObject({ retry: { afterMs } });
  });
});

describe('a self client', () => {
  test('is connected by its code, and its tokens are made with what was typed in', async () => {
    const org = await openOrg();
    const site: CrmSite = { sandboxUrl: org.root, app: undefined };
    const { form } = zoho;
    if (form?.kind !== 'mint') throw new Error('Zoho mints.');
    const { code } = (await org.control('POST', '/self-client', {})) as { code: string };
    const typed = { ...app, grantToken: code, dataCentre: 'IN ' };
    const { grant, account } = await form.connect(site, typed);
    expect(account).toMatchObject({ account: '60012345678' });
    const { refreshToken = '', secret = {} } = grant;
    expect(secret).toEqual({ ...app, accountsServer: org.root });
    expect((await form.mint(site, { refreshToken, secret })).accessToken).not.toBe(grant.accessToken);
    await expect(form.connect(site, typed)).rejects.toMatchObject({
      code: 'token_refused',
      fields: [expect.objectContaining({ path: 'grantToken' })],
    });
    expect(form.fields['dataCentre']?.safeParse('mars').success).toBe(false);
  });
});

import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startZoho, type ZohoFixture } from '../testing/zoho-fixture.ts';

const tokens = z.object({
  access_token: z.string(),
  refresh_token: z.string().optional(),
  api_domain: z.string(),
  expires_in: z.number(),
});
const app = { client_id: '1000.SANGAMSANDBOX', client_secret: 'zoho-secret' };
const back = 'http://127.0.0.1/back';

const base = ({ fixture }: ZohoFixture): string => `http://127.0.0.1:${String(fixture.port)}/sandbox/zoho`;

async function ask(
  zoho: ZohoFixture,
  form: Record<string, string>,
): Promise<{ status: number; body: unknown }> {
  const body = new URLSearchParams({ ...app, ...form });
  const response = await fetch(`${base(zoho)}/oauth/v2/token`, { method: 'POST', body });
  return { status: response.status, body: await response.json() };
}

async function agree(zoho: ZohoFixture, more: Record<string, string> = {}): Promise<URL> {
  const query = new URLSearchParams({
    client_id: app.client_id,
    redirect_uri: back,
    response_type: 'code',
    scope: 'ZohoCRM.modules.ALL,ZohoCRM.org.READ',
    access_type: 'offline',
    state: 'state-1',
    ...more,
  });
  const response = await fetch(`${base(zoho)}/oauth/v2/auth?${query.toString()}`, { redirect: 'manual' });
  return new URL(response.headers.get('location') ?? '');
}

async function connect(
  zoho: ZohoFixture,
  more: Record<string, string> = {},
): Promise<z.infer<typeof tokens>> {
  const code = (await agree(zoho, more)).searchParams.get('code') ?? '';
  return tokens.parse((await ask(zoho, { grant_type: 'authorization_code', code, redirect_uri: back })).body);
}

const as = (token: string) => ({ authorization: `Zoho-oauthtoken ${token}` });

describe('the accounts server', () => {
  test('sends the user back with where the account lives, and names the API', async () => {
    const zoho = await startZoho();
    const { searchParams } = await agree(zoho);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      location: 'in',
      'accounts-server': base(zoho),
      state: 'state-1',
    });
    const { access_token: token, ...rest } = await connect(zoho, { prompt: 'consent' });
    expect(rest).toMatchObject({
      api_domain: base(zoho),
      expires_in: 3_600,
      refresh_token: expect.any(String) as string,
    });
    expect((await zoho.api('GET', '/org', undefined, as(token))).status).toBe(200);
    const info = await zoho.fixture.call('GET', '/zoho/oauth/serverinfo');
    expect(info.body).toMatchObject({ locations: { in: base(zoho) } });
  });

  test('fails with 200 and says so in the body', async () => {
    const zoho = await startZoho();
    expect(await ask(zoho, { grant_type: 'authorization_code', code: 'none', redirect_uri: back })).toEqual({
      status: 200,
      body: { error: 'invalid_code' },
    });
    const foreign = { grant_type: 'refresh_token', refresh_token: 'none', client_secret: 'wrong' };
    expect(await ask(zoho, foreign)).toEqual({ status: 200, body: { error: 'invalid_client' } });
  });

  test('gives a refresh token for offline access, and another only with consent', async () => {
    const zoho = await startZoho();
    expect((await connect(zoho, { access_type: 'online' })).refresh_token).toBeUndefined();
    expect((await connect(zoho)).refresh_token).toBeDefined();
    expect((await connect(zoho)).refresh_token).toBeUndefined();
    expect((await connect(zoho, { prompt: 'consent' })).refresh_token).toBeDefined();
  });

  test('keeps a refresh token through its use, twenty of them, and ends one that is revoked', async () => {
    const zoho = await startZoho();
    const consent = { prompt: 'consent' };
    const { refresh_token: first = '', access_token: access } = await connect(zoho, consent);
    const refresh = (token: string) => ask(zoho, { grant_type: 'refresh_token', refresh_token: token });
    expect((await refresh(first)).body).toMatchObject({ access_token: expect.any(String) as string });
    for (let more = 0; more < 19; more += 1) await connect(zoho, consent);
    expect((await refresh(first)).body).toHaveProperty('access_token');
    const { refresh_token: last = '' } = await connect(zoho, consent);
    expect((await refresh(first)).body).toEqual({ error: 'invalid_code' });
    await fetch(`${base(zoho)}/oauth/v2/token/revoke?token=${last}`, { method: 'POST' });
    expect((await refresh(last)).body).toEqual({ error: 'invalid_code' });
    expect((await zoho.api('GET', '/org', undefined, as(access))).status).toBe(200);
  });

  test.each([400, 200] as const)(
    'refuses an eleventh access token within ten minutes, with %i',
    async (tokenLimitStatus) => {
      const zoho = await startZoho({ tokenLimitStatus });
      const { refresh_token: token = '' } = await connect(zoho, { prompt: 'consent' });
      const refresh = () => ask(zoho, { grant_type: 'refresh_token', refresh_token: token });
      for (let time = 0; time < 10; time += 1) expect((await refresh()).body).toHaveProperty('access_token');
      expect(await refresh()).toMatchObject({ status: tokenLimitStatus, body: { error: 'Access Denied' } });
      zoho.fixture.clock.advance(10 * 60_000);
      expect((await refresh()).body).toHaveProperty('access_token');
    },
  );

  test('takes the code of a self client without a redirect, for its minutes', async () => {
    const zoho = await startZoho();
    const draw = async (minutes: number) =>
      z.object({ code: z.string() }).parse((await zoho.control('POST', '/self-client', { minutes })).body)
        .code;
    const exchange = (code: string) => ask(zoho, { grant_type: 'authorization_code', code });
    expect((await exchange(await draw(3))).body).toHaveProperty('refresh_token');
    const late = await draw(3);
    zoho.fixture.clock.advance(3 * 60_000 + 1);
    expect((await exchange(late)).body).toEqual({ error: 'invalid_code' });
  });
});

describe('a call', () => {
  test('wants a token in Zoho’s own scheme, while it is good', async () => {
    const zoho = await startZoho();
    const { access_token: token } = await connect(zoho);
    const status = async (authorization: string) => zoho.api('GET', '/org', undefined, { authorization });
    expect(await status(`Bearer ${token}`)).toMatchObject({
      status: 401,
      body: { code: 'AUTHENTICATION_FAILURE' },
    });
    expect(await status('Zoho-oauthtoken none')).toMatchObject({
      status: 401,
      body: { code: 'INVALID_TOKEN' },
    });
    zoho.fixture.clock.advance(3_600_000);
    expect(await status(`Zoho-oauthtoken ${token}`)).toMatchObject({
      status: 401,
      body: { code: 'INVALID_TOKEN' },
    });
    await zoho.control('PUT', '/rules', { deadTokenCode: 'AUTHENTICATION_FAILURE' });
    expect((await status(`Zoho-oauthtoken ${token}`)).body).toMatchObject({ code: 'AUTHENTICATION_FAILURE' });
    await zoho.control('PUT', '/token', { expired: true });
    expect((await zoho.api('GET', '/org')).status).toBe(401);
  });

  test('wants the scope of what it does', async () => {
    const zoho = await startZoho();
    const scope = 'ZohoCRM.modules.leads.READ,ZohoCRM.settings.fields.READ,ZohoCRM.coql.READ';
    const { access_token: token } = await connect(zoho, { scope });
    const status = async (method: string, path: string, body?: object) =>
      (await zoho.api(method, path, body, as(token))).status;
    expect(await status('GET', '/Leads?fields=City')).toBe(204);
    expect(await status('GET', '/settings/fields?module=Leads')).toBe(200);
    expect(await status('POST', '/coql', { select_query: "select id from Leads where City = 'x'" })).toBe(
      204,
    );
    expect(await status('POST', '/Leads', { data: [{ Last_Name: 'Rao' }] })).toBe(401);
    expect(await status('GET', '/Contacts?fields=City')).toBe(401);
    expect(await status('GET', '/Leads/search?word=rao')).toBe(401);
    expect((await zoho.api('GET', '/org', undefined, as(token))).body).toMatchObject({
      code: 'OAUTH_SCOPE_MISMATCH',
    });
  });

  test('to a path that is not there is a 404 of Zoho’s', async () => {
    const zoho = await startZoho();
    expect(await zoho.api('GET', '/Nothing')).toMatchObject({
      status: 404,
      body: { code: 'INVALID_URL_PATTERN' },
    });
  });
});

describe('credits', () => {
  test('of a day are told once half is spent, and then refuse without Retry-After', async () => {
    const zoho = await startZoho({ creditsMax: 10 });
    const left = async (method: string, path: string, body?: object) =>
      (await zoho.api(method, path, body)).headers.get('x-api-credits-remaining');
    const leads = (count: number) => ({ data: Array.from({ length: count }, () => ({ Last_Name: 'Rao' })) });
    expect(await left('POST', '/Leads', leads(30))).toBeNull();
    expect(await left('POST', '/Leads', leads(30))).toBe('4');
    expect(
      await left('POST', '/coql', { select_query: 'select id from Leads where id is null limit 2000' }),
    ).toBe('1');
    zoho.fixture.clock.advance(12 * 60 * 60 * 1_000);
    expect(await left('GET', '/org')).toBe('0');
    const refused = await zoho.api('GET', '/org');
    expect(refused).toMatchObject({ status: 429, body: { code: 'TOO_MANY_REQUESTS' } });
    expect(refused.headers.get('retry-after')).toBeNull();
    zoho.fixture.clock.advance(12 * 60 * 60 * 1_000);
    expect((await zoho.api('GET', '/org')).status).toBe(200);
  });

  test('go by the edition', async () => {
    const zoho = await startZoho({ edition: 'free' });
    for (let calls = 0; calls < 25; calls += 1) {
      await zoho.api('POST', '/Leads/upsert', { data: Array.from({ length: 1_000 }, () => ({})) });
    }
    expect((await zoho.api('GET', '/org')).headers.get('x-api-credits-remaining')).toBe('2499');
  });
});

test('calls of one app under way at once are bounded by the edition', async () => {
  const zoho = await startZoho({ edition: 'free' });
  await zoho.control('PUT', '/faults', { hangMs: 600_000, operation: 'GET /org' });
  const leave = new AbortController();
  const hanging = Array.from({ length: 5 }, () =>
    fetch(`${base(zoho)}/crm/v8/org`, { signal: leave.signal }).catch(() => undefined),
  );
  const underWay = z.object({ total: z.number() });
  await vi.waitFor(async () => {
    expect(underWay.parse((await zoho.control('GET', '/calls')).body).total).toBe(5);
  });
  const users = () => zoho.api('GET', '/users');
  expect(await users()).toMatchObject({ status: 429, body: { code: 'TOO_MANY_REQUESTS' } });
  await zoho.control('PUT', '/rules', { concurrencyMax: 0 });
  expect((await users()).status).toBe(200);
  await zoho.control('PUT', '/rules', { concurrencyMax: 5 });
  leave.abort();
  await Promise.all(hanging);
  await vi.waitFor(async () => expect((await users()).status).toBe(200));
});

test('a limit of calls in ten seconds, which Zoho has not, is there where a test wants one', async () => {
  const zoho = await startZoho({ rateLimitMax: 2 });
  const statuses = [
    await zoho.api('GET', '/org'),
    await zoho.api('GET', '/org'),
    await zoho.api('GET', '/org'),
  ];
  expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429]);
  zoho.fixture.clock.advance(10_000);
  expect((await zoho.api('GET', '/org')).status).toBe(200);
});

test('an app that is uninstalled is let in no more', async () => {
  const zoho = await startZoho();
  const { access_token: token } = await connect(zoho);
  await zoho.control('POST', '/app/uninstall');
  expect((await zoho.api('GET', '/org', undefined, as(token))).status).toBe(401);
});

describe('faults', () => {
  test('a code of Zoho’s comes with its status, in its shape', async () => {
    const zoho = await startZoho();
    await zoho.control('PUT', '/faults', { code: 'TOO_MANY_REQUESTS', operation: 'PUT /Leads' });
    expect(await zoho.api('PUT', '/Leads', { data: [] })).toMatchObject({
      status: 429,
      body: { code: 'TOO_MANY_REQUESTS', status: 'error' },
    });
    expect((await zoho.api('GET', '/org')).status).toBe(200);
    await zoho.control('PUT', '/faults', { status: 503 });
    expect(await zoho.api('GET', '/org')).toMatchObject({ status: 503, body: { code: 'INTERNAL_ERROR' } });
  });

  test('one record of several is refused', async () => {
    const zoho = await startZoho();
    await zoho.control('PUT', '/faults', { item: { code: 'RECORD_LOCKED', nth: 2 } });
    const lead = { Last_Name: 'Rao' };
    const { status, items } = await zoho.write('POST', '/Leads', [lead, lead, lead]);
    expect(status).toBe(207);
    expect(items.map(({ code }) => code)).toEqual(['SUCCESS', 'RECORD_LOCKED', 'SUCCESS']);
  });

  test('calls are counted by operation', async () => {
    const zoho = await startZoho();
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    await zoho.api('GET', `/Leads/${id}`);
    await zoho.coql('select id from Leads where id is null');
    expect((await zoho.control('GET', '/calls')).body).toEqual({
      total: 3,
      byOperation: { 'POST /Leads': 1, 'GET /Leads/{id}': 1, 'POST /coql': 1 },
    });
  });

  test('reads lag behind what is written', async () => {
    const zoho = await startZoho();
    await zoho.control('PUT', '/faults', { readLagMs: 60_000 });
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    expect((await zoho.api('GET', `/Leads/${id}`)).status).toBe(204);
    expect((await zoho.coql(`select id from Leads where id = '${id}'`)).status).toBe(204);
  });
});

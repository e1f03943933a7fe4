import { ensureMember } from '@sangam/core/store';
import type { Service } from '@sangam/service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Api,
  apiOf,
  createServiceFixture,
  peopleIn,
  type ServiceFixture,
  until,
} from './harness/index.ts';

/** The way docs/zoho-setup.md leads an admin, with the sandbox's org. */

let fixture: ServiceFixture;
let service: Service;
let api: Api;
let connectionId: string;
const connection = (rest = ''): string => `/connections/${connectionId}${rest}`;

beforeAll(async () => {
  fixture = await createServiceFixture(undefined, ['zoho']);
  service = await fixture.openService();
  const { store, parties, clock } = fixture;
  const memberId = await store.transact(parties.workspaceId, (trx) =>
    ensureMember(trx, { email: 'admin@example.com', role: 'admin', now: clock.now() }),
  );
  const link = await service.sessions.makeLink(parties.workspaceId, memberId);
  api = apiOf(service.url(), (await service.sessions.enter(link)) ?? '');
  connectionId = fixture.parties.crms['zoho']?.connectionId ?? '';
});
afterAll(() => fixture.close());

/** Where Zoho sends the admin after they agreed, and the cookie their browser holds. */
async function agree(): Promise<{ callback: URL; cookie: string }> {
  const { body, headers } = await api('GET', '/connections/zoho/authorize');
  const cookie = (headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '';
  const response = await fetch((body as { url: string }).url, { redirect: 'manual' });
  return { callback: new URL(response.headers.get('location') ?? ''), cookie };
}

async function finish({
  callback,
  cookie,
}: {
  callback: URL;
  cookie: string;
}): Promise<{ status: number; body: unknown }> {
  const response = await fetch(callback, { headers: { accept: 'application/json', cookie } });
  return { status: response.status, body: await response.json() };
}

test('an org is connected by OAuth, looked through, provisioned and goes live, and a message makes a lead', async () => {
  expect((await api('PUT', connection('/mode'), { mode: 'shadow' })).status).toBe(200);
  const agreed = await agree();
  expect(agreed.callback.searchParams.get('location')).toBe('in');
  expect(await finish(agreed)).toMatchObject({ status: 200, body: { connectionId, fresh: false } });
  expect((await api('GET', connection())).body).toMatchObject({ mode: 'shadow', blockedReason: null });

  await fixture.control('POST', '/zoho/records/Leads', {
    properties: { Last_Name: 'Known', Phone: '98123 45678' },
  });
  expect((await api('POST', connection('/check'))).status).toBe(202);
  const check = await until('the check to end', async () => {
    const { body } = await api('GET', connection('/check'));
    return (body as { state: string }).state === 'running' ? undefined : body;
  });
  expect(check).toMatchObject({ state: 'done', problem: null });

  expect((await api('PUT', connection('/mode'), { mode: 'live' })).status).toBe(200);
  expect((await api('GET', connection('/provisioning'))).body).toEqual({ results: [], next: null });

  const { records, read } = peopleIn(fixture, 'zoho');
  for (const from of ['919812345678', '919812300001']) {
    const message = { from, name: 'Asha Rao', type: 'text', text: `Hello from ${from}` };
    await fixture.control('POST', '/whatsapp/customer/messages', message);
    const record = await until(`the lead of ${from}`, async () =>
      (await records()).find(({ timeline = [] }) =>
        timeline.some(({ text }) => text.includes(`Hello from ${from}`)),
      ),
    );
    const known = from === '919812345678';
    expect(read(record, 'last name')).toEqual([known ? 'Known' : 'Rao']);
    expect(record.properties['Lead_Source'] ?? '').toBe(known ? '' : 'WhatsApp');
  }
});

test('what lacks is listed before it is made', async () => {
  const { accessToken = '' } = fixture.parties.crms['zoho'] ?? {};
  const settings = async (method: string, rest: string): Promise<unknown> => {
    const authorization = `Zoho-oauthtoken ${accessToken}`;
    const response = await fetch(`${fixture.sandboxUrl}/zoho/crm/v8/settings/fields${rest}?module=Leads`, {
      method,
      headers: { authorization },
    });
    return response.json();
  };
  const { fields } = (await settings('GET', '')) as { fields: { id: string; api_name: string }[] };
  const id = fields.find(({ api_name: name }) => name === 'WhatsApp_User_ID')?.id ?? '';
  await settings('DELETE', `/${id}`);
  const plan = async () => (await api('GET', connection('/provisioning'))).body;
  expect(await plan()).toMatchObject({
    results: [{ action: 'Create the field “WhatsApp User ID” of Leads', possible: true }],
  });
  expect((await api('POST', connection('/provisioning'))).status).toBe(204);
  expect(await plan()).toEqual({ results: [], next: null });
});

test('a STOP shows on the lead', async () => {
  const { records, read, isOptedOut } = peopleIn(fixture, 'zoho');
  const from = '919812300001';
  const message = { from, name: 'Asha Rao', type: 'text', text: 'STOP' };
  await fixture.control('POST', '/whatsapp/customer/messages', message);
  const lead = await until('the lead who opted out', async () => (await records()).find(isOptedOut));
  expect(read(lead, 'first message')).toEqual([`Hello from ${from}`]);
});

test('who comes back from an accounts server that is none of Zoho’s is refused, and nothing is sent there', async () => {
  const { callback, cookie } = await agree();
  callback.searchParams.set('accounts-server', 'http://127.0.0.1:9');
  expect(await finish({ callback, cookie })).toMatchObject({
    status: 409,
    body: { error: { code: 'host_refused', message: expect.stringContaining('connect it again') } },
  });
  expect((await api('GET', connection())).body).toMatchObject({ mode: 'live', blockedReason: null });
});

test('a self client connects the same org by a code that is good once', async () => {
  const { code } = await fixture.control<{ code: string }>('POST', '/zoho/self-client', {});
  const { clientId = '', clientSecret = '' } = fixture.parties.crms['zoho'] ?? {};
  const typed = { crm: 'zoho', clientId, clientSecret, grantToken: code, dataCentre: 'in' };
  expect(await api('POST', '/connections', typed)).toMatchObject({ body: { connectionId } });
  expect((await api('GET', connection('/fields'))).status).toBe(200);
  expect((await api('POST', '/connections', typed)).status).toBe(400);
});

test('what the admin takes back at Zoho’s side is noticed with the next call, and connected again it goes on', async () => {
  const removed = await fetch(`${fixture.sandboxUrl}/zoho/app/uninstall`, { method: 'POST' });
  expect(removed.ok).toBe(true);
  expect((await api('GET', connection('/owners'))).status).toBeGreaterThanOrEqual(400);
  const { body } = await api('GET', connection());
  expect(body).toMatchObject({ blockedReason: expect.stringContaining('Zoho') });
  expect(await finish(await agree())).toMatchObject({ status: 200, body: { connectionId } });
  expect((await api('GET', connection())).body).toMatchObject({ mode: 'live', blockedReason: null });
});

test('disconnected, the agreement is taken back at Zoho; connected again it starts in shadow', async () => {
  expect(await api('DELETE', connection())).toMatchObject({ status: 200, body: { uninstalled: true } });
  expect(await finish(await agree())).toMatchObject({ body: { connectionId, fresh: false } });
  expect((await api('GET', connection())).body).toMatchObject({ mode: 'shadow', disconnectedAt: null });
});

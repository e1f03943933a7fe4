import { createHmac, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureAdmin } from '@sangam/service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  addConnection,
  type Api,
  createTestDatabase,
  createServiceFixture,
  type ServiceProcess,
  signIn,
  startProcess,
  type TestDatabase,
  until,
} from './harness/index.ts';

/** What is good for a while only, with the service's clock moved past its end. */

let database: TestDatabase;
let dataDir: string;
let service: ServiceProcess;
let api: Api;
beforeAll(async () => {
  database = await createTestDatabase();
  dataDir = await mkdtemp(path.join(tmpdir(), 'sangam-ends-'));
  service = await startProcess(undefined, {
    DATABASE_URL: database.url,
    DATA_DIR: dataDir,
    PORT: '0',
    LOG_LEVEL: 'warn',
  });
  ({ api } = await signIn(service));
});
afterAll(async () => {
  await service.stop('SIGKILL');
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

const minute = 60_000;

async function pass(ms: number): Promise<void> {
  const response = await service.sandbox('/clock', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ advanceMs: ms }),
  });
  expect(response.status).toBe(200);
}

test('the state of an authorisation ends after ten minutes', async () => {
  /** What an admin's browser is told who agrees, so long after they were sent to the CRM. */
  const agreed = async (afterMs: number): Promise<Response> => {
    const sent = await api('GET', '/connections/hubspot/authorize');
    const { url } = sent.body as { url: string };
    const cookie = (sent.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '';
    const consent = await service.sandbox(url.replace(/^.*?\/sandbox/, ''), { redirect: 'manual' });
    await pass(afterMs);
    const callback = new URL(consent.headers.get('location') ?? '');
    return fetch(`${service.url}${callback.pathname}${callback.search}`, {
      headers: { accept: 'application/json', cookie },
    });
  };
  const late = await agreed(10 * minute + 1000);
  expect(late.status).toBe(400);
  expect(await late.text()).toContain('state_unknown');
  expect((await agreed(minute)).status).toBe(200);
});

test('the app secret before the last ends a day after it was changed', async () => {
  const channel = {
    phoneNumberId: '555000333',
    wabaId: '555000444',
    displayPhoneNumber: '+44 20 7946 0019',
    appSecret: 'first-secret-of-the-app',
    verifyToken: 'verify-this',
  };
  const { channelId } = (await api('POST', '/channels', channel)).body as { channelId: string };
  const body = JSON.stringify({ object: 'whatsapp_business_account', entry: [] });
  const signedWith = async (secret: string): Promise<number> => {
    const signature = createHmac('sha256', secret).update(body).digest('hex');
    const response = await fetch(`${service.url}/webhooks/whatsapp/${channelId}`, {
      method: 'POST',
      body,
      headers: { 'x-hub-signature-256': `sha256=${signature}` },
    });
    return response.status;
  };
  const changed = await api('POST', `/channels/${channelId}/app-secret`, {
    appSecret: 'second-secret-of-the-app',
  });
  expect(changed.status).toBe(204);
  await pass(23 * 60 * minute);
  expect(await signedWith(channel.appSecret)).toBe(200);
  await pass(60 * minute);
  await until('the old secret to end', async () => (await signedWith(channel.appSecret)) === 401);
  expect(await signedWith('second-secret-of-the-app')).toBe(200);
});

test('the webhook secret of an account’s own app ends a day after it was changed', async () => {
  const fixture = await createServiceFixture();
  try {
    const [workspaceId, connectionId, account] = [randomUUID(), randomUUID(), '555000555'];
    await fixture.store.transact(workspaceId, async (trx) => {
      const workspace = { workspace_id: workspaceId, name: 'Live', sandbox: false, created_at: 0 };
      await trx.insertInto('workspaces').values(workspace).execute();
      const connection = { connection_id: connectionId, crm: 'hubspot' };
      await addConnection(trx, { ...connection, created_at: 0 });
      await trx
        .insertInto('directory_accounts')
        .values({ ...connection, workspace_id: workspaceId, account })
        .execute();
    });
    const hubspot = await fixture.openService({ work: false });
    const memberId = await ensureAdmin(fixture.store, workspaceId, 'admin@sangam.example', 0);
    const session = await hubspot.sessions.enter(await hubspot.sessions.makeLink(workspaceId, memberId));
    const change = async (secret: string): Promise<void> => {
      const route = `/api/v1/connections/${connectionId}/webhook-secret`;
      const changed = await fetch(`${hubspot.url()}${route}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${session ?? ''}`, 'content-type': 'application/json' },
        body: JSON.stringify({ secret }),
      });
      expect(changed.status).toBe(204);
    };
    const signedWith = async (secret: string): Promise<number> => {
      const url = `${hubspot.url()}/webhooks/hubspot/${connectionId}`;
      const at = String(fixture.clock.now());
      const signature = createHmac('sha256', secret).update(`POST${url}[]${at}`).digest('base64');
      const headers = { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': at };
      return (await fetch(url, { method: 'POST', headers, body: '[]' })).status;
    };
    await change('first-secret-of-the-app');
    await change('second-secret-of-the-app');
    fixture.clock.advance(23 * 60 * minute);
    expect(await signedWith('first-secret-of-the-app')).toBe(200);
    fixture.clock.advance(2 * 60 * minute);
    await until('the old secret to end', async () => (await signedWith('first-secret-of-the-app')) === 401);
    expect(await signedWith('second-secret-of-the-app')).toBe(200);
  } finally {
    await fixture.close();
  }
});

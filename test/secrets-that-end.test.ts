import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Api,
  createTestDatabase,
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

import { createHmac, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createTestDatabase,
  enter,
  printAdminLink,
  type ServiceProcess,
  startProcess,
  type TestDatabase,
  text,
  until,
  webhook,
} from './harness/index.ts';

/** A number named by the environment, under the service's own Meta app. */

const channel = { phoneNumberId: '700000001', wabaId: '700000002' };
let database: TestDatabase;
let dataDir: string;
let service: ServiceProcess;
let env: Record<string, string>;

beforeAll(async () => {
  database = await createTestDatabase();
  dataDir = await mkdtemp(path.join(tmpdir(), 'sangam-live-'));
  env = {
    DATABASE_URL: database.url,
    DATA_DIR: dataDir,
    PORT: '0',
    LOG_LEVEL: 'warn',
    SECRETS_KEY: randomBytes(32).toString('base64'),
    PUBLIC_URL: 'https://sangam.example',
    META_APP_SECRET: 'the-secret-of-today',
    META_APP_SECRET_PREVIOUS: 'the-secret-of-yesterday',
    META_VERIFY_TOKEN: 'verify-this',
    WHATSAPP_PHONE_NUMBER_ID: channel.phoneNumberId,
    WHATSAPP_WABA_ID: channel.wabaId,
    WHATSAPP_DISPLAY_PHONE_NUMBER: '+91 80471 00000',
  };
  service = await startProcess(undefined, env);
});
afterAll(async () => {
  await service.stop('SIGKILL');
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

async function post(body: string, secret: string): Promise<number> {
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  const response = await fetch(`${service.url}/webhooks/whatsapp`, {
    method: 'POST',
    body,
    headers: { 'x-hub-signature-256': `sha256=${signature}` },
  });
  return response.status;
}

/** A session by a link of its own, for a live service prints none. */
async function signIn(...args: readonly string[]): Promise<string> {
  expect(service.output()).not.toContain('/admin/enter/');
  return enter(service.url, await printAdminLink(env, ...args));
}

test('takes webhooks signed with either secret of the app, and applies what concerns its number', async () => {
  const of = (wamid: string, phone: string, number = channel): string =>
    JSON.stringify(webhook(number, [text({ phone }, wamid, Date.now() - 5000, 'hello')]));
  const [today, yesterday] = [of('w1', '919811111111'), of('w2', '919822222222')];
  const foreign = of('w3', '919833333333', { phoneNumberId: '1', wabaId: '2' });
  expect(await post(today, 'the-secret-of-today')).toBe(200);
  expect(await post(yesterday, 'the-secret-of-yesterday')).toBe(200);
  expect(await post(foreign, 'the-secret-of-today')).toBe(200);
  expect(await post(today, 'the-secret-of-nobody')).toBe(401);

  const session = await signIn();
  const contactsOf = async (phone: string): Promise<number> => {
    const response = await fetch(`${service.url}/api/v1/contacts?phone=%2B${phone}`, {
      headers: { authorization: `Bearer ${session}` },
    });
    return ((await response.json()) as { results: unknown[] }).results.length;
  };
  await until(
    'both contacts',
    async () => (await contactsOf('919811111111')) + (await contactsOf('919822222222')) === 2,
  );
  expect(await contactsOf('919833333333')).toBe(0);
});

test('shows what no workspace owns to the operator', async () => {
  const response = await fetch(`${service.url}/api/v1/dead-letters`, {
    headers: { authorization: `Bearer ${await signIn('--operator')}` },
  });
  const { results } = (await response.json()) as { results: { reason: string }[] };
  expect(results.map(({ reason }) => reason)).toEqual(['foreign channel']);
});

test('shakes hands, and has no sandbox', async () => {
  const query = 'hub.mode=subscribe&hub.verify_token=verify-this&hub.challenge=42';
  expect(await (await fetch(`${service.url}/webhooks/whatsapp?${query}`)).text()).toBe('42');
  expect((await fetch(`${service.url}/sandbox`)).status).toBe(404);
});

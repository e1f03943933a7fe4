import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type ServiceProcess, startProcess, type TestDatabase } from './harness/index.ts';

/** What a service says to browsers and to strangers, as it stands behind a proxy in the world and on one's own machine. */

let database: TestDatabase;
let folder: string;
let local: ServiceProcess;
let fixture: ServiceProcess;
const metricsToken = randomBytes(16).toString('hex');

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(path.join(tmpdir(), 'sangam-exposed-'));
  const settings = {
    DATABASE_URL: database.url,
    DATA_DIR: folder,
    PORT: '0',
    LOG_LEVEL: 'silent',
    SECRETS_KEY: randomBytes(32).toString('base64'),
  };
  local = await startProcess(undefined, settings);
  fixture = await startProcess(undefined, {
    ...settings,
    PUBLIC_URL: 'https://sangam.example',
    METRICS_PORT: '0',
    METRICS_TOKEN: metricsToken,
  });
});
afterAll(async () => {
  await local.stop('SIGKILL');
  await fixture.stop('SIGKILL');
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

/** One of each kind of answer: pages, JSON, errors, what the sandbox writes past Express. */
const answers = [
  '/',
  '/admin/enter/x',
  '/health/live',
  '/api/channels',
  '/webhooks/whatsapp/x',
  '/nothing',
  '/sandbox',
];

test.each(answers)('%s is neither sniffed, framed nor loaded from elsewhere', async (route) => {
  for (const { url } of [local, fixture]) {
    const { headers } = await fetch(`${url}${route}`);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-powered-by')).toBeNull();
    const policy = headers.get('content-security-policy');
    expect(policy).toMatch(/default-src 'none'/);
    expect(policy).toMatch(/frame-ancestors 'none'/);
    expect(policy).toMatch(/base-uri 'none'/);
  }
});

test('only who is reached by https insists on it', async () => {
  const https = async ({ url }: ServiceProcess) =>
    (await fetch(`${url}/health/live`)).headers.get('strict-transport-security');
  expect(await https(fixture)).toBe('max-age=31536000');
  expect(await https(local)).toBeNull();
});

test('metrics are open on one’s own machine', async () => {
  const response = await fetch(`${local.url}/metrics`);
  expect(response.status).toBe(200);
  expect(await response.text()).toContain('sangam_events_received_total');
});

test('metrics in the world have a port of their own and want their token', async () => {
  expect((await fetch(`${fixture.url}/metrics`)).status).toBe(404);
  const own = /Metrics are at (\S+)/.exec(fixture.output())?.[1] ?? '';
  const read = (authorization?: string) =>
    fetch(own, { headers: authorization === undefined ? {} : { authorization } });
  expect((await read()).status).toBe(401);
  expect((await read('Bearer something-else-altogether')).status).toBe(401);
  const response = await read(`bearer ${metricsToken}`);
  expect(response.status).toBe(200);
  expect(await response.text()).toContain('sangam_events_received_total');
  expect((await fetch(new URL('/health/live', own))).status).toBe(404);
});

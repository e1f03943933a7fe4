import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createTestDatabase,
  enter,
  type ServiceProcess,
  startProcess,
  type TestDatabase,
} from './harness/index.ts';

/** The sandbox of a running service, behind a proxy on the same machine that tells nobody it is one. */

let database: TestDatabase;
let dataDir: string;
let service: ServiceProcess;
let proxy: { readonly url: string; readonly server: Server };
let session: string;

beforeAll(async () => {
  database = await createTestDatabase();
  dataDir = await mkdtemp(path.join(tmpdir(), 'sangam-access-'));
  service = await startProcess(undefined, env());
  session = await enter(service.url, /Admin link.*: (\S+)/.exec(service.output())?.[1] ?? '');
  proxy = await bareProxy(Number(new URL(service.url).port));
});
afterAll(async () => {
  proxy.server.close();
  await service.stop('SIGKILL');
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

const env = (): Record<string, string> => ({
  DATABASE_URL: database.url,
  DATA_DIR: dataDir,
  PORT: '0',
  LOG_LEVEL: 'silent',
});

/** As nginx's `proxy_pass` alone: its own Host, no forwarding header. */
async function bareProxy(port: number): Promise<{ url: string; server: Server }> {
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const asked = httpRequest(
      {
        host: '127.0.0.1',
        port,
        method,
        path: url,
        headers: { ...headers, host: `127.0.0.1:${String(port)}` },
      },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    incoming.pipe(asked);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    server,
    url: `http://127.0.0.1:${String(typeof address === 'object' && address !== null ? address.port : 0)}`,
  };
}

const own = [
  ['GET', ''],
  ['PUT', '/clock'],
  ['GET', '/whatsapp/delivery'],
  ['POST', '/whatsapp/customer/messages'],
  ['GET', '/whatsapp/customer/messages?phone=%2B919812345678'],
  ['POST', '/whatsapp/statuses'],
  ['PUT', '/whatsapp/rules'],
  ['GET', '/hubspot/records/contacts'],
  ['POST', '/hubspot/records/contacts'],
  ['POST', '/hubspot/records/contacts/merge'],
  ['GET', '/hubspot/calls'],
  ['PUT', '/hubspot/faults'],
  ['PUT', '/hubspot/token'],
  ['PUT', '/hubspot/rules'],
  ['GET', '/hubspot/webhooks'],
  ['PUT', '/hubspot/webhooks'],
  ['POST', '/hubspot/webhooks/redeliver'],
  ['POST', '/hubspot/fetch'],
  ['POST', '/hubspot/workflow-action'],
  ['PUT', '/hubspot/app'],
  ['POST', '/hubspot/app/uninstall'],
  [
    'GET',
    '/hubspot/oauth/authorize?client_id=sangam-sandbox-app&redirect_uri=http%3A%2F%2Flocalhost%2Fback&scope=oauth',
  ],
] as const;

describe('what is not the vendors’ own', () => {
  test.each(own)('answers nobody who comes by a bare proxy: %s %s', async (method, route) => {
    const response = await fetch(`${proxy.url}/sandbox${route}`, {
      method,
      redirect: 'manual',
      ...(method === 'GET' ? {} : { body: '{}' }),
    });
    expect(response.status).toBe(401);
    expect(await response.text()).toMatch(/"not_admitted".*sandbox\/token/);
  });

  test('answers whoever presents the token, which is shown once and kept for this user alone', async () => {
    const file = path.join(dataDir, 'sandbox', 'token');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(service.output()).toContain(`Sandbox token, kept in ${file}: `);
    expect((await service.sandbox('')).status).toBe(200);
    const wrong = await fetch(`${service.url}/sandbox`, { headers: { authorization: 'Bearer of-nobody' } });
    expect(wrong.status).toBe(401);
    const second = await startProcess(undefined, env());
    expect(second.output()).not.toContain('Sandbox token');
    await second.stop('SIGKILL');
  });

  test('is opened by no token that a full disk emptied: another is made', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sangam-empty-'));
    const file = path.join(folder, 'sandbox', 'token');
    await mkdir(path.dirname(file));
    await writeFile(file, '');
    const another = await createTestDatabase();
    const started = await startProcess(undefined, { ...env(), DATABASE_URL: another.url, DATA_DIR: folder });
    const ask = (authorization: string): Promise<Response> =>
      fetch(`${started.url}/sandbox`, { headers: { authorization } });
    expect([(await ask('Bearer')).status, (await ask('Bearer ')).status]).toEqual([401, 401]);
    expect((await started.sandbox('')).status).toBe(200);
    expect((await readFile(file, 'utf8')).length).toBeGreaterThan(20);
    await started.stop('SIGKILL');
    await another.drop();
    await rm(folder, { recursive: true, force: true });
  });

  test('answers a browser signed in as an admin of the sandbox', async () => {
    const cookie = `sangam_session=${session}`;
    expect((await fetch(`${service.url}/sandbox`, { headers: { cookie } })).status).toBe(200);
    const { origin } = new URL(proxy.url);
    expect((await fetch(`${service.url}/sandbox`, { headers: { cookie, origin } })).status).toBe(403);
  });
});

test('the vendors’ own routes want the vendors’ own credentials', async () => {
  const contacts = await fetch(`${service.url}/sandbox/hubspot/crm/objects/2026-03/contacts`);
  expect(contacts.status).toBe(401);
  expect(await contacts.json()).toMatchObject({ category: 'INVALID_AUTHENTICATION' });
});

test.each([
  'x-forwarded-for',
  'forwarded',
  'via',
  'x-real-ip',
  'x-forwarded-proto',
  'x-client-ip',
  'fly-client-ip',
  'client-ip',
  'x-azure-clientip',
])('nothing that came by a proxy is answered, token or not: %s', async (header) => {
  const response = await service.sandbox('', { headers: { [header]: '127.0.0.1' } });
  expect(response.status).toBe(403);
});

test('an address of the world closes it, whatever is presented', async () => {
  const open = await startProcess(undefined, { ...env(), PUBLIC_URL: 'https://sangam.example' });
  await service.stop('SIGTERM');
  // It takes the sandbox over, and keeps it to itself.
  const response = await open.sandbox('');
  expect([403, 404]).toContain(response.status);
  await open.stop('SIGKILL');
  service = await startProcess(undefined, env());
});

test.each([
  ['PUT', '/hubspot/webhooks', { targetUrl: 'http://127.0.0.1:9/internal' }],
  ['POST', '/hubspot/fetch', { url: 'http://169.254.169.254/latest/meta-data' }],
  ['POST', '/hubspot/fetch', { url: 'http://127.0.0.1:5432/' }],
  ['POST', '/hubspot/workflow-action', { url: 'http://localhost:9200/', objectId: '1' }],
])('it calls its own service and nothing else: %s %s %j', async (method, route, body) => {
  const response = await service.sandbox(route, { method, body: JSON.stringify(body) });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('foreign_target');
});

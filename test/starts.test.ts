import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createTestDatabase,
  enter,
  type ServiceProcess,
  startProcess,
  type TestDatabase,
  until,
} from './harness/index.ts';

/** What a start refuses, in one line that names the variable and the cure; and keys that rotate for ever. */

let database: TestDatabase;
let client: pg.Client;
let folder: string;
const running: ServiceProcess[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  folder = await mkdtemp(path.join(tmpdir(), 'sangam-starts-'));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop('SIGKILL')));
  await client.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
  const one = await startProcess(undefined, {
    DATABASE_URL: database.url,
    DATA_DIR: folder,
    PORT: '0',
    LOG_LEVEL: 'silent',
    ...env,
  });
  running.push(one);
  return one;
}

const key = (): string => randomBytes(32).toString('base64');

const live = {
  SECRETS_KEY: key(),
  PUBLIC_URL: 'https://sangam.example',
  META_APP_SECRET: 'the-secret-of-today',
  META_VERIFY_TOKEN: 'verify-this',
  WHATSAPP_PHONE_NUMBER_ID: '700000001',
  WHATSAPP_WABA_ID: '700000002',
  WHATSAPP_DISPLAY_PHONE_NUMBER: '+91 80471 00000',
};

describe('a start is refused', () => {
  test('by a database that cannot be used, in one line', async () => {
    const url = new URL(database.url);
    url.pathname = '/nowhere';
    await expect(start({ DATABASE_URL: url.href })).rejects.toThrow(
      /^The service ended: The database that DATABASE_URL names does not exist: [^\n]*\n$/,
    );
  });

  test('by a key that opens nothing of what is stored', async () => {
    await (await start({ SECRETS_KEY: key() })).stop('SIGTERM');
    await expect(start({ SECRETS_KEY: key() })).rejects.toThrow(
      /SECRETS_KEY does not open what is stored \(channels\.access_token, channels\.app_secret, .*set SECRETS_KEY_PREVIOUS.*DATA_DIR\/secrets\.key/,
    );
    // As after a restore into a new folder: a new key would only be taken for the right one later.
    await expect(start()).rejects.toThrow(
      /This database was used with a key, and there is none here: set SECRETS_KEY to it, or put .*secrets\.key back/,
    );
    await expect(stat(path.join(folder, 'secrets.key'))).rejects.toThrow('ENOENT');
  });

  test('by a folder that cannot be written to', async () => {
    const file = path.join(folder, 'a-file');
    await writeFile(file, '');
    await expect(start({ DATA_DIR: path.join(file, 'data') })).rejects.toThrow(
      /DATA_DIR \(.*\) cannot be written to \(ENOTDIR\)/,
    );
  });

  test('by an address this machine does not have', async () => {
    // Kept for documents: nobody has it.
    await expect(start({ HOST: '192.0.2.1' })).rejects.toThrow(
      /^The service ended: HOST: this machine does not have the address of 192\.0\.2\.1, [^\n]*PUBLIC_URL\.\n$/,
    );
    await expect(start({ HOST: 'fe80::1' })).rejects.toThrow(
      /^The service ended: HOST: this machine does not have the address of fe80::1, [^\n]*PUBLIC_URL\.\n$/,
    );
    await expect(start({ HOST: 'nobody.invalid' })).rejects.toThrow(
      /^The service ended: HOST: no address is known for the name nobody\.invalid\. [^\n]*PUBLIC_URL\.\n$/,
    );
  });

  test('by a port that is taken, saying how to open what has it', async () => {
    const service = await start({ HOST: '::1' });
    const { port } = new URL(service.url);
    await expect(start({ HOST: '::1', PORT: port })).rejects.toThrow(
      `Port ${port} is taken: Sangam is already running there. Open http://[::1]:${port}, or choose another`,
    );
  });

  test('by a sandbox that cannot be opened, whose lock goes to another process', async () => {
    const broken = path.join(folder, 'broken');
    await mkdir(path.join(broken, 'sandbox', 'sandbox.jsonl'), { recursive: true });
    const SECRETS_KEY = key();
    await expect(start({ DATA_DIR: broken, SECRETS_KEY })).rejects.toThrow(
      /The sandbox could not be opened in/,
    );
    await rm(path.join(broken, 'sandbox', 'sandbox.jsonl'), { recursive: true });
    const service = await start({ DATA_DIR: broken, SECRETS_KEY });
    // The start that failed made it, and told nobody.
    expect(service.output()).toContain('Sandbox token, kept in');
    const [, token] = /Sandbox token, kept in [^\n]*: (\S+)/.exec(service.output()) ?? [];
    const opened = await fetch(`${service.url}/sandbox`, { headers: { authorization: `Bearer ${token}` } });
    expect(opened.status).toBe(200);
  });

  test.each([
    ['WHATSAPP_WABA_ID', { WHATSAPP_WABA_ID: '1' }],
    ['WHATSAPP_PORTFOLIO_ID', { WHATSAPP_PORTFOLIO_ID: '1' }],
  ])('by a number whose %s is another than before', async (variable, changed) => {
    await (await start(live)).stop('SIGTERM');
    await expect(start({ ...live, ...changed })).rejects.toThrow(
      new RegExp(`${variable} says 1, but this number was connected under 700000002`),
    );
  });
});

test('keys rotate for ever: what was sealed with the first is opened after the third, erased people too', async () => {
  const keys = [key(), key(), key(), key()];
  const phone = '919812345678';
  const say = async (service: ServiceProcess): Promise<void> => {
    const response = await service.sandbox('/whatsapp/customer/messages', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ from: phone, type: 'text', text: 'hello', name: 'Asha' }),
    });
    expect(response.status).toBe(200);
  };
  const contactIdOf = async (url: string, headers: Record<string, string>): Promise<string | undefined> => {
    const response = await fetch(`${url}/api/v1/contacts?phone=%2B${phone}`, { headers });
    return ((await response.json()) as { results: { contactId: string }[] }).results[0]?.contactId;
  };
  for (const [index, SECRETS_KEY] of keys.entries()) {
    const SECRETS_KEY_PREVIOUS = keys[index - 1];
    const service = await start({
      SECRETS_KEY,
      ...(SECRETS_KEY_PREVIOUS === undefined ? {} : { SECRETS_KEY_PREVIOUS }),
    });
    const { url } = service;
    expect(service.output().includes('SECRETS_KEY_PREVIOUS may go')).toBe(index > 0);
    const session = await enter(url, /Admin link.*: (\S+)/.exec(service.output())?.[1] ?? '');
    const headers = { authorization: `Bearer ${session}` };
    await say(service);
    const contactId = await until('the person to be known', () => contactIdOf(url, headers));
    const erased = await fetch(`${url}/api/v1/contacts/${contactId}/erase`, { method: 'POST', headers });
    expect(erased.ok).toBe(true);
    await service.stop('SIGTERM');
  }
  const { rows } = await client.query<{ ids: string }>(
    `select count(distinct substring(sealed from 1 for 4))::text as ids from (
       select erasure_key as sealed from workspaces union all select app_secret from channels
       union all select verify_token from channels union all select access_token from channels
       union all select access_token from crm_credentials
       union all select webhook_secret from crm_credentials) s where sealed is not null`,
  );
  expect(rows).toEqual([{ ids: '1' }]);
});

test('says which database it is, without what opens it', async () => {
  const { host, pathname, username, password } = new URL(database.url);
  const service = await start();
  expect(service.output()).toContain(
    `The database is ${pathname.slice(1)} at ${host}, as DATABASE_URL says.\n`,
  );
  expect(service.output()).not.toMatch(new RegExp(`${password}|${username}[:@]`));
});

test('answers on both loopbacks, and says localhost', async () => {
  const service = await start();
  const { url } = service;
  expect(new URL(url).hostname).toBe('localhost');
  expect(service.output()).not.toContain('http://127.0.0.1');
  const { port } = new URL(url);
  // A machine may be without IPv6.
  const six = Object.values(networkInterfaces())
    .flat()
    .some((one) => one?.address === '::1');
  for (const host of six ? ['127.0.0.1', '[::1]'] : ['127.0.0.1']) {
    expect((await fetch(`http://${host}:${port}/health/live`)).status).toBe(200);
  }
});

test('a signal ends it though a client holds a request open', async () => {
  const { url, child } = await start();
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write('POST /webhooks/whatsapp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"half":');
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = (await ended) as [number | null];
  expect(code).toBe(0);
  socket.destroy();
});

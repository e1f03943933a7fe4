import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, openEncryptedDatabase, selfSigned, type TestDatabase } from '@sangam/test';
import { reachDatabase } from './index.ts';

let database: TestDatabase;
let client: pg.Client;
beforeEach(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterEach(async () => {
  await client.end();
  await database.drop();
});

const said: string[] = [];
const reach = (url: string, patienceMs = 0): Promise<void> =>
  reachDatabase(url, { patienceMs, onAway: (line) => void said.push(line) });
const urlWith = (spoil: (url: URL) => void): string => {
  const url = new URL(database.url);
  spoil(url);
  return url.href;
};

test('a PostgreSQL older than 15 is refused', async () => {
  // The version a server tells is its own; here a function of that name stands before it.
  await client.query('create schema older');
  await client.query(
    "create function older.current_setting(text) returns text language sql as $$ select '14.12' $$",
  );
  const url = urlWith(({ searchParams }) => searchParams.set('options', '-c search_path=older,pg_catalog'));
  await expect(reach(url)).rejects.toThrow(/PostgreSQL 14\.12: Sangam needs 15 or newer/);
});

test('a database whose tables its user may not make is refused, with the cure', async () => {
  const role = `nobody_${randomBytes(6).toString('hex')}`;
  await client.query(`create role ${role} login password 'of-no-account'`);
  const url = urlWith((one) => {
    one.username = role;
    one.password = 'of-no-account';
  });
  try {
    await expect(reach(url)).rejects.toThrow(/GRANT CREATE ON SCHEMA public/);
  } finally {
    await client.query(`drop role ${role}`);
  }
});

test.each([
  ['-c search_path=nowhere', /search_path .*\(nowhere\) names no schema that exists/],
  ['-c default_transaction_read_only=on', /DATABASE_URL is read-only: name the primary/],
])('a database opened with %s is refused, with the cure', async (options, message) => {
  await expect(reach(urlWith(({ searchParams }) => searchParams.set('options', options)))).rejects.toThrow(
    message,
  );
});

test.each([
  ['a password', (url: URL) => (url.password = 'wrong-one'), /refuses the password of DATABASE_URL/],
  ['a user', (url: URL) => (url.username = 'nobody-knows'), /refuses the (password|user) of DATABASE_URL/],
  ['a password left out', (url: URL) => (url.password = ''), /wants a password: write it into DATABASE_URL/],
  [
    'an sslmode',
    (url: URL) => url.searchParams.set('sslmode', 'verify-full'),
    /takes no encrypted connections there: .*sslmode=disable/,
  ],
  ['a database', (url: URL) => (url.pathname = '/nowhere'), /does not exist: correct its name/],
])('%s that is wrong is told at once, without the password', async (_name, spoil, message) => {
  const failure = await reach(urlWith(spoil), 60_000).catch((error: unknown) => error);
  expect(String(failure)).toMatch(message);
  expect(String(failure)).not.toContain(new URL(database.url).password);
});

test('a certificate that is not taken is told with what mends it, and one that is named is', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sangam-certificates-'));
  const yesterday = Date.now() - 24 * 60 * 60 * 1000;
  try {
    for (const [certificate, isNamed, message] of [
      [
        selfSigned('localhost'),
        false,
        /is not trusted here \(DEPTH_ZERO_SELF_SIGNED_CERT\): add sslrootcert=FILE/,
      ],
      [selfSigned('db.example'), true, /is made out to another name .*: write that name as the host/],
      [selfSigned('localhost', { from: 0, until: yesterday }), true, /has run out: renew it/],
      [selfSigned('localhost', { from: Date.now() + 3_600_000 }), true, /is not valid yet: set the clock/],
      [selfSigned('localhost'), true, undefined],
    ] as const) {
      const file = path.join(folder, 'root.pem');
      await writeFile(file, certificate.cert);
      const encrypted = await openEncryptedDatabase(database.url, certificate);
      const url = new URL(encrypted.url);
      url.searchParams.set('sslmode', 'verify-full');
      if (isNamed) url.searchParams.set('sslrootcert', file);
      const failure = await reach(url.href, 60_000).catch((error: unknown) => error);
      encrypted.close();
      if (message === undefined) expect(failure).toBeUndefined();
      else expect(String(failure)).toMatch(message);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('one that is away is waited for, which is said once, and in the end it is said where it was looked for', async () => {
  const target = new URL(database.url);
  const sockets = new Set<Socket>();
  let refused = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (refused < 3) {
      refused += 1;
      socket.destroy();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    upstream.on('error', () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = String(typeof address === 'object' && address !== null ? address.port : 0);
  const url = urlWith((one) => (one.port = port));
  said.length = 0;
  await reach(url, 60_000);
  expect(refused).toBe(3);
  expect(said).toHaveLength(1);
  expect(said[0]).toContain(`127.0.0.1:${port} does not answer`);
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');

  const failure = await reach(url).catch((error: unknown) => error);
  expect(String(failure)).toContain(`127.0.0.1:${port} was not reached within 0 s (ECONNREFUSED)`);
  expect(String(failure)).not.toContain(target.password);
});

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import express from 'express';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { SandboxClock } from './index.ts';
import { createSandboxOf, type Sandbox } from './sandbox.ts';
import { ledger } from './testing/small-crm.ts';

/** What simulators share, under a CRM that is not HubSpot. */

interface Heard {
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

let dataDir: string;
let origin: string;
let clock: SandboxClock;
let heard: Heard[];
let answerWith: number;
let stop: () => Promise<void>;

async function start(rules: object = {}): Promise<void> {
  clock = new SandboxClock();
  heard = [];
  answerWith = 200;
  const app = express();
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.number() }).parse(server.address());
  origin = `http://127.0.0.1:${String(port)}`;
  app.post('/heard', express.json({ type: () => true }), (request, response) => {
    heard.push({ headers: request.headers, body: request.body });
    response.sendStatus(answerWith);
  });
  const sandbox: Sandbox = await createSandboxOf(
    { ledger },
    {
      clock,
      dataDir,
      ownHosts: () => [new URL(origin).host],
      access: { admits: async () => true },
      whatsapp: {
        channelId: 'channel',
        phoneNumberId: '1',
        wabaId: '2',
        displayPhoneNumber: '+15550100',
        webhookUrl: () => `${origin}/unused`,
        appSecret: 'unused',
        verifyToken: 'unused',
        accessToken: 'unused',
      },
      crms: { ledger: { accessToken: 'key', webhookUrl: () => `${origin}/heard` } },
      rules: { ledger: rules },
    },
  );
  app.use('/sandbox', sandbox.router);
  stop = async () => {
    await sandbox.close();
    server.close();
    server.closeAllConnections();
  };
}

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'sangam-sandbox-'));
  await start();
});
afterEach(async () => {
  await stop();
  await rm(dataDir, { recursive: true });
});

const eventually = <Seen>(check: () => Seen | Promise<Seen>): Promise<Seen> =>
  vi.waitFor(check, { timeout: 20_000 });

async function call(method: string, where: string, body?: object, token = 'key') {
  const response = await fetch(`${origin}/sandbox/ledger${where}`, {
    method,
    headers: { 'x-ledger-token': token },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as unknown };
}
const creates = (...names: string[]) => ({ items: names.map((name) => ({ name, key: name })) });
const make = (...names: string[]) => call('POST', '/leads', creates(...names));
const namesOf = async (type: string) => {
  const { body } = await call('GET', `/records/${type}`);
  return z
    .object({ results: z.array(z.object({ properties: z.object({ name: z.string() }) })) })
    .parse(body)
    .results.map(({ properties }) => properties.name);
};

describe('faults', () => {
  test('a vendor that fails with 200 fails with 200', async () => {
    await call('PUT', '/faults', { code: 'LOCKED' });
    expect(await make('Asha')).toEqual({ status: 200, body: { status: 'error', code: 'LOCKED' } });
    await call('PUT', '/faults', { code: 'LIMIT', status: 429, operation: 'POST /leads' });
    expect((await make('Asha')).status).toBe(429);
    expect(await namesOf('leads')).toEqual([]);
  });

  test('one record of several is refused, over as many calls as there are', async () => {
    await call('PUT', '/faults', { item: { code: 'LOCKED', nth: 3 } });
    expect((await make('1', '2')).body).toMatchObject({ items: [{ status: 'ok' }, { status: 'ok' }] });
    expect((await make('3', '4')).body).toMatchObject({
      items: [{ status: 'error', code: 'LOCKED' }, { status: 'ok' }],
    });
    expect(await namesOf('leads')).toEqual(['1', '2', '4']);
  });
});

test('leads are converted and merged, and what this CRM has not is refused with its reason', async () => {
  await make('Asha', 'Ravi', 'Mira');
  expect(await call('POST', '/records/leads/L0001/convert')).toMatchObject({
    status: 200,
    body: { id: 'P0001', properties: { name: 'Asha', lead: 'L0001' } },
  });
  expect([await namesOf('leads'), await namesOf('people')]).toEqual([['Ravi', 'Mira'], ['Asha']]);
  const merge = { primaryId: 'L0002', mergedId: 'L0003' };
  expect(await call('POST', '/records/leads/merge', merge)).toMatchObject({ body: { id: 'L0002' } });
  expect(await namesOf('leads')).toEqual(['Ravi']);
  expect((await call('GET', '/leads/L0003')).body).toMatchObject({ code: 'GONE' });
  expect(await call('POST', '/records/leads/L0003/restore')).toMatchObject({
    status: 501,
    body: { error: { message: 'The Ledger forgets what is deleted.' } },
  });
});

describe('records', () => {
  test('a unique value has one holder, who is named', async () => {
    expect((await make('Asha', 'Asha')).body).toMatchObject({
      items: [{ id: 'L0001' }, { status: 'error', code: 'TAKEN', holder: 'L0001' }],
    });
  });

  test('reads that lag see what was, by id and by unique value, and pages go by ids of letters', async () => {
    await call('PUT', '/faults', { readLagMs: 60_000 });
    await make(...Array.from({ length: 40 }, (_, index) => String(index)));
    expect((await call('GET', '/leads/5?key=')).body).toMatchObject({ code: 'GONE' });
    expect((await call('GET', '/leads?after=L000y')).body).toEqual({ items: [] });
    clock.advance(60_001);
    expect((await call('GET', '/leads/5?key=')).body).toMatchObject({ id: 'L0006' });
    expect((await call('GET', '/leads?after=L000y')).body).toEqual({ items: ['L000z', 'L0010'] });
  });

  test('stand after a restart, and new ones have ids of their own', async () => {
    await make('Asha');
    await stop();
    await start();
    expect((await make('Ravi')).body).toMatchObject({ items: [{ id: 'L0002' }] });
    expect(await namesOf('leads')).toEqual(['Asha', 'Ravi']);
  });
});

describe('limits', () => {
  test('a budget is spent by cost and is whole again at midnight', async () => {
    await call('PUT', '/rules', { budget: 3 });
    await make('1', '2');
    expect((await make('3', '4')).body).toMatchObject({ code: 'BUDGET' });
    expect((await make('3')).body).toMatchObject({ items: [{ status: 'ok' }] });
    clock.advance(86_400_000 - (clock.now() % 86_400_000));
    expect((await make('4', '5', '6')).body).toMatchObject({ items: [{}, {}, { status: 'ok' }] });
  });

  test('a call that hangs counts among those under way, until its caller leaves', async () => {
    await call('PUT', '/rules', { mostAtOnce: 1 });
    await call('PUT', '/faults', { hangMs: 600_000, times: 1 });
    const leaves = new AbortController();
    const hanging = fetch(`${origin}/sandbox/ledger/leads`, { signal: leaves.signal }).catch(() => 'left');
    await eventually(async () =>
      expect((await call('GET', '/leads')).body).toMatchObject({ code: 'TOO_MANY_AT_ONCE' }),
    );
    leaves.abort();
    expect(await hanging).toBe('left');
    await eventually(async () => expect((await call('GET', '/leads')).body).toEqual({ items: [] }));
  });
});

describe('OAuth', () => {
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const agree = async (more: object = { code_challenge: challenge, code_challenge_method: 'S256' }) => {
    const query = new URLSearchParams({
      client_id: 'ledger-app',
      redirect_uri: `${origin}/back`,
      scope: 'all',
      ...more,
    });
    const response = await fetch(`${origin}/sandbox/ledger/agree?${query.toString()}`, {
      redirect: 'manual',
    });
    return new URL(response.headers.get('location') ?? '').searchParams;
  };
  const token = async (form: Record<string, string>, secret = 'ledger-secret') => {
    const response = await fetch(`${origin}/sandbox/ledger/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`ledger-app:${secret}`).toString('base64')}` },
      body: new URLSearchParams(form).toString(),
    });
    return (await response.json()) as { access_token?: string; refresh_token?: string; error?: string };
  };
  const exchange = async (code: string, code_verifier = verifier) =>
    token({ grant_type: 'authorization_code', code, code_verifier, redirect_uri: `${origin}/back` });
  const refresh = (refresh_token = '') => token({ grant_type: 'refresh_token', refresh_token });
  const opens = async (access = '') => {
    const { body } = await call('GET', '/leads', undefined, access);
    return 'items' in z.looseObject({}).parse(body);
  };

  test('a code is bound to its verifier, and comes with what the vendor says beside it', async () => {
    expect((await agree({})).get('error')).toBe('invalid_request');
    const back = await agree();
    expect(back.get('location')).toBe('in');
    expect(await exchange(back.get('code') ?? '', 'guessed')).toEqual({ error: 'bad code' });
    const code = (await agree()).get('code') ?? '';
    expect(await token({ grant_type: 'authorization_code', code }, 'guessed')).toEqual({
      error: 'unknown client',
    });
    expect(await opens((await exchange(code)).access_token)).toBe(true);
  });

  test('a refresh token that is used again ends all that came of the agreement, also after a restart', async () => {
    const first = await exchange((await agree()).get('code') ?? '');
    const other = await exchange((await agree()).get('code') ?? '');
    const second = await refresh(first.refresh_token);
    expect(await opens(second.access_token)).toBe(true);
    await stop();
    await start();
    const third = await refresh(second.refresh_token);
    expect(await opens(third.access_token)).toBe(true);
    expect(await refresh(first.refresh_token)).toEqual({ error: 'bad refresh token' });
    expect(await opens(third.access_token)).toBe(false);
    expect(await refresh(third.refresh_token)).toEqual({ error: 'bad refresh token' });
    expect(await opens((await refresh(other.refresh_token)).access_token)).toBe(true);
  });
});

describe('webhooks', () => {
  const state = async () => (await call('GET', '/deliveries')).body;

  test('carry what the vendor signs with, and go out again when they are asked for', async () => {
    await make('Asha');
    await eventually(() => expect(heard).toHaveLength(1));
    expect(heard[0]).toMatchObject({
      headers: { 'x-ledger-secret': 'ledger-secret' },
      body: { record: 'L0001', name: 'Asha' },
    });
    expect((await call('POST', '/deliveries/redeliver')).body).toEqual({ events: 1 });
    await eventually(() => expect(heard).toHaveLength(2));
  });

  test('are tried as often as the vendor tries, on the sandbox’s clock', async () => {
    answerWith = 202;
    await make('Asha');
    for (const [tries, waitMs] of [
      [1, 3_000],
      [2, 30_000],
    ] as const) {
      await eventually(async () => expect(await state()).toMatchObject({ attempts: tries, queued: 1 }));
      await eventually(() => expect(heard).toHaveLength(tries));
      clock.advance(waitMs);
    }
    await eventually(async () =>
      expect(await state()).toMatchObject({ attempts: 3, queued: 0, delivered: 0, givenUp: 1 }),
    );
    expect(heard).toHaveLength(3);
  });

  test('that nobody took yet go out after a restart', async () => {
    answerWith = 500;
    await make('Asha');
    await eventually(() => expect(heard).toHaveLength(1));
    await stop();
    await start();
    await eventually(() => expect(heard).toMatchObject([{ body: { name: 'Asha' } }]));
  });
});

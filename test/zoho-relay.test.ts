import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import path from 'node:path';
import express from 'express';
import { zoho } from '@sangam/connectors/zoho';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { listen } from './harness/listen.ts';

/** The relay that runs in Zoho Catalyst, as Catalyst's own server runs it, against a Sangam and a Catalyst of ours. */

const folder = path.join(import.meta.dirname, '../zoho-extension/catalyst');
const relaySecret = 'secret-of-the-relay';
const sangamSecret = 'secret-of-the-address';
const body =
  '{"module":"Leads","id":"6000000000000123001","event":"edit","at":"1795000000000","name":"Ásha 😀"}';

interface Arrived {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Outside {
  readonly origin: string;
  readonly arrived: Arrived[];
  /** What it answers from now on. */
  status: number;
  answer: object;
}

/** A server that keeps what comes, for the running test. */
async function openOutside(): Promise<Outside> {
  const arrived: Arrived[] = [];
  const app = express();
  const server = await listen(app);
  const outside = { origin: server.origin, arrived, status: 200, answer: {} };
  app.use(express.raw({ type: () => true }), (request, response) => {
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    arrived.push({ path: request.path, headers: request.headers, body: bytes });
    response.status(outside.status).json(outside.answer);
  });
  onTestFinished(() => server.close());
  return outside;
}

/** What Catalyst's own server does with a function's main file, as it reads it of its configuration. */
const runner = `
  const server = require('node:http').createServer(require(process.argv[1]));
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

async function startRelay(variables: Readonly<Record<string, string>>): Promise<string> {
  const of = path.join(folder, 'functions/sangam_relay');
  const { execution } = JSON.parse(readFileSync(path.join(of, 'catalyst-config.json'), 'utf8')) as {
    execution: { main: string };
  };
  const child = spawn(process.execPath, ['-e', runner, path.join(of, execution.main)], {
    env: { PATH: process.env['PATH'] ?? '', ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  });
  const [printed] = (await once(child.stdout, 'data')) as [Buffer];
  return `http://127.0.0.1:${printed.toString().trim()}`;
}

let sangam: Outside;
let catalyst: Outside;
let variables: Readonly<Record<string, string>>;

beforeEach(async () => {
  sangam = await openOutside();
  catalyst = await openOutside();
  catalyst.answer = { status: 'success', data: { job_id: '1' } };
  variables = {
    SANGAM_WEBHOOK_URL: `${sangam.origin}/webhooks/zoho/1`,
    SANGAM_WEBHOOK_SECRET: sangamSecret,
    RELAY_SECRET: relaySecret,
    X_ZOHO_CATALYST_CONSOLE_URL: catalyst.origin,
    X_ZOHO_CATALYST_ACCOUNTS_URL: catalyst.origin,
  };
});

const repeating = { RELAY_URL: 'https://relay.example/server/sangam_relay/', RELAY_JOB_POOL: 'sangam' };

/** As Zoho's gateway hands it over. */
async function tell(
  address: string,
  headers: Readonly<Record<string, string>> = {},
  text = body,
): Promise<{ status: number; code: string }> {
  const all = new Headers({
    'x-sangam-secret': relaySecret,
    'x-zc-projectid': '4000000006007',
    'x-zc-project-key': '60001',
    'x-zc-project-domain': 'https://relay.example',
    'x-zc-environment': 'Development',
    'x-zc-admin-cred-type': 'token',
    'x-zc-admin-cred-token': 'token-of-the-function',
    'x-zc-user-type': 'admin',
    'x-zc-user-cred-type': 'token',
    'x-zc-user-cred-token': 'token-of-whoever-calls',
  });
  for (const [name, value] of Object.entries(headers)) all.set(name, value);
  const response = await fetch(address, { method: 'POST', headers: all, body: text });
  return { status: response.status, code: ((await response.json()) as { code: string }).code };
}

/** As Sangam judges it. */
function isTaken({ headers, body }: Arrived): boolean {
  const now = Date.now();
  const request = { method: 'POST', url: '', headers, body };
  return zoho.webhooks.maySign(headers, now) && zoho.webhooks.verify(request, [sangamSecret], now);
}

test.each([['SANGAM_WEBHOOK_URL'], ['SANGAM_WEBHOOK_SECRET'], ['RELAY_SECRET']])(
  'is off without %s',
  async (name) => {
    const relay = await startRelay({ ...variables, [name]: '' });
    expect(await tell(relay, name === 'RELAY_SECRET' ? { 'x-sangam-secret': '' } : {})).toEqual({
      status: 503,
      code: 'off',
    });
    expect(sangam.arrived).toEqual([]);
  },
);

test('as it is deployed it is off', () => {
  const config = readFileSync(path.join(folder, 'functions/sangam_relay/catalyst-config.json'), 'utf8');
  expect(JSON.parse(config)).toMatchObject({ deployment: { type: 'advancedio', env_variables: {} } });
});

describe('what a rule’s webhook tells', () => {
  test('goes to Sangam byte for byte, signed, whichever path Catalyst leaves it', async () => {
    const relay = await startRelay(variables);
    for (const of of ['', '/', '/execute', '/execute/', '/execute?a=b']) {
      expect(await tell(`${relay}${of}`, { authorization: 'Zoho-oauthtoken of-a-user' }), of).toEqual({
        status: 200,
        code: 'taken',
      });
    }
    expect(sangam.arrived).toHaveLength(5);
    for (const arrived of sangam.arrived) {
      expect(arrived.path).toBe('/webhooks/zoho/1');
      expect(arrived.body.toString()).toBe(body);
      expect(arrived.headers).not.toHaveProperty('authorization');
      expect(arrived.headers).not.toHaveProperty('x-sangam-secret');
      expect(isTaken(arrived)).toBe(true);
    }
    expect(catalyst.arrived).toEqual([]);
  });

  test.each([
    ['without the secret', ''],
    ['with another', 'another'],
    ['with Sangam’s own', sangamSecret],
    ['twice', `${relaySecret}, ${relaySecret}`],
  ])('%s goes nowhere', async (_, secret) => {
    const relay = await startRelay(variables);
    expect(await tell(relay, { 'x-sangam-secret': secret })).toEqual({ status: 401, code: 'bad_secret' });
    expect(sangam.arrived).toEqual([]);
  });

  test('is refused as Sangam refuses it, and not repeated', async () => {
    const relay = await startRelay({ ...variables, ...repeating });
    sangam.status = 401;
    expect(await tell(relay)).toEqual({ status: 502, code: 'refused' });
    expect(catalyst.arrived).toEqual([]);
  });
});

describe('what Sangam cannot take now', () => {
  test.each([429, 503])(
    'is brought again by a job of Catalyst’s after %i, and signed anew',
    async (status) => {
      const relay = await startRelay({ ...variables, ...repeating });
      sangam.status = status;
      expect(await tell(relay)).toEqual({ status: 202, code: 'later' });
      const [submitted] = catalyst.arrived;
      expect(submitted?.path).toBe('/baas/v1/project/4000000006007/job_scheduling/job');
      const job = JSON.parse(submitted?.body.toString() ?? '{}') as {
        url: string;
        headers: Record<string, string>;
        request_body: string;
      };
      expect(job).toMatchObject({
        jobpool_name: 'sangam',
        target_type: 'Webhook',
        url: repeating.RELAY_URL,
        request_method: 'POST',
        request_body: body,
      });
      expect(JSON.stringify(job)).not.toContain(sangamSecret);

      expect(await tell(relay, job.headers, job.request_body)).toEqual({ status: 502, code: 'not_taken' });
      expect(catalyst.arrived).toHaveLength(1);
      sangam.status = 200;
      expect(await tell(relay, job.headers, job.request_body)).toEqual({ status: 200, code: 'taken' });
      expect(sangam.arrived.map(isTaken)).toEqual([true, true, true]);
    },
  );

  test('is told to be lost where nothing brings it again', async () => {
    sangam.status = 503;
    const lost = { status: 502, code: 'not_taken' };
    expect(await tell(await startRelay(variables))).toEqual(lost);
    catalyst.status = 400;
    expect(await tell(await startRelay({ ...variables, ...repeating }))).toEqual(lost);
    const elsewhere = { ...variables, SANGAM_WEBHOOK_URL: 'http://127.0.0.1:9/' };
    expect(await tell(await startRelay(elsewhere))).toEqual(lost);
  });
});

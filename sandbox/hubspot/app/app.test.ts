import { createHmac } from 'node:crypto';
import express from 'express';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSandbox, type Sandbox, SandboxClock } from '../../index.ts';

interface Webhook {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

let sandbox: Sandbox;
let origin: string;
let heard: Webhook[];
let refusing: number;
let close: () => void;
const clock = new SandboxClock();

beforeEach(async () => {
  heard = [];
  refusing = 0;
  const app = express();
  app.post('/heard', express.text({ type: () => true }), (request, response) => {
    heard.push({ headers: request.headers, body: String(request.body) });
    refusing -= 1;
    response.status(refusing >= 0 ? 503 : 200).end();
  });
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  origin = `http://127.0.0.1:${String(typeof address === 'object' && address !== null ? address.port : 0)}`;
  sandbox = await createSandbox({
    clock,
    ownHosts: () => [new URL(origin).host],
    access: { admits: async () => true },
    whatsapp: {
      channelId: 'channel',
      phoneNumberId: '1',
      wabaId: '2',
      displayPhoneNumber: '+15550100',
      webhookUrl: () => `${origin}/unused`,
      appSecret: 'app-secret-of-the-sandbox',
      verifyToken: 'verify-token',
      accessToken: 'token',
    },
    crms: { hubspot: { accessToken: 'token', clientId: 'app', clientSecret: 'secret' } },
  });
  app.use('/sandbox', sandbox.router);
  close = () => server.close();
});
afterEach(async () => {
  await sandbox.close();
  close();
});

const hubspot = (): string => `${origin}/sandbox/hubspot`;

async function agree(): Promise<URL> {
  const query = new URLSearchParams({
    client_id: 'app',
    redirect_uri: `${origin}/back`,
    scope: 'oauth',
    state: 'mine',
  });
  const response = await fetch(`${hubspot()}/oauth/authorize?${query.toString()}`, { redirect: 'manual' });
  expect(response.status).toBe(302);
  return new URL(response.headers.get('location') ?? '');
}

async function token(
  form: Record<string, string>,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${hubspot()}/oauth/2026-03/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'app', client_secret: 'secret', ...form }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const control = async (method: string, path: string, body?: object): Promise<void> => {
  const response = await fetch(`${hubspot()}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(response.ok).toBe(true);
};

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('It never happened.');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('OAuth', () => {
  test('gives tokens for a code once, and ends them when the customer removes the app', async () => {
    const back = await agree();
    expect(back.searchParams.get('state')).toBe('mine');
    const form = {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri: `${origin}/back`,
    };
    const { status, body } = await token(form);
    expect({ status, hub: body['hub_id'], expires: body['expires_in'] }).toEqual({
      status: 200,
      hub: 24_111_972,
      expires: 1_800,
    });
    expect(await token(form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    const ask = async (): Promise<number> =>
      (
        await fetch(`${hubspot()}/account-info/2026-09/details`, {
          headers: { authorization: `Bearer ${String(body['access_token'])}` },
        })
      ).status;
    expect(await ask()).toBe(200);
    const refresh = { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) };
    expect((await token(refresh)).status).toBe(200);
    await control('POST', '/app/uninstall');
    expect(await ask()).toBe(401);
    expect(await token(refresh)).toMatchObject({ status: 400, body: { status: 'BAD_REFRESH_TOKEN' } });
  });

  test('ends the refresh token before where refreshes rotate', async () => {
    await control('PUT', '/app', { refreshTokens: 'rotated' });
    const back = await agree();
    const code = back.searchParams.get('code') ?? '';
    const { body } = await token({ grant_type: 'authorization_code', code, redirect_uri: `${origin}/back` });
    const refresh = { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) };
    expect((await token(refresh)).status).toBe(200);
    expect((await token(refresh)).status).toBe(400);
  });
});

describe('webhooks', () => {
  test('are signed over address and bytes, and tried again until they are taken', async () => {
    refusing = 2;
    const targetUrl = `${origin}/heard`;
    await control('PUT', '/webhooks', { targetUrl, batchWaitMs: 0, retryFast: true });
    await control('POST', '/records/contacts', { properties: { firstname: 'Asha' } });
    await until(() => heard.length >= 3);
    const last = heard.at(-1);
    const events = JSON.parse(last?.body ?? '[]') as Record<string, unknown>[];
    expect(events[0]).toMatchObject({ subscriptionType: 'object.creation', changeSource: 'CRM_UI' });
    const at = String(last?.headers['x-hubspot-request-timestamp']);
    const text = `POST${targetUrl}${last?.body ?? ''}${at}`;
    expect(last?.headers['x-hubspot-signature-v3']).toBe(
      createHmac('sha256', 'secret').update(text, 'utf8').digest('base64'),
    );
  });
});

describe('hubspot.fetch', () => {
  const ask = async (body: object): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`${hubspot()}/fetch`, { method: 'POST', body: JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  };

  test('asks once more after a failure, signed, and says who asks', async () => {
    refusing = 1;
    const url = `${origin}/heard`;
    expect(await ask({ url, method: 'POST', body: { a: 1 } })).toMatchObject({
      status: 200,
      body: { status: 200 },
    });
    expect(heard).toHaveLength(2);
    expect(heard[1]?.headers).toHaveProperty('x-hubspot-signature-v3');
  });

  test('sends no header but Authorization, and reaches nothing but this machine', async () => {
    const url = `${origin}/heard`;
    expect((await ask({ url, method: 'POST', headers: { 'x-idempotency-key': '1' } })).status).toBe(400);
    expect((await ask({ url: 'http://192.0.2.1/', method: 'GET' })).status).toBe(400);
    expect(heard).toHaveLength(0);
  });
});

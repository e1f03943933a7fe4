import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createServiceFixture,
  type ServiceProcess,
  text,
  type ServiceFixture,
  webhook,
} from './harness/index.ts';

/** What is asked before a body is read; what bodies may take together is tested beside their reader. */

let fixture: ServiceFixture;
let service: ServiceProcess;
let port: number;
beforeAll(async () => {
  fixture = await createServiceFixture();
  service = await fixture.startService();
  port = Number(new URL(service.url).port);
});
afterAll(() => fixture.close());

const wellFormed = `sha256=${'0'.repeat(64)}`;

/** A request whose body never comes; resolves with the answer's first line. */
async function withoutBody(path: string, headers: readonly string[], length: number): Promise<string> {
  const { socket, answer } = await open(path, headers, length);
  const line = await answer;
  socket.destroy();
  return line;
}

async function open(
  path: string,
  headers: readonly string[],
  length: number,
): Promise<{ socket: Socket; answer: Promise<string> }> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const lines = [`POST ${path} HTTP/1.1`, 'Host: localhost', `Content-Length: ${String(length)}`, ...headers];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  const answer = once(socket, 'data').then(([data]) => String(data).split('\r\n')[0] ?? '');
  return { socket, answer };
}

test.each([
  ['an unknown channel', '/webhooks/whatsapp/00000000-0000-4000-8000-00000000dead', wellFormed],
  ['a signature that is none', 'own', 'sha256=short'],
  ['two signatures', 'own', `${wellFormed}, ${wellFormed}`],
  ['no signature', 'own', undefined],
])('%s is answered before the body is there', async (_name, route, signature) => {
  const path = route === 'own' ? `/webhooks/whatsapp/${fixture.parties.whatsapp.channelId}` : route;
  const headers = signature === undefined ? [] : [`X-Hub-Signature-256: ${signature}`];
  expect(await withoutBody(path, headers, 1_000_000)).toBe('HTTP/1.1 401 Unauthorized');
});

test.each([
  ['an unknown connection', '/webhooks/hubspot/00000000-0000-4000-8000-00000000dead', 'A'.repeat(43)],
  ['a signature that is none', 'own', 'short'],
])('HubSpot: %s is answered before the body is there', async (_name, route, signature) => {
  const path = route === 'own' ? `/webhooks/hubspot/${fixture.parties.hubspot.connectionId}` : route;
  const headers = [
    `X-HubSpot-Signature-v3: ${signature}=`,
    `X-HubSpot-Request-Timestamp: ${String(Date.now())}`,
  ];
  expect(await withoutBody(path, headers, 1_000_000)).toBe('HTTP/1.1 401 Unauthorized');
});

test('the API asks who is there before the body is', async () => {
  const headers = ['Content-Type: application/json', `Authorization: Bearer ${'x'.repeat(43)}`];
  const path = '/api/v1/connections';
  expect(await withoutBody(path, headers, 1_000_000)).toBe('HTTP/1.1 401 Unauthorized');
  // And whether that is far too much.
  expect(await withoutBody(path, headers, 5_000_000)).toBe('HTTP/1.1 401 Unauthorized');
});

test('one that says it is too long is answered before it comes', async () => {
  const path = `/webhooks/whatsapp/${fixture.parties.whatsapp.channelId}`;
  const line = await withoutBody(path, [`X-Hub-Signature-256: ${wellFormed}`], 5_000_000);
  expect(line).toBe('HTTP/1.1 413 Payload Too Large');
});

/** The status a sender hears who sends the whole body, on a connection that is kept or ends with the answer. */
function statusOf(path: string, signature: string, body: Buffer, agent: Agent): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-hub-signature-256': signature, 'content-length': body.length };
    const sent = request(`${service.url}${path}`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

test.each([
  ['too large', true, wellFormed, 413],
  ['unsigned', true, 'sha256=short', 401],
  ['too large', false, wellFormed, 413],
  ['unsigned', false, 'sha256=short', 401],
])(
  'a body that is %s gets its answer while it is still being sent (keep-alive: %s)',
  async (_name, keepAlive, signature, status) => {
    const path = `/webhooks/whatsapp/${fixture.parties.whatsapp.channelId}`;
    const agent = new Agent({ keepAlive });
    const body = Buffer.alloc(4.5 * 2 ** 20, 'x');
    for (let time = 0; time < 12; time += 1) {
      expect(await statusOf(path, signature, body, agent)).toBe(status);
    }
    agent.destroy();
  },
);

test('a packed body is refused, not unpacked', async () => {
  const response = await fetch(`${service.url}/webhooks/whatsapp/${fixture.parties.whatsapp.channelId}`, {
    method: 'POST',
    headers: { 'x-hub-signature-256': wellFormed, 'content-encoding': 'gzip' },
    body: 'not unpacked',
  });
  expect(response.status).toBe(415);
});

test('a body takes nothing by being announced', async () => {
  const { appSecret, channelId } = fixture.parties.whatsapp;
  const path = `/webhooks/whatsapp/${channelId}`;
  const announced = [`X-Hub-Signature-256: ${wellFormed}`];
  const held = await Promise.all(Array.from({ length: 40 }, () => open(path, announced, 4 * 2 ** 20)));
  const words = 'x'.repeat(300_000);
  const change = text({ phone: '919812345678' }, 'announced', Date.now(), words);
  const body = JSON.stringify(webhook(fixture.parties.whatsapp, [change]));
  const signed = createHmac('sha256', appSecret).update(body).digest('hex');
  // Over the same network as those.
  const sent = await fetch(`http://127.0.0.1:${String(port)}${path}`, {
    method: 'POST',
    headers: { 'x-hub-signature-256': `sha256=${signed}` },
    body,
  });
  expect(sent.status).toBe(200);
  for (const { socket } of held) socket.destroy();
});

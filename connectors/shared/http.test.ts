import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { SangamError } from '@sangam/core/errors';
import { expect, onTestFinished, test } from 'vitest';
import { exchange, type HttpBounds } from './http.ts';
import { createTransport } from './transport.ts';

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

const bounds: HttpBounds = { vendor: 'The CRM', origin: 'crm', timeoutMs: 20_000, mostBytes: 1_000_000 };
const secret = 'token-of-nobody';
const ask = (url: string, other: Partial<HttpBounds> = {}) =>
  exchange(
    {
      method: 'POST',
      url: `${url}/people?key=${secret}`,
      headers: { authorization: `Bearer ${secret}` },
      body: secret,
    },
    { ...bounds, ...other },
  );

async function failure(work: Promise<unknown>): Promise<SangamError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SangamError)) throw new Error('A SangamError was expected.', { cause: error });
  expect(`${error.message} ${String(error.cause)}`).not.toContain(secret);
  return error;
}

test.each([301, 302, 303, 307, 308])('a redirect is not followed: %i', async (status) => {
  const asked: string[] = [];
  const elsewhere = await serve((request, response) => {
    asked.push(request.url ?? '');
    response.end();
  });
  const url = await serve((_request, response) => response.writeHead(status, { location: elsewhere }).end());
  expect(await failure(ask(url))).toMatchObject({ code: 'redirected', retry: 'later' });
  expect(asked).toEqual([]);
});

test('not modified is an answer', async () => {
  const url = await serve((_request, response) => response.writeHead(304).end());
  expect((await ask(url)).status).toBe(304);
});

test('an answer without an end is left when it is too long, and its connection is closed', async () => {
  const closed = Promise.withResolvers<undefined>();
  const url = await serve((_request, response) => {
    response.once('close', () => closed.resolve(undefined));
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(64 * 1024)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  });
  expect(await failure(ask(url))).toMatchObject({ code: 'answer_too_long', retry: 'later' });
  await closed.promise;
});

test('what a call is answered with is read as far as it may go: about one thing less far than about many', async () => {
  const text = JSON.stringify({ name: 'x'.repeat(2 * 1024 * 1024) });
  const basePath = await serve((_request, response) => response.end(text));
  const transport = createTransport({
    vendor: 'The CRM',
    basePath,
    timeoutMs: 20_000,
    authorization: () => ({}),
  });
  const request = { method: 'GET', path: '/people' } as const;
  expect(await failure(transport.send(request))).toMatchObject({ code: 'answer_too_long' });
  expect(await transport.send({ ...request, answer: 'many' })).toMatchObject({ body: JSON.parse(text) });
});

test.each([
  ['never begins', false],
  ['never ends', true],
])('an answer that %s is aborted at the deadline', async (_name, begins) => {
  const closed = Promise.withResolvers<undefined>();
  const url = await serve((_request, response) => {
    response.once('close', () => closed.resolve(undefined));
    if (begins) response.write('{');
  });
  expect(await failure(ask(url, { timeoutMs: 100 }))).toMatchObject({ code: 'timeout', retry: 'later' });
  await closed.promise;
});

test('who cannot be reached is said with the network’s own word', async () => {
  const url = await serve((_request, response) => response.destroy());
  const { code, message } = await failure(ask(url));
  expect(code).toBe('unreachable');
  expect(message).toMatch(/could not be reached \(\w+\)/);
});

test('whatever is answered comes back whole', async () => {
  const url = await serve((_request, response) => {
    response.writeProcessing();
    response
      .writeHead(418, { 'x-own': ['yes', 'indeed'] })
      .end(Buffer.concat([Buffer.from('नमस्ते'), Buffer.of(0, 255)]));
  });
  const { status, headers, body } = await ask(url);
  expect({ status, own: headers.get('x-own'), body }).toEqual({
    status: 418,
    own: 'yes, indeed',
    body: Buffer.concat([Buffer.from('नमस्ते'), Buffer.of(0, 255)]),
  });
});

test('what is sent arrives: text and bytes', async () => {
  const came: unknown[] = [];
  const url = await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      came.push([request.method, request.url, request.headers['content-type'], Buffer.concat(chunks)]);
      response.end();
    });
  });
  const headers = { 'content-type': 'x/y' };
  await exchange({ method: 'PUT', url: `${url}/a?b=c%20d`, headers, body: 'आशा' }, bounds);
  await exchange({ method: 'POST', url, headers, body: Buffer.of(0, 255) }, bounds);
  expect(came).toEqual([
    ['PUT', '/a?b=c%20d', 'x/y', Buffer.from('आशा')],
    ['POST', '/', 'x/y', Buffer.of(0, 255)],
  ]);
});

test('a packed answer is unpacked, as far as an answer may go', async () => {
  const text = 'x'.repeat(100_000);
  const url = await serve((request, response) => {
    expect(request.headers['accept-encoding']).toBe('gzip');
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text));
  });
  expect((await ask(url)).body.toString()).toBe(text);
  expect(await failure(ask(url, { mostBytes: 50_000 }))).toMatchObject({ code: 'answer_too_long' });
});

/** A port that was free just now. */
async function nobodysPort(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${String(port)}`;
}

test('where nobody listens nothing was sent', async () => {
  expect(await failure(ask(`http://${await nobodysPort()}`))).toMatchObject({ code: 'not_connected' });
  expect(await failure(ask('http://nobody.invalid'))).toMatchObject({ code: 'not_connected' });
});

test('where the other side proves nothing nothing was sent', async () => {
  const url = await serve((_request, response) => response.end());
  expect(await failure(ask(url.replace('http:', 'https:')))).toMatchObject({ code: 'not_connected' });
});

test('what found no connection by its deadline is not sent after it', async () => {
  const asked: unknown[] = [];
  const url = await serve((request, response) => {
    asked.push(request.url);
    response.end();
  });
  const late = ask(`${url}/late`, { timeoutMs: 1 });
  // Nobody hears of the connection before the deadline is over.
  const free = performance.now() + 20;
  while (performance.now() < free);
  expect(await failure(late)).toMatchObject({ code: 'not_connected' });
  await ask(`${url}/next`);
  expect(asked).toEqual([`/next/people?key=${secret}`]);
});

test('what was sent over a connection that was closed meanwhile is not sent again', async () => {
  let asked = 0;
  const url = await serve((request, response) => {
    asked += 1;
    if (asked === 1) response.end();
    else request.socket.destroy();
  });
  await ask(url);
  expect(await failure(ask(url))).toMatchObject({ code: 'unreachable' });
  expect(asked).toBe(2);
});

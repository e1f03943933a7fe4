import { SangamError } from '@sangam/core/errors';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createHubspotClient } from './client.ts';
import { bodyOf, serve } from './test-server.ts';

const anything = z.looseObject({});

async function failureOf(basePath: string, token = 'pat-secret', timeoutMs = 20_000): Promise<SangamError> {
  const client = createHubspotClient({ basePath, accessToken: async () => token, timeoutMs });
  const failure = await client.call({ method: 'POST', path: '/x', body: { name: 'Asha' } }, anything).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(failure instanceof SangamError)) throw new Error('expected a SangamError');
  return failure;
}

test('a call carries path, JSON and the token of that moment', async () => {
  const seen: { url: string | undefined; authorization: string | undefined; body: string }[] = [];
  const basePath = await serve(async (request, response) => {
    seen.push({
      url: request.url,
      authorization: request.headers.authorization,
      body: await bodyOf(request),
    });
    response.end('{"ok":1}');
  });
  const tokens = ['first', 'second'];
  const client = createHubspotClient({
    basePath: `${basePath}/sandbox/hubspot`,
    accessToken: async () => tokens.shift() ?? '',
    timeoutMs: 20_000,
  });
  expect(await client.call({ method: 'POST', path: '/crm/x', body: { a: 1 } }, anything)).toEqual({
    ok: true,
    body: { ok: 1 },
  });
  await client.call({ method: 'GET', path: '/crm/y' }, anything);
  expect(seen).toEqual([
    { url: '/sandbox/hubspot/crm/x', authorization: 'Bearer first', body: '{"a":1}' },
    { url: '/sandbox/hubspot/crm/y', authorization: 'Bearer second', body: '' },
  ]);
});

test('one call is one request, whatever HubSpot answers', async () => {
  let requests = 0;
  const basePath = await serve((_, response) => {
    requests += 1;
    response.writeHead(requests === 1 ? 429 : 503).end('{"policyName":"TEN_SECONDLY_ROLLING"}');
  });
  const client = createHubspotClient({ basePath, accessToken: async () => 'token', timeoutMs: 20_000 });
  const call = { method: 'GET', path: '/x' } as const;
  expect(await client.call(call, anything)).toMatchObject({ ok: false, refusal: { code: 'rate_limited' } });
  expect(await client.call(call, anything)).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
  expect(requests).toBe(2);
});

test('a connection that breaks is unreachable, to be tried later', async () => {
  const cut = await serve((request) => request.socket.destroy());
  expect(await failureOf(cut)).toMatchObject({ code: 'unreachable', retry: 'later', origin: 'crm' });
  const halfway = await serve((_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"results":', () => response.socket?.destroy());
  });
  expect(await failureOf(halfway)).toMatchObject({ code: 'unreachable', retry: 'later' });
});

test('an answer that does not come, or does not end, is a timeout', async () => {
  const silent = await serve(() => undefined);
  expect(await failureOf(silent, 'token', 50)).toMatchObject({ code: 'timeout', retry: 'later' });
  const endless = await serve((_, response) => void response.write('{'));
  expect(await failureOf(endless, 'token', 50)).toMatchObject({ code: 'timeout', retry: 'later' });
});

test('a page in place of JSON is an answer we cannot read', async () => {
  const basePath = await serve(
    (_, response) => void response.end('<html>Sign in to the hotel network</html>'),
  );
  expect(await failureOf(basePath)).toMatchObject({ code: 'unreadable_answer', retry: 'later' });
});

test.each(['', 'two\nlines', 'pat-schlüssel'])('the token %j is refused before it travels', async (token) => {
  const failure = await failureOf('http://127.0.0.1:9', token);
  expect(failure).toMatchObject({ code: 'reconnect', retry: 'never' });
});

test('no failure shows the token or what was written', async () => {
  const cut = await serve((request) => request.socket.destroy());
  const failures = [
    await failureOf(cut),
    await failureOf(cut, 'pat-secret\n'),
    await failureOf('http://127.0.0.1:9'),
  ];
  for (const { message, stack, cause } of failures) {
    expect(`${message} ${stack} ${String(cause)} ${JSON.stringify(cause)}`).not.toMatch(/pat-secret|Asha/);
  }
});

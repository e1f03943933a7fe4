import type { Credentials, Permits } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createHubspotClient } from './client.ts';
import { onlyToken, openDoor } from '../shared/test-access.ts';
import { bodyOf, serve } from '../shared/test-server.ts';

const anything = z.looseObject({});

async function failureOf(basePath: string, token = 'pat-secret', timeoutMs = 20_000): Promise<SangamError> {
  const client = createHubspotClient({
    basePath,
    credentials: onlyToken(token),
    permits: openDoor,
    timeoutMs,
  });
  const call = { method: 'POST', path: '/x', body: { name: 'Asha' }, priority: 'fields' } as const;
  const failure = await client.call(call, anything).then(
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
    credentials: { ...onlyToken(''), accessToken: async () => tokens.shift() ?? '' },
    permits: openDoor,
    timeoutMs: 20_000,
  });
  const post = { method: 'POST', path: '/crm/x', body: { a: 1 }, priority: 'fields' } as const;
  expect(await client.call(post, anything)).toEqual({ ok: true, body: { ok: 1 } });
  await client.call({ method: 'GET', path: '/crm/y', priority: 'fields' }, anything);
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
  const credentials = onlyToken('token');
  const client = createHubspotClient({ basePath, credentials, permits: openDoor, timeoutMs: 20_000 });
  const call = { method: 'GET', path: '/x', priority: 'fields' } as const;
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

test('a permit of its limit and priority is taken before every request', async () => {
  const events: string[] = [];
  const basePath = await serve((_, response) => {
    events.push('request');
    response.end('{}');
  });
  const permits: Permits = {
    ...openDoor,
    async take(needs, priority) {
      for (const { limit, cost } of needs) events.push(`${String(cost)} ${limit} for ${priority}`);
      return { release: async () => void events.push('released') };
    },
  };
  const client = createHubspotClient({
    basePath,
    credentials: onlyToken('token'),
    permits,
    timeoutMs: 20_000,
  });
  await client.call({ method: 'GET', path: '/x', priority: 'consent' }, anything);
  await client.call(
    { method: 'POST', path: '/y', priority: 'import', needs: [{ limit: 'search', cost: 1 }] },
    anything,
  );
  expect(events).toEqual([
    '1 api for consent',
    'request',
    'released',
    '1 search for import',
    'request',
    'released',
  ]);
});

test('without a permit no request is made', async () => {
  let requests = 0;
  const basePath = await serve((_, response) => {
    requests += 1;
    response.end('{}');
  });
  const refusal = new SangamError({ code: 'limit_wait', origin: 'crm', retry: { afterMs: 5 }, message: '' });
  const permits: Permits = { ...openDoor, take: () => Promise.reject(refusal) };
  const client = createHubspotClient({
    basePath,
    credentials: onlyToken('token'),
    permits,
    timeoutMs: 20_000,
  });
  await expect(client.call({ method: 'GET', path: '/x', priority: 'import' }, anything)).rejects.toBe(
    refusal,
  );
  expect(requests).toBe(0);
});

describe('a token refused as expired', () => {
  const refusing = async (...valid: string[]): Promise<{ basePath: string; seen: string[] }> => {
    const seen: string[] = [];
    const basePath = await serve((request, response) => {
      const token = (request.headers.authorization ?? '').replace('Bearer ', '');
      seen.push(token);
      response
        .writeHead(valid.includes(token) ? 200 : 401)
        .end(valid.includes(token) ? '{}' : '{"category":"EXPIRED_AUTHENTICATION"}');
    });
    return { basePath, seen };
  };
  const rotating = (expired: string[]): Credentials => {
    let current = 'old';
    return {
      accessToken: async () => current,
      async expired(token) {
        expired.push(token);
        current = 'new';
      },
    };
  };
  const call = { method: 'GET', path: '/x', priority: 'fields' } as const;

  test('is told, and the call made once more with the next', async () => {
    const { basePath, seen } = await refusing('new');
    const expired: string[] = [];
    const credentials = rotating(expired);
    const client = createHubspotClient({ basePath, credentials, permits: openDoor, timeoutMs: 20_000 });
    expect(await client.call(call, anything)).toEqual({ ok: true, body: {} });
    expect({ seen, expired }).toEqual({ seen: ['old', 'new'], expired: ['old'] });
  });

  test('twice around a token just given passes with time', async () => {
    const { basePath, seen } = await refusing();
    const credentials = rotating([]);
    const client = createHubspotClient({ basePath, credentials, permits: openDoor, timeoutMs: 20_000 });
    await expect(client.succeed(call, anything)).rejects.toMatchObject({
      code: 'token_doubted',
      retry: 'later',
    });
    expect(seen).toEqual(['old', 'new']);
  });

  test('by something that is not HubSpot is no word about the token', async () => {
    const basePath = await serve((_, response) => response.writeHead(401).end('<html>Sign in</html>'));
    const expired: string[] = [];
    const credentials = rotating(expired);
    const client = createHubspotClient({ basePath, credentials, permits: openDoor, timeoutMs: 20_000 });
    await expect(client.succeed(call, anything)).rejects.toMatchObject({ retry: 'later' });
    expect(expired).toEqual([]);
  });

  test('is not sent again where there is no other', async () => {
    const { basePath, seen } = await refusing();
    const dead = new SangamError({ code: 'reconnect', origin: 'crm', retry: 'never', message: '' });
    const credentials: Credentials = { ...onlyToken('old'), expired: () => Promise.reject(dead) };
    const client = createHubspotClient({ basePath, credentials, permits: openDoor, timeoutMs: 20_000 });
    await expect(client.call(call, anything)).rejects.toBe(dead);
    expect(seen).toEqual(['old']);
  });
});

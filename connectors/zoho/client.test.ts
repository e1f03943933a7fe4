import type { BudgetNews, Permits } from '@sangam/core/crm';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { onlyToken } from '../shared/test-access.ts';
import { serve } from '../shared/test-server.ts';
import { costing, createZohoClient } from './client.ts';

interface Said {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

async function clientAnswered(...answers: Said[]) {
  const taken: string[] = [];
  const learned: [string, BudgetNews][] = [];
  const shown: unknown[] = [];
  const basePath = await serve((request, response) => {
    shown.push(request.headers.authorization);
    const { status, headers = {}, body } = answers.shift() ?? { status: 500 };
    response.writeHead(status, headers).end(body === undefined ? '' : JSON.stringify(body));
  });
  const permits: Permits = {
    take: async (needs) => {
      taken.push(needs.map(({ limit, cost }) => `${limit} ${String(cost)}`).join(', '));
      return { release: async () => undefined };
    },
    learn: async (budget, news) => void learned.push([budget, news]),
  };
  const client = createZohoClient({ basePath, permits, timeoutMs: 20_000, credentials: onlyToken('token') });
  return { client, taken, learned, shown };
}

const get = { method: 'GET', path: '/crm/v8/Leads', priority: 'fields' } as const;
const anything = z.unknown();
const own = (code: string, details = {}) => ({ code, details, message: 'm', status: 'error' });

test('a call costs a place and a credit unless it costs more, shows its token, and tells what is left', async () => {
  const { client, taken, learned, shown } = await clientAnswered(
    { status: 200, headers: { 'X-API-CREDITS-REMAINING': '2400' }, body: {} },
    { status: 204 },
  );
  await client.call(get, anything);
  await client.call({ ...get, needs: costing(3) }, anything);
  expect(taken).toEqual(['at once 1, credits 1', 'at once 1, credits 3']);
  expect(learned).toEqual([['credits', { left: 2400 }]]);
  expect(shown[0]).toBe('Zoho-oauthtoken token');
});

describe('an answer', () => {
  test.each<[string, Said, object]>([
    ['says nothing is newer', { status: 304 }, { ok: true }],
    ['is empty', { status: 204 }, { ok: true }],
    ['speaks of its items', { status: 400, body: { data: [own('INVALID_DATA')] } }, { ok: true }],
    [
      'fails with 200',
      { status: 200, body: own('INVALID_MODULE') },
      { ok: false, refusal: { code: 'no_such_module' } },
    ],
    [
      'lacks a permission',
      { status: 403, body: own('NO_PERMISSION', { permissions: ['Crm_X'] }) },
      {
        ok: false,
        refusal: { code: 'missing_scope', retry: 'never', explanation: expect.stringContaining('Crm_X') },
      },
    ],
    [
      'is of what the edition has not',
      { status: 403, body: own('FEATURE_NOT_SUPPORTED') },
      { ok: false, refusal: { code: 'missing_scope', retry: 'never' } },
    ],
    [
      'lacks a scope',
      { status: 401, body: own('OAUTH_SCOPE_MISMATCH') },
      { ok: false, refusal: { code: 'missing_scope', retry: 'never' } },
    ],
    [
      'comes from something between',
      { status: 403, body: '<html>' },
      { ok: false, refusal: { code: 'unexpected_answer', retry: 'later' } },
    ],
    [
      'is of too many calls',
      { status: 429, body: own('TOO_MANY_REQUESTS') },
      { ok: false, refusal: { code: 'rate_limited', retry: { afterMs: 10_000 } } },
    ],
    [
      'is of no credits left',
      { status: 429, headers: { 'X-API-CREDITS-REMAINING': '0' }, body: own('TOO_MANY_REQUESTS') },
      { ok: false, refusal: { code: 'daily_limit', retry: { afterMs: 900_000 } } },
    ],
    [
      'is of no use',
      { status: 500, body: own('INTERNAL_ERROR') },
      { ok: false, refusal: { code: 'unavailable' } },
    ],
  ])('that %s', async (_name, said, expected) => {
    const { client } = await clientAnswered(said);
    expect(await client.call(get, anything)).toMatchObject(expected);
  });

  test.each([
    ['INVALID_TOKEN', 200],
    ['AUTHENTICATION_FAILURE', 200],
    ['INVALID_OAUTHTOKEN', 401],
  ])('%s with %i is asked once more', async (code, status) => {
    const { client, shown } = await clientAnswered(
      { status, body: own(code) },
      { status: 401, body: own(code) },
    );
    await expect(client.succeed(get, anything)).rejects.toMatchObject({
      code: 'token_doubted',
      retry: 'later',
    });
    expect(shown).toHaveLength(2);
  });
});

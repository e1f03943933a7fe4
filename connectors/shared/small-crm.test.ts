/** What connectors share, spoken to a CRM that is not HubSpot: it fails with 200, answers by place and shows its token otherwise. */
import type { BudgetNews, Credentials, Permits } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createClient, type Protocol } from './client.ts';
import { askForTokens, type TokenEndpoint } from './oauth.ts';
import { byPlace } from './outcomes.ts';
import { lackOf, stepsOf } from './provisioning.ts';
import { meaningOf, type RefusalTable, retryAfter } from './refusals.ts';
import { createTagOptions } from './tag-options.ts';
import { bodyOf, serve } from './test-server.ts';
import { createTransport } from './transport.ts';

const vendor = 'Ledger';
const own = z.looseObject({ status: z.literal('error'), code: z.string() });
type Code = 'rate_limited' | 'ended' | 'not_found' | 'unavailable' | 'unexpected_answer';

const table: RefusalTable<Code> = {
  byCode: {
    LIMIT: { code: 'rate_limited', retry: { afterMs: 5_200 }, says: 'The Ledger wants fewer calls' },
    NO_TOKEN: { code: 'ended', retry: 'later', says: 'The Ledger refuses the token' },
  },
  byStatus: { 404: { code: 'not_found', retry: 'later', says: 'The Ledger found nothing there' } },
  ownWordOnly: new Set([404]),
  unavailable: { code: 'unavailable', retry: 'later', says: 'The Ledger is not available' },
  unexpected: { code: 'unexpected_answer', retry: 'later', says: 'The Ledger gave an unexpected answer' },
};

const protocol: Protocol<ConstructorParameters<typeof SangamError>[0]> = {
  vendor,
  authorization: (token) => ({ 'x-ledger-token': token }),
  refusalIn({ ok, status, body }) {
    const read = own.safeParse(body);
    if (ok && !read.success) return undefined;
    const codes = read.success ? [read.data.code] : [];
    const { code, retry, says } = meaningOf(table, { status, codes, isOwnWord: read.success });
    return { code, origin: 'crm', retry, message: `${says}.` };
  },
  isExpired: ({ body }) => own.safeParse(body).data?.code === 'NO_TOKEN',
  errorOf: (refusal) => new SangamError(refusal),
  learn({ headers }) {
    const left = headers.get('x-left');
    return left === null ? {} : { day: { left: Number(left) } };
  },
};

interface Said {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: object | string;
}

/** A client of a Ledger that answers so, one answer a request, and what it saw. */
async function ledgerAnswering(...answers: Said[]) {
  const seen: string[] = [];
  const basePath = await serve((request, response) => {
    seen.push(`${request.method ?? ''} ${request.url ?? ''} ${String(request.headers['x-ledger-token'])}`);
    const { status = 200, headers = {}, body } = answers.shift() ?? { status: 500, body: 'too many' };
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  const taken: string[] = [];
  const learned: [string, BudgetNews][] = [];
  const permits: Permits = {
    take: async (needs, priority) => {
      taken.push(`${needs.map(({ limit, cost }) => `${String(cost)} ${limit}`).join(', ')} ${priority}`);
      return { release: async () => undefined };
    },
    learn: async (budget, news) => void learned.push([budget, news]),
  };
  let token = 'first';
  const credentials: Credentials = {
    accessToken: async () => token,
    expired: async (refused) => void (token = refused === 'first' ? 'second' : refused),
  };
  const client = createClient<'calls' | 'day', Parameters<typeof protocol.errorOf>[0]>(
    protocol,
    [{ limit: 'calls', cost: 1 }],
    { basePath, timeoutMs: 20_000, permits, credentials },
  );
  return { client, seen, taken, learned };
}

const lead = z.looseObject({ id: z.string() });
const read = { method: 'GET', path: '/leads/1', priority: 'fields' } as const;

describe('a call', () => {
  test('takes its permit, shows its token and is read', async () => {
    const { client, seen, taken } = await ledgerAnswering({ body: { id: '1' } });
    expect(await client.call(read, lead)).toEqual({ ok: true, body: { id: '1' } });
    expect([seen, taken]).toEqual([['GET /leads/1 first'], ['1 calls fields']]);
  });

  test('says what it costs of each limit, and what its answer tells of a budget is learned, failed or not', async () => {
    const needs = [
      { limit: 'calls', cost: 1 },
      { limit: 'day', cost: 3 },
    ] as const;
    const { client, taken, learned } = await ledgerAnswering(
      { headers: { 'x-left': '40' }, body: { id: '1' } },
      { status: 500, headers: { 'x-left': '39' }, body: {} },
      { body: { id: '1' } },
    );
    await client.call({ ...read, needs }, lead);
    await client.call(read, lead);
    await client.call(read, lead);
    expect(taken).toEqual(['1 calls, 3 day fields', '1 calls fields', '1 calls fields']);
    expect(learned).toEqual([
      ['day', { left: 40 }],
      ['day', { left: 39 }],
    ]);
  });

  test('that fails with 200 has failed, as its code says', async () => {
    const { client } = await ledgerAnswering({ body: { status: 'error', code: 'LIMIT' } });
    expect(await client.call(read, lead)).toMatchObject({
      ok: false,
      refusal: { code: 'rate_limited', retry: { afterMs: 5_200 } },
    });
  });

  test('whose token has ended is made once more with the next, each with a permit, and no third time', async () => {
    const ended = { body: { status: 'error', code: 'NO_TOKEN' } };
    const { client, seen, taken } = await ledgerAnswering(ended, ended, { body: { id: '1' } });
    await expect(client.succeed(read, lead)).rejects.toMatchObject({ code: 'ended' });
    expect(seen).toEqual(['GET /leads/1 first', 'GET /leads/1 second']);
    expect(taken).toHaveLength(2);
  });

  test.each([
    [{ status: 404, body: { status: 'error', code: 'NOBODY' } }, 'not_found'],
    [{ status: 404, body: '<html>' }, 'unexpected_answer'],
    [{ status: 502, body: '<html>' }, 'unavailable'],
    [{ status: 418, body: {} }, 'unexpected_answer'],
  ])('is judged by its status where its code says nothing: %j', async (said, code) => {
    const { client } = await ledgerAnswering(said);
    await expect(client.succeed(read, lead)).rejects.toMatchObject({ code });
  });

  test('whose answer has another shape is none', async () => {
    const { client } = await ledgerAnswering({ body: { other: 1 } });
    await expect(client.call(read, lead)).rejects.toMatchObject({
      code: 'unreadable_answer',
      message: expect.stringContaining(vendor),
    });
  });
});

test.each([
  ['7', { afterMs: 7_000 }],
  ['Thu, 26 Nov 2026 10:00:30 GMT', { afterMs: 30_000 }],
  ['Thu, 26 Nov 2026 09:00:00 GMT', { afterMs: 0 }],
  ['soon', undefined],
])('Retry-After: %s', (said, wait) => {
  const now = Date.UTC(2026, 10, 26, 10);
  expect(retryAfter(new Headers({ 'retry-after': said }), now)).toEqual(wait);
});

describe('asking for tokens', () => {
  const endpointAt = async (
    said: Said,
    forms: string[] = [],
    differing: Partial<TokenEndpoint> = {},
  ): Promise<TokenEndpoint> => {
    const basePath = await serve(async (request, response) => {
      forms.push(`${String(request.headers.authorization)} ${await bodyOf(request)}`);
      response.writeHead(said.status ?? 200).end(JSON.stringify(said.body));
    });
    const transport = createTransport({ vendor, basePath, timeoutMs: 20_000, authorization: () => ({}) });
    return {
      vendor,
      post: (form) =>
        transport.send({ method: 'POST', path: '/token', form, headers: { Authorization: 'Basic app' } }),
      meanings: {
        invalid_code: { code: 'reconnect', says: 'Agree again' },
        invalid_client: { code: 'client_config', says: 'The app is unknown' },
        'too many': { code: 'too_many_tokens', says: 'Asked too often', afterMs: 600_000 },
      },
      codeNotTaken: 'This code is used up',
      unavailable: () =>
        new SangamError({ code: 'unavailable', origin: 'crm', retry: 'later', message: 'Later.' }),
      ...differing,
    };
  };
  const refresh = { grant_type: 'refresh_token', refresh_token: 'r' };

  test('posts a form and reads what the vendor gives, without an end where it names none', async () => {
    const forms: string[] = [];
    const endpoint = await endpointAt({ body: { access_token: 'a', api_domain: 'https://in' } }, forms);
    expect(await askForTokens(endpoint, refresh)).toEqual({
      grant: { accessToken: 'a' },
      body: { access_token: 'a', api_domain: 'https://in' },
    });
    expect(forms).toEqual(['Basic app grant_type=refresh_token&refresh_token=r']);
  });

  test.each([
    [{ body: { error: 'invalid_code' } }, refresh, 'reconnect', 'never', 'Agree again (status 200)'],
    [
      { status: 400, body: { error: 'invalid_code' } },
      { grant_type: 'authorization_code' },
      'reconnect',
      'never',
      'This code is used up (status 400)',
    ],
    [{ body: { error: 'invalid_client' } }, refresh, 'client_config', 'never', 'The app is unknown'],
    [
      { status: 400, body: { error: 'too many' } },
      refresh,
      'too_many_tokens',
      { afterMs: 600_000 },
      'Asked too often',
    ],
    [{ status: 400, body: { error: 'toString' } }, refresh, 'token_refused', 'later', vendor],
    [{ body: { nothing: 1 } }, refresh, 'unreadable_answer', 'later', vendor],
    [{ status: 503, body: { error: 'invalid_code' } }, refresh, 'unavailable', 'later', 'Later'],
  ])('%j is refused as the table says', async (said, form, code, retry, words) => {
    const endpoint = await endpointAt(said);
    await expect(askForTokens(endpoint, form)).rejects.toMatchObject({
      code,
      retry,
      message: expect.stringContaining(words),
    });
  });

  test.each([200, 400])(
    'a refusal nobody can explain is given its time where that is asked for: %i',
    async (status) => {
      const endpoint = await endpointAt({ status, body: { error: 'odd' } }, [], {
        unexplainedAfterMs: 60_000,
      });
      await expect(askForTokens(endpoint, refresh)).rejects.toMatchObject({
        code: 'token_refused',
        retry: { afterMs: 60_000 },
      });
    },
  );
});

test('answers by place are joined to what was asked, unless some are lacking', () => {
  expect([...byPlace(vendor, ['a', 'b'], [1, 2])]).toEqual([
    ['a', 1],
    ['b', 2],
  ]);
  expect(() => byPlace(vendor, ['a', 'b'], [1])).toThrow('Ledger did not say what became of every record');
});

test('tags become options before they are written, each once, and where tags can be', async () => {
  const options: Record<string, string[]> = { tags: ['VIP'], other: [] };
  let reads = 0;
  const tagOptions = createTagOptions({
    field: 'tags',
    async read(field) {
      reads += 1;
      return options[field];
    },
    nameOf: (option: string) => option,
    async add(field, existing, tags) {
      options[field] = [...existing, ...tags];
    },
    tagsIn: (value) => value.split(',').filter((tag) => tag !== ''),
  });
  const writes = [{ values: { tags: 'VIP,New' } }, { values: { tags: 'New,Other', other: 'Mine' } }];
  await Promise.all([tagOptions.ensure(writes), tagOptions.ensure(writes)]);
  expect([options['tags'], reads]).toEqual([['VIP', 'New', 'Other'], 1]);
  options['tags'] = ['VIP'];
  expect(await tagOptions.mend(['tags', 'text'], writes)).toBe(true);
  expect(options['tags']).toEqual(['VIP', 'New', 'Other']);
  expect(await tagOptions.mend(['text'], writes)).toBe(false);
  await tagOptions.mend(['other'], writes);
  expect(options['other']).toEqual(['Mine']);
});

test('what an account lacks of ours is told in steps, and what only a person can do', () => {
  const wanted = ['Key', 'Window', 'Tags'].map((name) => ({ name, type: 'text' }));
  const there = [
    { name: 'Window', type: 'text' },
    { name: 'Tags', type: 'number' },
  ];
  const lack = lackOf(wanted, there, (one, found) => one.type === found.type);
  const words = {
    create: ({ name }: { name: string }) => `Create ${name}`,
    mismatch: ({ name }: { name: string }) => `Rename ${name}`,
  };
  expect(stepsOf(lack, words, ['Create the group'])).toEqual([
    { action: 'Create the group', possible: true },
    { action: 'Create Key', possible: true },
    { action: 'Rename Tags', possible: false },
  ]);
});

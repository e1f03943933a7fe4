import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSandboxFixture, type SandboxFixture } from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;

beforeEach(async () => {
  fixture = await startSandboxFixture();
});

afterEach(() => fixture.stop());

const hour = 60 * 60 * 1000;

const details = (token?: string) =>
  fixture.call(
    'GET',
    '/hubspot/account-info/2026-09/details',
    undefined,
    token === undefined ? {} : { authorization: `Bearer ${token}` },
  );

test('the account tells about itself', async () => {
  expect(await details('access-token')).toMatchObject({
    status: 200,
    body: { portalId: 24_111_972, timeZone: 'Asia/Kolkata' },
  });
});

test('every path of the vendor needs the token', async () => {
  for (const token of [undefined, '', 'wrong']) {
    expect(await details(token)).toMatchObject({
      status: 401,
      body: { status: 'error', category: 'INVALID_AUTHENTICATION' },
    });
  }
  expect(await fixture.call('GET', '/hubspot/nowhere')).toMatchObject({ status: 401 });
});

test('the token expires and comes back, or is replaced', async () => {
  await fixture.call('PUT', '/hubspot/token', { expired: true });
  expect(await details('access-token')).toMatchObject({
    status: 401,
    body: { category: 'EXPIRED_AUTHENTICATION' },
  });
  await fixture.call('PUT', '/hubspot/token', { expired: false, accessToken: 'next' });
  expect(await details('access-token')).toMatchObject({
    status: 401,
    body: { category: 'INVALID_AUTHENTICATION' },
  });
  expect(await details('next')).toMatchObject({ status: 200 });
});

test('110 calls in any interval, ten seconds, then a 429 until the first of them is as old', async () => {
  const first = await details('access-token');
  expect(Object.fromEntries(first.headers)).toMatchObject({
    'x-hubspot-ratelimit-max': '110',
    'x-hubspot-ratelimit-remaining': '109',
    'x-hubspot-ratelimit-interval-milliseconds': '10000',
  });
  // Of a day instead of ten seconds, so that no machine is too slow for it.
  await fixture.call('PUT', '/hubspot/rules', { rateLimitIntervalMs: 24 * hour });
  await fixture.call('PUT', '/clock', { advanceMs: 23 * hour });
  for (let calls = 1; calls < 110; calls += 1) await details('access-token');
  const refused = await details('access-token');
  expect(refused).toMatchObject({
    status: 429,
    body: { errorType: 'RATE_LIMIT', policyName: 'TEN_SECONDLY_ROLLING' },
  });
  expect(refused.headers.get('x-hubspot-ratelimit-remaining')).toBe('0');
  await fixture.call('PUT', '/clock', { advanceMs: hour });
  expect(await details('access-token')).toMatchObject({ status: 200 });
  expect(await details('access-token')).toMatchObject({ status: 429 });
});

test('rule rateLimitMax: another limit, or none', async () => {
  await fixture.call('PUT', '/hubspot/rules', { rateLimitMax: 1 });
  await details('access-token');
  expect(await details('access-token')).toMatchObject({ status: 429 });
  await fixture.call('PUT', '/hubspot/rules', { rateLimitMax: 0 });
  const free = await details('access-token');
  expect(free.status).toBe(200);
  expect(free.headers.has('x-hubspot-ratelimit-max')).toBe(false);
});

test('changing one rule leaves the others as they were, and an unknown one is refused', async () => {
  await fixture.call('PUT', '/hubspot/rules', { rateLimitMax: 7 });
  expect((await fixture.call('PUT', '/hubspot/rules', { duplicateInputs: 'merged' })).body).toMatchObject({
    rateLimitMax: 7,
    duplicateInputs: 'merged',
  });
  expect(await fixture.call('PUT', '/hubspot/rules', { rateLimit: 7 })).toMatchObject({ status: 400 });
});

test('rules can be given at the start; a wrong one stops it', async () => {
  const other = await startSandboxFixture({ rules: { hubspot: { rateLimitMax: 1 } } });
  await other.hubspot('GET', '/account-info/2026-03/details');
  expect(await other.hubspot('GET', '/account-info/2026-03/details')).toMatchObject({ status: 429 });
  await other.stop();
  await expect(startSandboxFixture({ rules: { hubspot: { rateLimitMax: -1 } } })).rejects.toThrow(
    'rateLimitMax',
  );
});

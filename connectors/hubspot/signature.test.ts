import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { CrmRequest } from '../shared/crm.ts';
import { type SignatureVersion, verifyHubspotSignature } from './signature.ts';

/** Published vectors, docs/vendors/hubspot.md §3.1. */
const secret = 'f6e94c08-85d0-4608-bcc6-e1850176e7b8';
const at = 1_632_188_626_483;

const v3 = (signature: string, more: Partial<CrmRequest> = {}, timestamp = String(at)): CrmRequest => ({
  method: 'POST',
  url: 'https://www.hubspot.com/webhook',
  body: Buffer.from('REQUEST_BODY'),
  headers: { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': timestamp },
  ...more,
});
const published = v3('jf872r5vscVcxCiDRHA4rGrqe/8BPLNVkdJSHdMnGTU=');
const verify = (request: CrmRequest, now = at, secrets = [secret]): boolean =>
  verifyHubspotSignature(request, secrets, ['v3'], now);

const sign = (url: string, body = ''): string =>
  createHmac('sha256', secret).update(`POST${url}${body}${at}`).digest('base64');

describe('version 3', () => {
  test('of a body, of none, and of a query', () => {
    expect(verify(published)).toBe(true);
    const empty = { body: Buffer.alloc(0) };
    expect(verify(v3('csXgk7UbrE9F8ZmMvbpuKBxqIvTSqU1EX9pI/SJtxSE=', empty))).toBe(true);
    const get = { method: 'GET', url: 'https://hubspot.com/?appId=1&portalId=2&userId=3', ...empty };
    const request = v3('zTfXjo07jfzGouo4wvyAj3qEMUTVJ0PPYPACrluQtQI=', get, '1111111111');
    expect(verify(request, 1_111_111_111, ['12345678-aaaa-bbbb-cccc-ddddeeeeffff'])).toBe(true);
  });

  test.each([
    ['of the secret before', [`not ${secret}`, secret], true],
    ['of another secret', [`not ${secret}`], false],
    ['without any secret', [], false],
    ['with an empty secret', [''], false],
  ])('%s', (_, secrets, valid) => {
    expect(verify(published, at, secrets)).toBe(valid);
  });

  test('an empty secret signs nothing', () => {
    const forged = createHmac('sha256', '').update(`POST${published.url}REQUEST_BODY${at}`).digest('base64');
    expect(verify(v3(forged), at, [''])).toBe(false);
  });

  test.each([
    ['five minutes old', at + 300_000, true],
    ['older', at + 300_001, false],
    ['five minutes ahead', at - 300_000, true],
    ['further ahead', at - 300_001, false],
    ['at no time', NaN, false],
  ])('%s', (_, now, valid) => {
    expect(verify(published, now)).toBe(valid);
  });

  test.each([
    ['method', { method: 'PUT' }],
    ['address', { url: 'https://www.hubspot.com/webhook/' }],
    ['scheme', { url: 'http://www.hubspot.com/webhook' }],
    ['body', { body: Buffer.from('REQUEST_BODY ') }],
  ])('another %s', (_, more) => {
    expect(verify({ ...published, ...more })).toBe(false);
  });

  test.each([
    ['a signature cut short', { 'x-hubspot-signature-v3': 'jf872r5vscVcxCiDRHA4' }],
    [
      'a signature with more after it',
      { 'x-hubspot-signature-v3': 'jf872r5vscVcxCiDRHA4rGrqe/8BPLNVkdJSHdMnGTU= ' },
    ],
    ['an empty signature', { 'x-hubspot-signature-v3': '' }],
    ['two signatures', { 'x-hubspot-signature-v3': ['a', 'b'] as unknown as string }],
    ['no time', { 'x-hubspot-request-timestamp': undefined }],
    ['a time that is none', { 'x-hubspot-request-timestamp': `${at}.0` }],
    ['a time in words', { 'x-hubspot-request-timestamp': 'now' }],
  ])('%s', (_, headers) => {
    expect(verify({ ...published, headers: { ...published.headers, ...headers } })).toBe(false);
  });

  test('is over the address with the sequences of HubSpot’s table decoded', () => {
    const url = 'https://a.example/x?userEmail=asha%40a.example&u=https%3A%2f%2Fb%3F&q=a%20b%2Bc';
    const hashed = 'https://a.example/x?userEmail=asha@a.example&u=https://b?&q=a%20b%2Bc';
    const body = Buffer.alloc(0);
    expect(verify(v3(sign(hashed), { url, body }))).toBe(true);
    expect(verify(v3(sign(url), { url, body }))).toBe(true);
    expect(verify(v3(sign(decodeURIComponent(url)), { url, body }))).toBe(false);
  });

  // docs/vendors/hubspot.md §3.1: these twelve, in either case.
  test.each(
    Object.entries({
      '%3A': ':',
      '%2F': '/',
      '%3F': '?',
      '%40': '@',
      '%21': '!',
      '%24': '$',
      '%27': "'",
      '%28': '(',
      '%29': ')',
      '%2A': '*',
      '%2C': ',',
      '%3B': ';',
    }),
  )('decodes %s', (sequence, character) => {
    const body = Buffer.alloc(0);
    for (const sent of [sequence, sequence.toLowerCase()]) {
      const request = v3(sign(`https://a.example/x?q=${character}`), {
        url: `https://a.example/x?q=${sent}`,
        body,
      });
      expect(verify(request), sent).toBe(true);
    }
  });
});

describe('version 2', () => {
  const signature = '57bb01a6e6ac92919b5e715d68f40265328701bbf1cf3fd73772887069945766';
  const request: CrmRequest = {
    ...published,
    headers: { 'x-hubspot-signature': signature, 'x-hubspot-signature-version': 'v2' },
  };
  const allowing = (allow: readonly SignatureVersion[], given = request): boolean =>
    verifyHubspotSignature(given, [secret], allow, at);

  test('is taken only where it is allowed', () => {
    expect(allowing(['v3', 'v2'])).toBe(true);
    expect(allowing(['v3'])).toBe(false);
    expect(allowing([])).toBe(false);
  });

  test('of another body, or of another version, is refused', () => {
    expect(allowing(['v2'], { ...request, body: Buffer.from('x') })).toBe(false);
    const v1 = { ...request.headers, 'x-hubspot-signature-version': 'v1' };
    expect(allowing(['v2'], { ...request, headers: v1 })).toBe(false);
    expect(allowing(['v2'], { ...request, headers: { 'x-hubspot-signature': signature } })).toBe(false);
  });

  test('does not help a request whose version 3 is wrong', () => {
    const headers = { ...request.headers, 'x-hubspot-signature-v3': 'wrong' };
    expect(allowing(['v3', 'v2'], { ...request, headers })).toBe(false);
  });

  test('nothing signed is nothing', () => {
    expect(allowing(['v3', 'v2'], { ...request, headers: {} })).toBe(false);
  });
});

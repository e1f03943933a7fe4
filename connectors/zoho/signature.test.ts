import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { zoho } from './index.ts';
import { watchTokenOf } from './watch-token.ts';

const secret = 'secret-of-this-address';
const at = 1_795_000_000_000;
const body = JSON.stringify({ module: 'Leads', id: '6000000000000123001', event: 'edit', at: String(at) });
const watched = (token: string): string =>
  JSON.stringify({
    module: 'Leads',
    operation: 'update',
    server_time: at,
    ids: ['6000000000000123001'],
    token,
  });

type Headers = Readonly<Record<string, string | undefined>>;

const sign = (text: string, key = secret, timestamp = String(at)): string =>
  createHmac('sha256', key).update(`${timestamp}.${text}`).digest('hex');
const signed = (more: Headers = {}): Headers => ({
  'x-sangam-timestamp': String(at),
  'x-sangam-signature': sign(body),
  ...more,
});

/** As the service asks: by the headers before the body is read, and by all of it then. */
function taken(headers: Headers, { text = body, now = at, secrets = [secret] } = {}): boolean {
  const { webhooks } = zoho;
  const request = { method: 'POST', url: 'https://a.example/', headers, body: Buffer.from(text) };
  return webhooks.maySign(headers, now) && webhooks.verify(request, secrets, now);
}

describe('a function signs', () => {
  test('this body at this time', () => {
    expect(taken(signed())).toBe(true);
    expect(taken(signed(), { text: `${body} ` })).toBe(false);
    expect(taken(signed({ 'x-sangam-timestamp': String(at + 1) }))).toBe(false);
    expect(taken(signed({ 'x-sangam-signature': sign(body, 'another secret') }))).toBe(false);
  });

  test('over the bytes as they came', () => {
    const text = '{"module":"Leads","fields":{"Last_Name":"Ásha \\"R\\" 😀"}}';
    expect(taken(signed({ 'x-sangam-signature': sign(text) }), { text })).toBe(true);
  });

  test.each([
    ['of the secret before', ['another secret', secret], true],
    ['of another secret', ['another secret'], false],
    ['without any', [], false],
  ])('%s', (_, secrets, valid) => {
    expect(taken(signed(), { secrets })).toBe(valid);
  });

  test('an empty secret signs nothing', () => {
    expect(taken(signed({ 'x-sangam-signature': sign(body, '') }), { secrets: [''] })).toBe(false);
  });

  test.each([
    ['five minutes old', at + 300_000, true],
    ['older', at + 300_001, false],
    ['five minutes ahead', at - 300_000, true],
    ['further ahead', at - 300_001, false],
    ['at no time', NaN, false],
  ])('%s', (_, now, valid) => {
    expect(taken(signed(), { now })).toBe(valid);
    // What `maySign` lets pass is judged again.
    const request = {
      method: 'POST',
      url: 'https://a.example/',
      headers: signed(),
      body: Buffer.from(body),
    };
    expect(zoho.webhooks.verify(request, [secret], now)).toBe(valid);
  });

  test.each<[string, Headers]>([
    ['in capitals', { 'x-sangam-signature': sign(body).toUpperCase() }],
    ['cut short', { 'x-sangam-signature': sign(body).slice(0, 63) }],
    ['with more after it', { 'x-sangam-signature': `${sign(body)}0` }],
    ['twice', { 'x-sangam-signature': `${sign(body)}, ${sign(body)}` }],
    ['in a list', { 'x-sangam-signature': [sign(body), sign(body)] as unknown as string }],
    ['empty', { 'x-sangam-signature': '' }],
    ['not at all', { 'x-sangam-signature': undefined }],
    ['without a time', { 'x-sangam-timestamp': undefined }],
    ['at two times', { 'x-sangam-timestamp': `${at}, ${at}` }],
    ['at a time in seconds', { 'x-sangam-timestamp': String(at / 1000) }],
    ['at a time in words', { 'x-sangam-timestamp': new Date(at).toISOString() }],
  ])('a signature %s is none, before the body is read', (_, more) => {
    expect(taken(signed(more))).toBe(false);
    expect(zoho.webhooks.maySign(signed(more), at)).toBe(false);
  });

  test('in base64 is none', () => {
    const inBase64 = createHmac('sha256', secret).update(`${at}.${body}`).digest('base64');
    expect(taken(signed({ 'x-sangam-signature': inBase64 }))).toBe(false);
  });
});

describe('a webhook shows the secret', () => {
  test.each<[string, Headers, boolean]>([
    ['this', { 'x-sangam-secret': secret }, true],
    ['another', { 'x-sangam-secret': 'another' }, false],
    ['in other letters', { 'x-sangam-secret': secret.toUpperCase() }, false],
    ['the beginning of it', { 'x-sangam-secret': secret.slice(0, -1) }, false],
    ['twice', { 'x-sangam-secret': `${secret}, ${secret}` }, false],
    ['in a list', { 'x-sangam-secret': [secret, secret] as unknown as string }, false],
    ['empty', { 'x-sangam-secret': '' }, false],
  ])('%s', (_, headers, valid) => {
    expect(taken(headers)).toBe(valid);
  });

  test('an empty one is none', () => {
    expect(taken({ 'x-sangam-secret': '' }, { secrets: [''] })).toBe(false);
  });
});

describe('a watch has its token in the body', () => {
  test.each([
    [watchTokenOf(secret), true],
    [watchTokenOf('another'), false],
    [secret, false],
    ['', false],
  ])('%s', (token, valid) => {
    expect(taken({}, { text: watched(token) })).toBe(valid);
  });

  test('a body without a token is nobody’s', () => {
    expect(taken({})).toBe(false);
  });
});

test('what claims to be signed is judged by its signature alone', () => {
  const right = { 'x-sangam-secret': secret };
  const wrong = signed({ 'x-sangam-signature': sign(body, 'another secret') });
  expect(taken({ ...wrong, ...right }, { text: watched(watchTokenOf(secret)) })).toBe(false);
  expect(taken({ ...right, 'x-sangam-timestamp': String(at) })).toBe(false);
  expect(taken({ 'x-sangam-secret': 'another' }, { text: watched(watchTokenOf(secret)) })).toBe(false);
});

import type { IncomingMessage, ServerResponse } from 'node:http';
import { SangamError } from '@sangam/core/errors';
import { describe, expect, test } from 'vitest';
import { bodyOf, serve } from '../shared/test-server.ts';
import { openCloudApi } from './cloud-api.ts';
import { messageOf } from './test-channel.ts';

/** What the driver makes of Meta's answers, sound and odd. What Meta does with its requests: cloud-sandbox.test.ts. */

const accessToken = 'EAAtokenOfNobody';
const text = messageOf({ type: 'text', text: 'Hello' }, { opaque: 'send-1' });

async function channel(
  answer: (response: ServerResponse, request: IncomingMessage) => unknown,
  { token = accessToken, path = '' } = {},
) {
  const asked: { url: string | undefined; body: string; authorization: string | undefined }[] = [];
  const url = await serve(async (request, response) => {
    asked.push({
      url: request.url,
      body: await bodyOf(request),
      authorization: request.headers.authorization,
    });
    await answer(response, request);
  });
  const access = { version: 'v26.0', phoneNumberId: '7', wabaId: '42', accessToken: token };
  return { asked, url, provider: openCloudApi({ basePath: `${url}${path}`, ...access }) };
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void => {
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  };
const graphError = (code: number, more: object = {}): object => ({
  error: { message: `(#${String(code)}) Oh`, type: 'OAuthException', code, fbtrace_id: 'A1', ...more },
});
const taken = (more: object = {}): object => ({
  messaging_product: 'whatsapp',
  contacts: [{ input: '919812345678', wa_id: '919812345678' }],
  messages: [{ id: 'wamid.1', ...more }],
});

async function failure(work: Promise<unknown>): Promise<SangamError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SangamError)) throw new Error('A SangamError was expected.', { cause: error });
  expect(`${error.message} ${String(error.cause)}`).not.toContain(accessToken);
  return error;
}

describe('a send', () => {
  test('is one request, with its token in no address', async () => {
    const { asked, provider } = await channel(json(200, taken()));
    expect(await provider.send(text)).toEqual({ outcome: 'accepted', wamid: 'wamid.1', held: false });
    expect(asked).toMatchObject([{ url: '/v26.0/7/messages', authorization: `Bearer ${accessToken}` }]);
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      messaging_product: 'whatsapp',
      recipient_type: 'individual',
      to: '919812345678',
      type: 'text',
      text: { body: 'Hello' },
      biz_opaque_callback_data: 'send-1',
    });
  });

  test.each([
    ['taken in', 200, taken({ message_status: 'accepted' }), { held: false }],
    ['held', 200, taken({ message_status: 'held_for_quality_assessment' }), { held: true }],
    ['taken in whatever else is said', 201, { ...taken(), ...graphError(1) }, { held: false }],
  ])('is %s', async (_name, status, body, expected) => {
    const { provider } = await channel(json(status, body));
    expect(await provider.send(text)).toMatchObject({ outcome: 'accepted', wamid: 'wamid.1', ...expected });
  });

  test.each([
    [400, 131_047],
    [404, 132_001],
    [200, 131_000],
    [500, 131_000],
    [503, 2],
  ])('is refused by Graph’s own form, whatever the status: %i, code %i', async (status, code) => {
    const details = { messaging_product: 'whatsapp', details: 'More than 24 hours' };
    const { provider } = await channel(
      json(status, graphError(code, { error_subcode: 33, error_data: details })),
    );
    expect(await provider.send(text)).toEqual({
      outcome: 'refused',
      error: { code, subcode: 33, details: 'More than 24 hours' },
    });
  });

  test.each<[string, ReturnType<typeof json>]>([
    ['a page in place of an answer', json(200, '<html>hello</html>')],
    ['an answer without a message', json(200, { messaging_product: 'whatsapp', messages: [] })],
    ['an outage', json(503, '<html>busy</html>')],
    ['somebody else’s error', json(502, { error: { code: 502, message: 'Bad gateway' } })],
    ['a refusal of nobody’s', json(403, 'no')],
    ['a redirect', json(302, '', { location: 'http://127.0.0.1:1/' })],
    ['an answer cut short', (response) => response.writeHead(200, { 'content-length': '9' }).write('{')],
    ['an answer that is far too long', json(200, 'x'.repeat(2 * 1024 * 1024))],
    ['a connection cut', (response) => response.destroy()],
  ])('nobody knows of after %s', async (name, answer) => {
    const { asked, provider } = await channel((response) => {
      answer(response);
      if (name === 'an answer cut short') response.destroy();
    });
    const outcome = await provider.send(text);
    expect(outcome).toMatchObject({ outcome: 'unknown' });
    expect(JSON.stringify(outcome)).not.toContain(accessToken);
    expect(asked).toHaveLength(1);
  });

  test('that found nobody was never made: it may be made again', async () => {
    const access = { version: 'v26.0', phoneNumberId: '7', wabaId: '42', accessToken };
    const provider = openCloudApi({ basePath: 'http://nobody.invalid', ...access });
    expect(await provider.send(text)).toMatchObject({ outcome: 'refused', error: { code: 2 } });
  });

  test('that is late to begin is not written, on a new connection and on one that stands', async () => {
    const { asked, provider } = await channel(json(200, taken()));
    const late = { ...text, beginBy: performance.now() - 1 };
    expect(await provider.send(late)).toMatchObject({ outcome: 'refused', error: { code: 2 } });
    const early = { ...text, beginBy: performance.now() + 60_000 };
    expect(await provider.send(early)).toMatchObject({ outcome: 'accepted' });
    expect(await provider.send(late)).toMatchObject({ outcome: 'refused', error: { code: 2 } });
    expect(asked).toHaveLength(1);
  });

  test('with a token that can be none is not made', async () => {
    const { asked, provider } = await channel(json(200, taken()), { token: 'EAA\nx' });
    expect(await provider.send(text)).toMatchObject({ outcome: 'refused', error: { code: 190 } });
    expect(asked).toEqual([]);
  });

  test('of a medium that is not at WhatsApp is not made', async () => {
    const { asked, provider } = await channel(json(200, taken()));
    const mediaId = crypto.randomUUID();
    const image = messageOf({ type: 'image', media: { mediaId } });
    expect(await provider.send(image)).toMatchObject({ outcome: 'refused', error: { code: 131_053 } });
    expect(asked).toEqual([]);
  });

  test.each([
    [{ 'retry-after': '120' }, 120_000],
    [{ 'x-business-use-case-usage': '{"42":[{"estimated_time_to_regain_access":3},{"type":"x"}]}' }, 180_000],
    [{ 'retry-after': '9999999' }, 86_400_000],
    [{ 'x-business-use-case-usage': '{"42":' }, undefined],
    [{ 'x-business-use-case-usage': '{"42":[{"estimated_time_to_regain_access":0}]}' }, undefined],
  ])('learns how long to stay away: %j', async (headers, afterMs) => {
    const { provider } = await channel(json(400, graphError(80_007), headers));
    expect(await provider.send(text)).toEqual({
      outcome: 'refused',
      error: { code: 80_007, details: '(#80007) Oh', ...(afterMs === undefined ? {} : { afterMs }) },
    });
  });

  test.each<[string, object, string?]>([
    ['its token', graphError(190, { message: `Malformed access token ${accessToken}` })],
    ['a part of one', graphError(190, { message: 'Malformed access token EAAother1' })],
    [
      'another kind of token',
      graphError(190, { error_data: { details: 'token-of-nobody ended' } }),
      'token-of-nobody',
    ],
  ])('tells nothing that holds %s', async (_name, body, token = accessToken) => {
    const { provider } = await channel(json(401, body), { token });
    expect(await provider.send(text)).toEqual({ outcome: 'refused', error: { code: 190 } });
  });

  test('tells words any database holds', async () => {
    const { provider } = await channel(
      json(400, `{"error":{"message":"a\\u0000b\\ud800","type":"T","code":1,"error_subcode":"odd"}}`),
    );
    expect(await provider.send(text)).toEqual({
      outcome: 'refused',
      error: { code: 1, details: 'ab\ufffd' },
    });
  });
});

describe('anything else', () => {
  test.each<[number, unknown, string, unknown, Record<string, string>?]>([
    [401, graphError(190), 'token_refused', 'never'],
    [403, graphError(200), 'permission_missing', 'never'],
    [400, graphError(100, { error_user_msg: 'The name is taken' }), 'whatsapp_refused', 'never'],
    [400, graphError(80_007), 'whatsapp_unavailable', { afterMs: 60_000 }, { 'retry-after': '60' }],
    [500, graphError(2), 'whatsapp_unavailable', 'later'],
    [502, '<html>busy</html>', 'whatsapp_unavailable', 'later'],
    [200, '<html>hello</html>', 'unreadable_answer', 'later'],
  ])('%i %j throws %s', async (status, body, code, retry, headers) => {
    const { provider } = await channel(json(status, body, headers));
    const medium = { mimeType: 'image/png', filename: 'a.png', bytes: new Uint8Array(1) };
    const draft = {
      name: 'a',
      language: 'en',
      category: 'utility',
      body: 'a',
      bodyExamples: [],
      buttons: [],
    } as const;
    for (const work of [provider.templates(), provider.submitTemplate(draft), provider.uploadMedia(medium)]) {
      const error = await failure(work);
      expect(error).toMatchObject({ code, retry, origin: 'whatsapp' });
      if (code === 'whatsapp_refused') expect(error.message).toContain('The name is taken');
    }
  });

  test('a mark as read that is refused says why', async () => {
    const { provider } = await channel(json(400, graphError(100)));
    expect(await failure(provider.markRead('wamid.1', false))).toMatchObject({ code: 'whatsapp_refused' });
  });
});

describe('templates', () => {
  const one = (name: string): object => ({ id: name, name, language: 'en', components: [] });

  test('are read page by page, to the end and no further', async () => {
    const pages = [
      {
        data: [one('a'), { odd: true }],
        paging: { cursors: { after: 'b' }, next: 'https://graph.example/' },
      },
      { data: Array.from({ length: 100 }, () => one('b')), paging: { cursors: { after: 'c' } } },
      { data: [] },
    ];
    let page = 0;
    const { asked, provider } = await channel((response) => json(200, pages[page++])(response));
    expect((await provider.templates()).map(({ name }) => name)).toEqual(['a', ...Array(100).fill('b')]);
    expect(asked.map(({ url }) => new URL(url ?? '', 'http://x').searchParams.get('after'))).toEqual([
      null,
      'b',
      'c',
    ]);
  });

  test('of a name are those of no other', async () => {
    const { asked, provider } = await channel(json(200, { data: [one('order'), one('order_update')] }));
    expect((await provider.templates('order')).map(({ name }) => name)).toEqual(['order']);
    expect(asked[0]?.url).toContain('name=order');
  });

  test('without an end are not taken for all', async () => {
    const { asked, provider } = await channel(
      json(200, { data: [one('a')], paging: { cursors: { after: 'more' }, next: 'https://graph.example/' } }),
    );
    expect(await failure(provider.templates())).toMatchObject({ code: 'incomplete_answer', retry: 'later' });
    expect(asked).toHaveLength(100);
  });
});

describe('a medium', () => {
  const described = (url: string): object => ({
    url,
    mime_type: 'image/png',
    sha256: '00',
    file_size: 3,
    id: '9',
  });

  /** A WhatsApp that says where its medium is, and what it answers there. */
  async function keeper(urlOf: (base: string) => string, bytes: ReturnType<typeof json>, path = '/sandbox') {
    let base = '';
    const made = await channel(
      (response, request) => {
        if (request.url?.includes('/v26.0/9') === true) json(200, described(urlOf(base)))(response);
        else bytes(response);
      },
      { path },
    );
    base = made.url;
    return made;
  }

  test('is fetched where it lies, with the token', async () => {
    const { asked, provider } = await keeper((base) => `${base}/sandbox/bytes`, json(200, 'abc'));
    const hash = Buffer.alloc(32, 7);
    expect(await provider.fetchMedia('9', 3)).toEqual({
      mimeType: 'image/png',
      bytes: Buffer.from('abc'),
      sha256: undefined,
    });
    expect(asked).toMatchObject([
      { url: '/sandbox/v26.0/9?phone_number_id=7', authorization: `Bearer ${accessToken}` },
      { url: '/sandbox/bytes', authorization: `Bearer ${accessToken}` },
    ]);
    for (const sha256 of [hash.toString('hex').toUpperCase(), hash.toString('base64')]) {
      const other = await channel((response, request) => {
        const at = `http://${request.headers.host ?? ''}/bytes`;
        json(200, request.url === '/bytes' ? 'abc' : { ...described(at), sha256 })(response);
      });
      expect(await other.provider.fetchMedia('9', 99)).toMatchObject({ sha256: hash.toString('hex') });
    }
  });

  test.each([
    'https://attacker.example/a',
    'http://127.0.0.1:1/a',
    'https://lookaside.fbsbx.com/a',
    'nowhere',
  ])('is not fetched elsewhere: %s', async (url) => {
    const { asked, provider } = await keeper(() => url, json(200, 'abc'));
    expect(await failure(provider.fetchMedia('9', 99))).toMatchObject({
      code: 'whatsapp_refused',
      retry: 'never',
    });
    expect(asked).toHaveLength(1);
  });

  test('beside our own path is not fetched', async () => {
    const { asked, provider } = await keeper((base) => `${base}/sandbox-of-others/a`, json(200, 'abc'));
    expect(await failure(provider.fetchMedia('9', 99))).toMatchObject({ code: 'whatsapp_refused' });
    expect(asked).toHaveLength(1);
  });

  test.each<[string, ReturnType<typeof json>, object]>([
    ['too large', json(200, 'x'.repeat(100)), { code: 'media_too_large', retry: 'never' }],
    ['gone', json(404, 'URL signature expired'), { code: 'media_gone', retry: 'never' }],
    ['not to be had now', json(503, 'busy'), { code: 'whatsapp_unavailable', retry: 'later' }],
    ['refused with the token', json(401, graphError(190)), { code: 'token_refused', retry: 'never' }],
  ])('is %s', async (_name, bytes, expected) => {
    const { provider } = await keeper((base) => `${base}/sandbox/bytes`, bytes);
    expect(await failure(provider.fetchMedia('9', 99))).toMatchObject(expected);
  });

  test('nobody knows is gone', async () => {
    const { provider } = await channel(json(400, graphError(100, { error_subcode: 33 })));
    expect(await failure(provider.fetchMedia('9', 99))).toMatchObject({ code: 'media_gone' });
  });
});

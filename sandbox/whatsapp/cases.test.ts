import { describe, expect, test, vi } from 'vitest';
import { accessToken, phoneNumberId } from '../testing/sandbox-fixture.ts';
import { codeOf, openWhatsapp, wamidOf, type WhatsappFixture } from '../testing/whatsapp-fixture.ts';
import { graphCodes } from './graph-codes.ts';

const hello = { text: { body: 'Hello' }, biz_opaque_callback_data: 'opaque-1' };
const put = async (whatsapp: WhatsappFixture, one: object) =>
  expect((await whatsapp.control('PUT', '/cases', one)).status).toBe(200);
const open = async () => {
  const whatsapp = await openWhatsapp();
  await whatsapp.write({ userId: 'IN.1' });
  await whatsapp.write({ from: '2' });
  return whatsapp;
};
const offer = (whatsapp: WhatsappFixture, more: object = {}) =>
  whatsapp.sendTemplate(
    'festival_offer',
    [
      { type: 'header', parameters: [{ type: 'text', text: 'Diwali' }] },
      { type: 'body', parameters: ['Asha', '20 %'].map((text) => ({ type: 'text', text })) },
      {
        type: 'button',
        sub_type: 'copy_code',
        index: 0,
        parameters: [{ type: 'coupon_code', coupon_code: 'D20' }],
      },
    ],
    { biz_opaque_callback_data: 'opaque-1', ...more },
  );
const outgoing = async (whatsapp: WhatsappFixture) =>
  (await whatsapp.seen()).results.filter(({ direction }) => direction === 'out');
/** A marketing template outside the window meets every one of them. */
const codes = [...graphCodes.keys()];

test.each(codes)('%i at once: nothing is accepted', async (code) => {
  const whatsapp = await openWhatsapp();
  await put(whatsapp, { code });
  const reply = await offer(whatsapp);
  expect(reply).toMatchObject({
    status: graphCodes.get(code)?.status,
    body: { error: { code, type: 'OAuthException' } },
  });
  expect(await outgoing(whatsapp)).toEqual([]);
  expect(await whatsapp.statuses()).toEqual([]);
  expect(await whatsapp.changes()).toEqual([]);
});

test.each(codes)('%i by status: accepted, then failed, and nothing else', async (code) => {
  const whatsapp = await openWhatsapp();
  await put(whatsapp, { code, when: 'by status' });
  const reply = await offer(whatsapp);
  expect(reply.status).toBe(200);
  expect(await whatsapp.statuses()).toMatchObject([
    {
      id: wamidOf(reply),
      status: 'failed',
      biz_opaque_callback_data: 'opaque-1',
      errors: [
        { code, title: expect.any(String) as string, error_data: { details: expect.any(String) as string } },
      ],
    },
  ]);
  expect(await whatsapp.changes()).toHaveLength(1);
});

test('never: accepted, and nothing is heard of it', async () => {
  const whatsapp = await open();
  await put(whatsapp, { phone: '+1', when: 'never' });
  expect((await whatsapp.send(hello)).status).toBe(200);
  expect(await whatsapp.statuses()).toEqual([]);
  expect(await outgoing(whatsapp)).toMatchObject([{ status: 'accepted' }]);
});

describe('happens', () => {
  test('to one person, by phone or user id, however they are written to; one’s own goes before everybody’s', async () => {
    const whatsapp = await open();
    await put(whatsapp, { code: 131_000 });
    await put(whatsapp, { phone: '+1', code: 131_016 });
    expect(codeOf(await whatsapp.send(hello))).toBe(131_016);
    expect(codeOf(await whatsapp.send({ ...hello, recipient: 'IN.1' }))).toBe(131_016);
    expect(codeOf(await whatsapp.send({ ...hello, to: '2' }))).toBe(131_000);
    await put(whatsapp, { userId: 'IN.1', code: 131_057, times: 1 });
    await put(whatsapp, { phone: '+1', code: 131_016, times: 0 });
    expect(codeOf(await whatsapp.send(hello))).toBe(131_057);
    expect(codeOf(await whatsapp.send(hello))).toBe(131_000);
    await whatsapp.control('DELETE', '/cases');
    expect((await whatsapp.send(hello)).status).toBe(200);
  });

  test('so many times, and to these templates alone', async () => {
    const whatsapp = await open();
    await put(whatsapp, { code: 132_007, times: 2, templates: ['welcome'] });
    expect((await whatsapp.send(hello)).status).toBe(200);
    expect((await offer(whatsapp)).status).toBe(200);
    const sent = [];
    for (let times = 0; times < 3; times += 1) sent.push(codeOf(await whatsapp.sendTemplate('welcome')));
    expect(sent).toEqual([132_007, 132_007, undefined]);
    expect((await whatsapp.control('GET', '/cases')).body).toMatchObject({
      results: [{ code: 132_007, left: 0 }],
    });
  });

  test.each([131_049, 130_472, 131_050, 131_063])('%i to marketing templates alone', async (code) => {
    const whatsapp = await openWhatsapp();
    await put(whatsapp, { code });
    expect((await whatsapp.sendTemplate('welcome')).status).toBe(200);
    expect(codeOf(await offer(whatsapp))).toBe(code);
  });

  test.each([131_049, 130_472])('%i not while the window is open', async (code) => {
    const whatsapp = await openWhatsapp();
    await put(whatsapp, { code });
    expect(codeOf(await offer(whatsapp))).toBe(code);
    await whatsapp.write({});
    expect((await offer(whatsapp)).status).toBe(200);
  });

  test('130472 not in a free entry point either, 131049 does', async () => {
    const whatsapp = await openWhatsapp();
    await whatsapp.write({ referral: { source_type: 'ad', source_id: '1' } });
    await whatsapp.send(hello);
    await whatsapp.call('PUT', '/clock', { advanceMs: 30 * 3_600_000 });
    await put(whatsapp, { code: 130_472 });
    expect((await offer(whatsapp)).status).toBe(200);
    await put(whatsapp, { code: 131_049 });
    expect(codeOf(await offer(whatsapp))).toBe(131_049);
  });

  test('131063 not on the Marketing Messages API', async () => {
    const whatsapp = await openWhatsapp();
    await put(whatsapp, { code: 131_063 });
    expect(codeOf(await offer(whatsapp))).toBe(131_063);
    const template = {
      name: 'festival_offer',
      language: { code: 'hi' },
      components: [
        {
          type: 'body',
          parameters: [
            { type: 'text', text: 'A' },
            { type: 'text', text: '2' },
          ],
        },
      ],
    };
    expect((await whatsapp.send({ type: 'template', template }, 'marketing_messages')).status).toBe(200);
  });
});

describe('held_for_quality_assessment', () => {
  const hold = async () => {
    const whatsapp = await open();
    await put(whatsapp, { held: true, templates: ['welcome'] });
    const reply = await whatsapp.sendTemplate('welcome', [], { biz_opaque_callback_data: 'opaque-1' });
    expect(reply.body).toMatchObject({ messages: [{ message_status: 'held_for_quality_assessment' }] });
    expect(await whatsapp.statuses()).toEqual([]);
    expect((await whatsapp.control('GET', '/held')).body).toEqual({ results: [wamidOf(reply)] });
    return { whatsapp, wamid: wamidOf(reply) };
  };

  test('and released is delivered', async () => {
    const { whatsapp, wamid } = await hold();
    expect((await whatsapp.control('POST', '/held', { wamid, outcome: 'released' })).body).toEqual({
      settled: [wamid],
    });
    const statuses = await whatsapp.statuses();
    expect(statuses.map(({ status }) => status).toSorted()).toEqual(['delivered', 'sent']);
    expect(statuses[0]).toMatchObject({
      id: wamid,
      biz_opaque_callback_data: 'opaque-1',
      pricing: { category: 'utility' },
    });
    expect((await whatsapp.control('POST', '/held', { outcome: 'dropped' })).body).toEqual({ settled: [] });
  });

  test('and dropped fails, or is never heard of again', async () => {
    const { whatsapp } = await hold();
    await whatsapp.control('POST', '/held', { outcome: 'dropped' });
    expect(await whatsapp.statuses()).toMatchObject([{ status: 'failed', errors: [{ code: 132_015 }] }]);
    const other = (await hold()).whatsapp;
    await other.rules({ heldDropTold: 'never' });
    await other.control('POST', '/held', { outcome: 'dropped' });
    expect(await other.statuses()).toEqual([]);
  });
});

describe('what goes wrong on the way', () => {
  test.each([
    [{ status: 503 }, 503, 2],
    [{ status: 500 }, 500, 1],
    [{ status: 200, code: 131_000 }, 200, 131_000],
    [{ status: 400, code: 131_057 }, 400, 131_057],
    [{ status: 500, code: 131_016 }, 500, 131_016],
  ])('%j: an error body of Graph, and nothing was accepted', async (one, status, code) => {
    const whatsapp = await open();
    await put(whatsapp, one);
    const reply = await whatsapp.send(hello);
    expect([reply.status, codeOf(reply)]).toEqual([status, code]);
    expect(reply.body).toMatchObject({ error: { is_transient: true } });
    expect(await outgoing(whatsapp)).toEqual([]);
  });

  const raw = (whatsapp: WhatsappFixture, signal?: AbortSignal) =>
    fetch(`http://127.0.0.1:${String(whatsapp.port)}/sandbox/whatsapp/v26.0/${phoneNumberId}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${accessToken}` },
      body: JSON.stringify({ messaging_product: 'whatsapp', to: '1', ...hello }),
      ...(signal === undefined ? {} : { signal }),
    });

  test('a page that is none of Graph’s', async () => {
    const whatsapp = await open();
    await put(whatsapp, { garbage: 'html', status: 502 });
    const reply = await raw(whatsapp);
    expect([reply.status, reply.headers.get('content-type')]).toEqual([502, 'text/html; charset=utf-8']);
    expect(await outgoing(whatsapp)).toEqual([]);
  });

  test.each([
    ['before', 0],
    ['after', 1],
  ])('cut %s it was taken in', async (dropConnection, taken) => {
    const whatsapp = await open();
    await put(whatsapp, { phone: '1', dropConnection });
    await expect(raw(whatsapp)).rejects.toThrow();
    expect(await outgoing(whatsapp)).toHaveLength(taken);
    const statuses = await whatsapp.statuses();
    expect(statuses).toHaveLength(2 * taken);
    for (const status of statuses) expect(status).toMatchObject({ biz_opaque_callback_data: 'opaque-1' });
  });

  test('no answer, with or without its having been taken in; later by the clock', async () => {
    const whatsapp = await open();
    const callsOf = async () => ((await whatsapp.control('GET', '/calls')).body as { total: number }).total;
    const gaveUp = async () => {
      const controller = new AbortController();
      const before = await callsOf();
      const asked = expect(raw(whatsapp, controller.signal)).rejects.toThrow();
      await vi.waitFor(async () => expect(await callsOf()).toBeGreaterThan(before));
      controller.abort();
      await asked;
    };
    await put(whatsapp, { hangMs: 60_000 });
    await gaveUp();
    expect(await outgoing(whatsapp)).toEqual([]);
    await put(whatsapp, { commitAfterMs: 60_000 });
    await expect(raw(whatsapp)).rejects.toThrow();
    expect(await outgoing(whatsapp)).toEqual([]);
    await whatsapp.call('PUT', '/clock', { advanceMs: 60_000 });
    expect(await outgoing(whatsapp)).toHaveLength(1);
  });

  test('faults meet every call, as of any vendor', async () => {
    const whatsapp = await open();
    await whatsapp.control('PUT', '/faults', { code: '131016', operation: 'POST /messages', times: 1 });
    expect((await whatsapp.graph('GET', `/${phoneNumberId}`)).status).toBe(200);
    expect(codeOf(await whatsapp.send(hello))).toBe(131_016);
    expect((await whatsapp.send(hello)).status).toBe(200);
    expect((await whatsapp.control('GET', '/calls')).body).toEqual({
      total: 3,
      byOperation: { 'GET /{number}': 1, 'POST /messages': 2 },
    });
  });
});

test.each<[string, object]>([
  ['a status without a code', { when: 'by status' }],
  ['a field that does not exist', { codes: 1 }],
  ['a code that is none', { code: 'many' }],
])('%s is refused', async (_, one) => {
  const whatsapp = await openWhatsapp();
  expect((await whatsapp.control('PUT', '/cases', one)).status).toBe(400);
});

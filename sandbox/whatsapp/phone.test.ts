import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { monotonicMs } from '../arrivals.ts';
import { codeOf, openWhatsapp, wamidOf, type WhatsappFixture } from '../testing/whatsapp-fixture.ts';

const hello = { text: { body: 'Hello' }, biz_opaque_callback_data: 'opaque-1' };
const offer = {
  type: 'template',
  template: {
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
  },
};

describe('what stands between a message and a person', () => {
  const prepared: [string, number, string, object, (whatsapp: WhatsappFixture) => Promise<unknown>][] = [
    [
      'a phone without WhatsApp',
      131_026,
      'undeliverableTold',
      hello,
      (whatsapp) => whatsapp.control('PUT', '/customer/phone', { from: '+1', onWhatsapp: false }),
    ],
    [
      'a person who stopped marketing',
      131_050,
      'stoppedTold',
      offer,
      (whatsapp) => whatsapp.control('POST', '/customer/preferences', { from: '1', value: 'stop' }),
    ],
    [
      'a closed window',
      131_047,
      'windowClosedTold',
      hello,
      (whatsapp) => whatsapp.call('PUT', '/clock', { advanceMs: 24 * 3_600_000 }),
    ],
  ];

  test.each(prepared)('%s: %i by status, or at once by rule %s', async (_, code, rule, message, prepare) => {
    const whatsapp = await openWhatsapp();
    await whatsapp.write({});
    await prepare(whatsapp);
    expect((await whatsapp.send(message)).status).toBe(200);
    expect(await whatsapp.statuses()).toMatchObject([{ status: 'failed', errors: [{ code }] }]);
    await whatsapp.rules({ [rule]: 'at once' });
    expect(codeOf(await whatsapp.send(message))).toBe(code);
    expect(await whatsapp.statuses()).toHaveLength(1);
  });

  test('who stopped marketing gets everything else, and marketing once they resume', async () => {
    const whatsapp = await openWhatsapp({ rules: { whatsapp: { stoppedTold: 'at once' } } });
    await whatsapp.write({});
    const prefer = (value: string) => whatsapp.control('POST', '/customer/preferences', { from: '1', value });
    await prefer('stop');
    for (const message of [
      hello,
      { type: 'template', template: { name: 'welcome', language: { code: 'en' } } },
    ])
      expect((await whatsapp.send(message)).status).toBe(200);
    expect(codeOf(await whatsapp.send(offer))).toBe(131_050);
    await prefer('resume');
    expect((await whatsapp.send(offer)).status).toBe(200);
  });

  test('a phone gets WhatsApp again', async () => {
    const whatsapp = await openWhatsapp({ rules: { whatsapp: { undeliverableTold: 'at once' } } });
    for (const onWhatsapp of [false, true])
      await whatsapp.control('PUT', '/customer/phone', { from: '1', onWhatsapp });
    expect((await whatsapp.send(offer)).status).toBe(200);
    expect((await whatsapp.control('PUT', '/customer/phone', { onWhatsapp: false })).status).toBe(400);
  });
});

describe('rule autoStatuses', () => {
  test.each([
    ['none', []],
    ['sent', ['sent']],
    ['delivered', ['sent', 'delivered']],
    ['read', ['sent', 'delivered', 'read']],
  ] as const)('%s: statuses go so far', async (autoStatuses, told) => {
    const whatsapp = await openWhatsapp({ rules: { whatsapp: { autoStatuses } } });
    await whatsapp.sendTemplate('welcome');
    expect((await whatsapp.statuses()).map(({ status }) => status).toSorted()).toEqual(told.toSorted());
    expect((await whatsapp.seen()).results).toMatchObject([{ status: told.at(-1) ?? 'accepted' }]);
  });

  test('a status that is told by hand repeats what the message carried', async () => {
    const whatsapp = await openWhatsapp({ rules: { whatsapp: { autoStatuses: 'none' } } });
    const wamid = wamidOf(
      await whatsapp.sendTemplate('welcome', [], { biz_opaque_callback_data: 'opaque-1' }),
    );
    await whatsapp.control('POST', '/statuses', { wamid, status: 'delivered' });
    expect(await whatsapp.statuses()).toMatchObject([
      {
        id: wamid,
        status: 'delivered',
        biz_opaque_callback_data: 'opaque-1',
        pricing: { category: 'utility' },
      },
    ]);
  });
});

describe('requests', () => {
  const requestsOf = async (whatsapp: WhatsappFixture, query = '') =>
    (await whatsapp.control('GET', `/requests${query}`)).body as {
      results: Record<string, unknown>[];
      forgotten: number;
    };

  test('tell when each one came, what it was and how it was answered', async () => {
    const whatsapp = await openWhatsapp();
    await whatsapp.write({});
    const before = monotonicMs();
    const wamid = wamidOf(await whatsapp.send(hello));
    await whatsapp.send({ ...offer, biz_opaque_callback_data: 'opaque-2' });
    await whatsapp.sendTemplate('nothing', [], { recipient: 'IN.1' });
    await whatsapp.send({ status: 'read', message_id: 'none' });
    const after = monotonicMs();
    const { results } = await requestsOf(whatsapp);
    expect(results).toMatchObject([
      { number: 1, endpoint: 'messages', type: 'text', to: '+1', opaque: 'opaque-1', status: 200, wamid },
      {
        number: 2,
        type: 'template',
        template: 'festival_offer',
        language: 'hi',
        category: 'MARKETING',
        opaque: 'opaque-2',
        status: 200,
      },
      { number: 3, recipient: 'IN.1', template: 'nothing', status: 404, code: 132_001 },
      { number: 4, type: 'read', status: 400, code: 100 },
    ]);
    for (const one of results) {
      const [came, answered] = [Number(one['monotonicMs']), Number(one['answeredMonotonicMs'])];
      expect([before, came, answered, after].toSorted((a, b) => a - b)).toEqual([
        before,
        came,
        answered,
        after,
      ]);
      expect(one['machineMs']).toEqual(expect.any(Number));
      expect(one['at']).toEqual(expect.any(Number));
    }
  });

  test('tell of what was taken in though its caller never heard of it, and of what was not', async () => {
    const whatsapp = await openWhatsapp();
    for (const dropConnection of ['after', 'before']) {
      await whatsapp.control('PUT', '/cases', { dropConnection });
      await expect(whatsapp.sendTemplate('welcome')).rejects.toThrow();
    }
    const [taken, lost] = (await requestsOf(whatsapp)).results;
    expect(taken).toMatchObject({ template: 'welcome', wamid: expect.any(String) as string });
    expect(taken).not.toHaveProperty('status');
    expect(lost).not.toHaveProperty('wamid');
    await whatsapp.control('PUT', '/cases', { code: 131_016 });
    await whatsapp.sendTemplate('welcome');
    expect((await requestsOf(whatsapp)).results[2]).toMatchObject({ status: 500, code: 131_016 });
  });

  test('are read from a number on, and forgotten when asked to', async () => {
    const whatsapp = await openWhatsapp();
    for (let sent = 0; sent < 3; sent += 1) await whatsapp.sendTemplate('welcome');
    expect((await requestsOf(whatsapp, '?after=2')).results.map((one) => one['number'])).toEqual([3]);
    expect((await whatsapp.control('DELETE', '/requests')).body).toEqual({ results: [], forgotten: 0 });
    await whatsapp.sendTemplate('welcome');
    expect((await requestsOf(whatsapp)).results).toHaveLength(1);
  });
});

test('what was sent, who stopped and who has no WhatsApp is known after a restart', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sandbox-'));
  onTestFinished(() => rm(dataDir, { recursive: true }));
  const before = await openWhatsapp({ dataDir });
  await before.write({ referral: { source_type: 'ad', source_id: '1' } });
  await before.send({
    ...hello,
    context: { message_id: (await before.seen()).results[0]?.['wamid'] } as object,
  });
  await before.sendTemplate('welcome');
  await before.control('POST', '/customer/preferences', { from: '1', value: 'stop' });
  await before.control('PUT', '/customer/phone', { from: '2', onWhatsapp: false });
  await before.statuses();
  const seen = await before.seen();
  await before.stop();
  for (let start = 1; start <= 2; start += 1) {
    const after = await openWhatsapp({
      dataDir,
      rules: { whatsapp: { stoppedTold: 'at once', undeliverableTold: 'at once' } },
    });
    expect(await after.seen()).toEqual(seen);
    expect(codeOf(await after.send(offer))).toBe(131_050);
    expect(codeOf(await after.send({ ...offer, to: '2' }))).toBe(131_026);
    const wamid = seen.results[1]?.['wamid'];
    await after.control('POST', '/statuses', { wamid, status: 'delivered' });
    expect(await after.statuses()).toMatchObject([
      { id: wamid, biz_opaque_callback_data: 'opaque-1', pricing: { type: 'free_entry_point' } },
    ]);
    await after.stop();
  }
});

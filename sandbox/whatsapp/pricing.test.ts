import { describe, expect, test } from 'vitest';
import { codeOf, openWhatsapp } from '../testing/whatsapp-fixture.ts';

const text = (value: string) => ({ type: 'text', text: value });
const offer = [
  { type: 'header', parameters: [text('Diwali')] },
  { type: 'body', parameters: [text('Asha'), text('20 %')] },
  {
    type: 'button',
    sub_type: 'copy_code',
    index: '0',
    parameters: [{ type: 'coupon_code', coupon_code: 'D20' }],
  },
];

describe('the price', () => {
  test("is the template's category, also within the window", async () => {
    const whatsapp = await openWhatsapp();
    await whatsapp.write({});
    await whatsapp.sendTemplate('welcome');
    await whatsapp.sendTemplate('festival_offer', offer);
    const priced = (await whatsapp.statuses())
      .filter(({ status }) => status === 'sent')
      .map(({ pricing }) => pricing);
    const regular = { billable: true, pricing_model: 'PMP', type: 'regular' };
    expect(priced).toEqual(
      expect.arrayContaining([
        { ...regular, category: 'utility' },
        { ...regular, category: 'marketing' },
      ]),
    );
  });

  test('on the other endpoint is marketing_lite, which takes marketing templates alone', async () => {
    const whatsapp = await openWhatsapp();
    const template = { name: 'festival_offer', language: { code: 'en' }, components: offer };
    expect((await whatsapp.send({ type: 'template', template }, 'marketing_messages')).status).toBe(200);
    expect((await whatsapp.statuses())[0]).toMatchObject({ pricing: { category: 'marketing_lite' } });
    const welcome = { name: 'welcome', language: { code: 'en' } };
    expect(codeOf(await whatsapp.send({ type: 'template', template: welcome }, 'marketing_messages'))).toBe(
      100,
    );
    expect(codeOf(await whatsapp.send({ type: 'text', text: { body: 'a' } }, 'marketing_messages'))).toBe(
      100,
    );
  });

  test('of free-form: so many are free in a month, then they cost; without a payment method they never arrive', async () => {
    const whatsapp = await openWhatsapp({
      rules: { whatsapp: { freeServiceMessages: 1, autoStatuses: 'sent' } },
    });
    await whatsapp.write({});
    for (const said of ['one', 'two']) await whatsapp.send({ type: 'text', text: { body: said } });
    const priced = (await whatsapp.statuses()).map(({ pricing }) => pricing);
    const service = { pricing_model: 'PMP', category: 'service' };
    expect(priced).toHaveLength(2);
    expect(priced).toEqual(
      expect.arrayContaining([
        { ...service, billable: false, type: 'free_customer_service' },
        { ...service, billable: true, type: 'regular' },
      ]),
    );
    await whatsapp.rules({ paymentMethod: false });
    expect((await whatsapp.send({ type: 'text', text: { body: 'three' } })).status).toBe(200);
    expect(await whatsapp.statuses()).toHaveLength(2);
    expect((await whatsapp.seen()).results.at(-1)).toMatchObject({ body: 'three', status: 'accepted' });
  });
});

describe('a free entry point', () => {
  const hour = 3_600_000;
  const referral = { source_type: 'ad', source_id: '1', source_url: 'https://fb.me/1' };

  test('opens for 72 hours with the answer to an ad', async () => {
    const whatsapp = await openWhatsapp({ rules: { whatsapp: { autoStatuses: 'sent' } } });
    await whatsapp.write({ referral });
    await whatsapp.call('PUT', '/clock', { advanceMs: 23 * hour });
    const answeredAt = Math.floor(whatsapp.clock.now() / 1000);
    await whatsapp.send({ type: 'text', text: { body: 'Hello' } });
    await whatsapp.call('PUT', '/clock', { advanceMs: 71 * hour });
    await whatsapp.sendTemplate('festival_offer', offer);
    const free = {
      pricing: {
        billable: false,
        pricing_model: 'PMP',
        type: 'free_entry_point',
        category: 'referral_conversion',
      },
      conversation: { id: expect.any(String) as string, origin: { type: 'referral_conversion' } },
    };
    const [first, second] = (await whatsapp.statuses()).toSorted(
      (a, b) => Number(a['timestamp']) - Number(b['timestamp']),
    );
    expect(first).toMatchObject(free);
    expect(second).toMatchObject(free);
    const { expiration_timestamp: expires } = (first?.['conversation'] ?? {}) as {
      expiration_timestamp?: string;
    };
    const ends = Number(expires);
    expect(ends - answeredAt - 72 * 3_600).toBeLessThan(60);
    expect(ends - answeredAt - 72 * 3_600).toBeGreaterThanOrEqual(0);
    await whatsapp.call('PUT', '/clock', { advanceMs: 2 * hour });
    await whatsapp.sendTemplate('welcome');
    expect(
      (await whatsapp.statuses()).find(({ pricing }) => (pricing as { type: string }).type === 'regular'),
    ).not.toHaveProperty('conversation');
  });

  test('does not open with an answer a day later', async () => {
    const whatsapp = await openWhatsapp();
    await whatsapp.write({ referral });
    await whatsapp.call('PUT', '/clock', { advanceMs: 24 * hour });
    await whatsapp.sendTemplate('welcome');
    expect((await whatsapp.statuses())[0]).toMatchObject({ pricing: { type: 'regular' } });
  });

  test('rule freeEntryTakesFreeForm: free-form wants the 24 hours all the same, or not', async () => {
    const whatsapp = await openWhatsapp({ rules: { whatsapp: { windowClosedTold: 'at once' } } });
    await whatsapp.write({ referral });
    await whatsapp.send({ type: 'text', text: { body: 'Hello' } });
    await whatsapp.call('PUT', '/clock', { advanceMs: 25 * hour });
    const late = { type: 'text', text: { body: 'Still there?' } };
    expect(codeOf(await whatsapp.send(late))).toBe(131_047);
    await whatsapp.rules({ freeEntryTakesFreeForm: true });
    expect((await whatsapp.send(late)).status).toBe(200);
  });
});

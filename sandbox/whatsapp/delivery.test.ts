import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { appSecret, startWorld, told, wabaId, type World } from '../testing/world.ts';

let world: World;

beforeEach(async () => {
  world = await startWorld();
});

afterEach(() => world.stop());

const write = async (text: string, from = '919812345678') => {
  const { body } = await world.call('POST', '/whatsapp/customer/messages', { from, text });
  return (body as { wamid: string }).wamid;
};
const set = (settings: object) => world.call('PUT', '/whatsapp/delivery', settings);
const state = async () => (await world.call('GET', '/whatsapp/delivery')).body;
const drained = () =>
  vi.waitFor(async () => expect(await state()).toMatchObject({ queued: 0 }), { timeout: 10_000 });
const arrived = () => told(world.webhooks).messages.map(({ id }) => id);

describe('a webhook', () => {
  test('is signed over exactly its bytes', async () => {
    await write('hello');
    await drained();
    const [webhook] = world.webhooks;
    const hmac = createHmac('sha256', appSecret)
      .update(webhook?.bytes ?? '')
      .digest('hex');
    expect(webhook?.signature).toBe(`sha256=${hmac}`);
  });

  test('is ASCII, with lower-case escapes and \\/', async () => {
    await write('ÄŽ नमस्ते 👋 https://a.example/b \ud800');
    await drained();
    const bytes = world.webhooks[0]?.bytes.toString('latin1') ?? '';
    expect(bytes).toMatch(/^[\x20-\x7e]+$/);
    expect(bytes).toContain('\\u00c4\\u017d \\u0928');
    expect(bytes).toContain('https:\\/\\/a.example\\/b \\ud800');
    expect(told(world.webhooks).messages[0]).toMatchObject({
      text: { body: 'ÄŽ नमस्ते 👋 https://a.example/b \ud800' },
    });
  });

  test('rule escapesSlash: off', async () => {
    await world.call('PUT', '/whatsapp/rules', { escapesSlash: false });
    await write('a/b');
    await drained();
    expect(world.webhooks[0]?.bytes.toString()).toContain('a/b');
  });

  test('has the envelope of the business account and its number', async () => {
    await write('hello');
    await drained();
    expect(world.webhooks[0]?.body).toMatchObject({
      object: 'whatsapp_business_account',
      entry: [
        {
          id: wabaId,
          changes: [
            {
              field: 'messages',
              value: {
                messaging_product: 'whatsapp',
                metadata: { display_phone_number: '918047100000', phone_number_id: '100000000000001' },
              },
            },
          ],
        },
      ],
    });
  });
});

test('batch: items travel together, over all four array levels', async () => {
  await set({ batch: 20, paused: true });
  const sent: string[] = [];
  for (let index = 0; index < 12; index += 1) sent.push(await write('hello', String(index)));
  await world.call('POST', '/whatsapp/statuses', { to: '1', status: 'delivered' });
  await set({ paused: false });
  await drained();
  expect(world.webhooks).toHaveLength(1);
  expect(arrived()).toEqual(sent);
  const [{ body } = { body: undefined }] = world.webhooks;
  const entries = (body as { entry: { changes: object[] }[] }).entry;
  expect(entries.map(({ changes }) => changes.length)).toEqual([1, 2]);
  expect(told(world.webhooks).statuses).toHaveLength(1);
});

test('batch: one person told in two ways stands in two changes', async () => {
  await set({ batch: 20, paused: true });
  for (const name of ['Asha', 'Asha R', 'Asha R', 'Asha R']) {
    await world.call('POST', '/whatsapp/customer/messages', { from: '1', text: 'hello', name });
  }
  await set({ paused: false });
  await drained();
  const [{ body } = { body: undefined }] = world.webhooks;
  const entries = (body as { entry: { changes: { value: { contacts: object[] } }[] }[] }).entry;
  expect(entries.map(({ changes }) => changes.map(({ value }) => value.contacts))).toMatchObject([
    [[{ profile: { name: 'Asha' } }], [{ profile: { name: 'Asha R' } }]],
    [[{ profile: { name: 'Asha R' } }]],
  ]);
});

test('duplicates and shuffle: every item is sent so often, in another order', async () => {
  await set({ duplicates: 2, shuffle: true, paused: true });
  const sent: string[] = [];
  for (let index = 0; index < 40; index += 1) sent.push(await write(String(index)));
  expect(await state()).toMatchObject({ queued: 120, delivered: 0, attempts: 0 });
  await set({ paused: false });
  await drained();
  expect(arrived().toSorted()).toEqual([...sent, ...sent, ...sent].toSorted());
  // In order, the first 40 copies would be of some 14 items.
  expect(new Set(arrived().slice(0, 40)).size).toBeGreaterThan(15);
  expect(await state()).toMatchObject({ delivered: 120, attempts: 120 });
});

test('holdMs: copies leave later', async () => {
  await set({ holdMs: 600_000 });
  for (let index = 0; index < 20; index += 1) await write('hello');
  expect(await state()).toMatchObject({ queued: expect.any(Number) as number });
  expect(world.webhooks.length).toBeLessThan(20);
  await world.call('PUT', '/clock', { advanceMs: 600_000 });
  await drained();
  expect(arrived()).toHaveLength(20);
});

describe('retries', () => {
  test.each([503, 404, 201, 'cut'] as const)(
    '%s is no acknowledgement: sent again until 200',
    async (answer) => {
      world.answerWith(answer);
      const wamid = await write('hello');
      await vi.waitFor(() => expect(world.webhooks.length).toBeGreaterThanOrEqual(2));
      expect(await state()).toMatchObject({ queued: 1, delivered: 0 });
      world.answerWith(200);
      await drained();
      expect(new Set(arrived())).toEqual(new Set([wamid]));
      expect(await state()).toMatchObject({ queued: 0, delivered: 1 });
    },
  );

  test('gaps grow, pass with the clock, and end after 7 days', async () => {
    world.answerWith(503);
    await write('hello');
    for (let attempts = 1; attempts <= 8; attempts += 1) {
      await vi.waitFor(() => expect(world.webhooks.length).toBeGreaterThanOrEqual(attempts));
      await world.call('PUT', '/clock', { advanceMs: 30_000 });
    }
    await world.call('PUT', '/clock', { advanceMs: 7 * 86_400_000 });
    await drained();
    expect(await state()).toMatchObject({ queued: 0, delivered: 0, givenUp: 1 });
  });

  test('others are not held up', async () => {
    world.answerWith('cut');
    await write('first');
    await vi.waitFor(() => expect(world.webhooks.length).toBeGreaterThanOrEqual(1));
    world.answerWith(200);
    const second = await write('second');
    await vi.waitFor(() => expect(arrived()).toContain(second));
    await drained();
  });
});

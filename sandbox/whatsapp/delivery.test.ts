import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  appSecret,
  startSandboxFixture,
  told,
  wabaId,
  type SandboxFixture,
} from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;

beforeEach(async () => {
  fixture = await startSandboxFixture();
});

afterEach(() => fixture.stop());

const write = async (text: string, from = '919812345678') => {
  const { body } = await fixture.call('POST', '/whatsapp/customer/messages', { from, text });
  return (body as { wamid: string }).wamid;
};
const set = (settings: object) => fixture.call('PUT', '/whatsapp/delivery', settings);
const state = async () => (await fixture.call('GET', '/whatsapp/delivery')).body;
const drained = () =>
  vi.waitFor(async () => expect(await state()).toMatchObject({ queued: 0 }), { timeout: 10_000 });
const arrived = () => told(fixture.webhooks).messages.map(({ id }) => id);

describe('a webhook', () => {
  test('is signed over exactly its bytes', async () => {
    await write('hello');
    await drained();
    const [webhook] = fixture.webhooks;
    const hmac = createHmac('sha256', appSecret)
      .update(webhook?.bytes ?? '')
      .digest('hex');
    expect(webhook?.signature).toBe(`sha256=${hmac}`);
  });

  test('is ASCII, with lower-case escapes and \\/', async () => {
    await write('ÄŽ नमस्ते 👋 https://a.example/b \ud800');
    await drained();
    const bytes = fixture.webhooks[0]?.bytes.toString('latin1') ?? '';
    expect(bytes).toMatch(/^[\x20-\x7e]+$/);
    expect(bytes).toContain('\\u00c4\\u017d \\u0928');
    expect(bytes).toContain('https:\\/\\/a.example\\/b \\ud800');
    expect(told(fixture.webhooks).messages[0]).toMatchObject({
      text: { body: 'ÄŽ नमस्ते 👋 https://a.example/b \ud800' },
    });
  });

  test('rule escapesSlash: off', async () => {
    await fixture.call('PUT', '/whatsapp/rules', { escapesSlash: false });
    await write('a/b');
    await drained();
    expect(fixture.webhooks[0]?.bytes.toString()).toContain('a/b');
  });

  test('has the envelope of the business account and its number', async () => {
    await write('hello');
    await drained();
    expect(fixture.webhooks[0]?.body).toMatchObject({
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
  await fixture.call('POST', '/whatsapp/statuses', { to: '1', status: 'delivered' });
  await set({ paused: false });
  await drained();
  expect(fixture.webhooks).toHaveLength(1);
  expect(arrived()).toEqual(sent);
  const [{ body } = { body: undefined }] = fixture.webhooks;
  const entries = (body as { entry: { changes: object[] }[] }).entry;
  expect(entries.map(({ changes }) => changes.length)).toEqual([1, 2]);
  expect(told(fixture.webhooks).statuses).toHaveLength(1);
});

test('batch: one person told in two ways stands in two changes', async () => {
  await set({ batch: 20, paused: true });
  for (const name of ['Asha', 'Asha R', 'Asha R', 'Asha R']) {
    await fixture.call('POST', '/whatsapp/customer/messages', { from: '1', text: 'hello', name });
  }
  await set({ paused: false });
  await drained();
  const [{ body } = { body: undefined }] = fixture.webhooks;
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
  expect(fixture.webhooks.length).toBeLessThan(20);
  await fixture.call('PUT', '/clock', { advanceMs: 600_000 });
  await drained();
  expect(arrived()).toHaveLength(20);
});

describe('retries', () => {
  test.each([503, 404, 201, 'cut'] as const)(
    '%s is no acknowledgement: sent again until 200',
    async (answer) => {
      fixture.answerWith(answer);
      const wamid = await write('hello');
      await vi.waitFor(() => expect(fixture.webhooks.length).toBeGreaterThanOrEqual(2));
      expect(await state()).toMatchObject({ queued: 1, delivered: 0 });
      fixture.answerWith(200);
      await drained();
      expect(new Set(arrived())).toEqual(new Set([wamid]));
      expect(await state()).toMatchObject({ queued: 0, delivered: 1 });
    },
  );

  test('gaps grow, pass with the clock, and end after 7 days', async () => {
    fixture.answerWith(503);
    await write('hello');
    for (let attempts = 1; attempts <= 8; attempts += 1) {
      await vi.waitFor(() => expect(fixture.webhooks.length).toBeGreaterThanOrEqual(attempts));
      await fixture.call('PUT', '/clock', { advanceMs: 30_000 });
    }
    await fixture.call('PUT', '/clock', { advanceMs: 7 * 86_400_000 });
    await drained();
    expect(await state()).toMatchObject({ queued: 0, delivered: 0, givenUp: 1 });
  });

  test('others are not held up', async () => {
    fixture.answerWith('cut');
    await write('first');
    await vi.waitFor(() => expect(fixture.webhooks.length).toBeGreaterThanOrEqual(1));
    fixture.answerWith(200);
    const second = await write('second');
    await vi.waitFor(() => expect(arrived()).toContain(second));
    await drained();
  });
});

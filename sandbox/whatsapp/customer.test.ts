import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startSandboxFixture, told, type SandboxFixture } from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;

beforeEach(async () => {
  fixture = await startSandboxFixture();
});

afterEach(() => fixture.stop());

const write = (message: object) => fixture.call('POST', '/whatsapp/customer/messages', message);
const drained = () =>
  vi.waitFor(async () =>
    expect((await fixture.call('GET', '/whatsapp/delivery')).body).toMatchObject({ queued: 0 }),
  );
const news = async () => {
  await drained();
  return told(fixture.webhooks);
};

describe('a message', () => {
  test('of somebody with phone, user id and username', async () => {
    const { body } = await write({
      from: '+91 98123-45678',
      userId: 'IN.1',
      username: '@asha.r',
      name: 'Asha',
      text: 'hello',
      timestamp: 1_700_000_000,
    });
    const { messages, contacts } = await news();
    expect(messages).toEqual([
      {
        from: '919812345678',
        from_user_id: 'IN.1',
        id: (body as { wamid: string }).wamid,
        timestamp: '1700000000',
        type: 'text',
        text: { body: 'hello' },
      },
    ]);
    expect(contacts).toEqual([
      { profile: { name: 'Asha', username: 'asha.r' }, wa_id: '919812345678', user_id: 'IN.1' },
    ]);
  });

  test('of somebody without a phone names no phone', async () => {
    await write({ userId: 'IN.1', username: 'asha', text: 'hello' });
    const { messages, contacts } = await news();
    expect(messages[0]).not.toHaveProperty('from');
    expect(contacts).toEqual([{ profile: { username: 'asha' }, user_id: 'IN.1' }]);
  });

  test('of nobody, or of no phone, is refused', async () => {
    expect(await write({ text: 'hello' })).toMatchObject({
      status: 400,
      body: { error: { code: 'nobody' } },
    });
    expect(await write({ from: 'asha', text: 'hello' })).toMatchObject({ status: 400 });
    expect(await write({ from: '1' })).toMatchObject({ status: 400 });
  });

  test('keeps the id it is given', async () => {
    expect(await write({ from: '1', text: 'hello', id: 'wamid.mine' })).toMatchObject({
      body: { wamid: 'wamid.mine' },
    });
    expect((await news()).messages).toMatchObject([{ id: 'wamid.mine' }]);
  });

  test('of any type passes through, with what goes with it', async () => {
    const referral = { source_type: 'ad', source_id: '120', ctwa_clid: 'Aff' };
    const interactive = { type: 'button_reply', button_reply: { id: 'yes', title: 'Yes' } };
    await write({
      from: '1',
      type: 'interactive',
      interactive,
      referral,
      context: { from: '2', id: 'wamid.q' },
    });
    await write({ from: '1', type: 'brand_new', brand_new: { anything: [1] } });
    const { messages } = await news();
    expect(messages).toMatchObject([
      { type: 'interactive', interactive, referral, context: { id: 'wamid.q' } },
      { type: 'brand_new', brand_new: { anything: [1] } },
    ]);
  });
});

describe('reading back', () => {
  const read = async (query: string) =>
    (await fixture.call('GET', `/whatsapp/customer/messages?${query}`)).body;

  test('gives the messages of a person, by phone or user id, in order', async () => {
    await write({ from: '+9198', userId: 'IN.1', text: 'one', timestamp: 1_700_000_000 });
    await write({
      userId: 'IN.1',
      type: 'image',
      image: { id: '1', caption: 'two' },
      timestamp: 1_700_000_001,
    });
    await write({
      from: '9198',
      type: 'button',
      button: { text: 'three', payload: 'p' },
      timestamp: 1_700_000_002,
    });
    await write({ from: '9199', text: 'another person' });
    const results = [
      { direction: 'in', type: 'text', body: 'one', status: 'received', at: '2023-11-14T22:13:20.000Z' },
      { type: 'image', body: 'two' },
      { type: 'button', body: 'three' },
    ];
    expect(await read('phone=%2B9198')).toMatchObject({ results });
    expect(await read('userId=IN.1')).toMatchObject({ results });
  });

  test('of nobody known is empty, of nobody named refused', async () => {
    expect(await read('phone=1')).toEqual({ results: [], typing: false });
    expect(await fixture.call('GET', '/whatsapp/customer/messages')).toMatchObject({ status: 400 });
  });
});

test.each(['stop', 'resume', 'signup'])('a preference travels in its own field: %s', async (value) => {
  await fixture.call('POST', '/whatsapp/customer/preferences', { userId: 'IN.1', value });
  await drained();
  expect(fixture.webhooks[0]?.body).toMatchObject({
    entry: [{ changes: [{ field: 'user_preferences', value: { contacts: [{ user_id: 'IN.1' }] } }] }],
  });
  const [preference] = told(fixture.webhooks).preferences;
  expect(preference).toMatchObject({
    user_id: 'IN.1',
    category: 'marketing_messages',
    value,
    timestamp: expect.any(Number) as number,
  });
  expect(preference).not.toHaveProperty('wa_id');
});

describe('a number change', () => {
  const change = (body: object) => fixture.call('POST', '/whatsapp/customer/number-change', body);

  test('is a system message without contacts, and moves the person', async () => {
    await write({ from: '1', userId: 'IN.old', name: 'Asha', text: 'hello' });
    await change({ from: '1', userId: 'IN.old', to: '+2', newUserId: 'IN.new' });
    const { messages, contacts } = await news();
    expect(messages[1]).toMatchObject({
      from: '1',
      type: 'system',
      system: {
        type: 'user_changed_number',
        wa_id: '2',
        user_id: 'IN.new',
        previous_user_id: 'IN.old',
        body: 'User Asha changed from 1 to 2',
      },
    });
    expect(contacts).toHaveLength(1);
    await fixture.call('POST', '/whatsapp/statuses', { to: '2', status: 'read' });
    expect((await news()).statuses).toMatchObject([{ recipient_id: '2', recipient_user_id: 'IN.new' }]);
  });

  test('of somebody whose phone is not shown changes the user id only', async () => {
    await change({ userId: 'IN.old', newUserId: 'IN.new' });
    const { messages } = await news();
    expect(messages[0]).toMatchObject({
      system: { type: 'user_changed_user_id', user_id: 'IN.new', previous_user_id: 'IN.old' },
    });
    expect(messages[0]).not.toHaveProperty('system.wa_id');
    expect(await change({ from: '1' })).toMatchObject({ status: 400 });
  });
});

test('a phone that comes back with another user id is another person', async () => {
  await write({ from: '1', userId: 'IN.first', name: 'Asha', text: 'hello' });
  await write({ from: '1', userId: 'IN.second', text: 'hello' });
  await fixture.call('POST', '/whatsapp/statuses', { to: '1', status: 'sent' });
  const { contacts, statuses } = await news();
  expect(statuses).toMatchObject([{ recipient_user_id: 'IN.second' }]);
  expect(contacts.at(-1)).toEqual({ wa_id: '1', user_id: 'IN.second' });
});

describe('a status of a message sent with another tool', () => {
  const tell = (body: object) => fixture.call('POST', '/whatsapp/statuses', body);

  test('gets a message id of its own, and names people as far as they are known', async () => {
    await write({ from: '1', userId: 'IN.1', username: 'asha', text: 'hello' });
    const { body } = await tell({ to: '+1', status: 'sent' });
    await tell({ wamid: (body as { wamid: string }).wamid, to: '1', status: 'read' });
    const { statuses, contacts } = await news();
    expect(statuses).toMatchObject([
      { id: (body as { wamid: string }).wamid, status: 'sent', recipient_id: '1', recipient_user_id: 'IN.1' },
      { id: (body as { wamid: string }).wamid, status: 'read' },
    ]);
    expect(contacts.slice(1)).toEqual([
      { wa_id: '1', user_id: 'IN.1' },
      { profile: { username: 'asha' }, wa_id: '1', user_id: 'IN.1' },
    ]);
  });

  test('failed: no contacts, and only the id it was sent to', async () => {
    await write({ from: '1', userId: 'IN.1', text: 'hello' });
    const errors = [{ code: 131026, title: 'Message undeliverable' }];
    await tell({ to: '1', status: 'failed', errors });
    await tell({ userId: 'IN.1', status: 'failed', errors });
    const { statuses, contacts } = await news();
    expect(statuses[0]).toMatchObject({ recipient_id: '1', errors });
    expect(statuses[0]).not.toHaveProperty('recipient_user_id');
    expect(statuses[1]).toMatchObject({ recipient_user_id: 'IN.1' });
    expect(statuses[1]).not.toHaveProperty('recipient_id');
    expect(contacts).toHaveLength(1);
  });

  test('of an unknown message needs somebody', async () => {
    expect(await tell({ wamid: 'wamid.x', status: 'read' })).toMatchObject({ status: 400 });
  });
});

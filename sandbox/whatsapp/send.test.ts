import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  accessToken,
  phoneNumberId,
  startSandboxFixture,
  told,
  type SandboxFixture,
} from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;

beforeEach(async () => {
  fixture = await startSandboxFixture();
});

afterEach(() => fixture.stop());

const send = (message: object | string, { token = accessToken, id = phoneNumberId } = {}) =>
  fixture.call('POST', `/whatsapp/v26.0/${id}/messages`, message, { authorization: `Bearer ${token}` });
const text = { messaging_product: 'whatsapp', type: 'text', text: { body: 'hello' } };
const template = {
  messaging_product: 'whatsapp',
  type: 'template',
  template: { name: 'welcome', language: { code: 'en' } },
};
const write = (message: object) =>
  fixture.call('POST', '/whatsapp/customer/messages', { text: 'hi', ...message });
const statuses = async () => {
  await vi.waitFor(async () =>
    expect((await fixture.call('GET', '/whatsapp/delivery')).body).toMatchObject({ queued: 0 }),
  );
  return told(fixture.webhooks).statuses;
};
const wamidOf = (body: unknown) => (body as { messages: [{ id: string }] }).messages[0].id;

test('a message inside the window is accepted, sent and delivered', async () => {
  await write({ from: '1', userId: 'IN.1', name: 'Asha' });
  const { status, body } = await send({ ...text, to: '+1', biz_opaque_callback_data: 'send-1' });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    messaging_product: 'whatsapp',
    contacts: [{ input: '+1', wa_id: '1' }],
    messages: [{}],
  });
  const id = wamidOf(body);
  const common = {
    id,
    recipient_id: '1',
    recipient_user_id: 'IN.1',
    biz_opaque_callback_data: 'send-1',
    pricing: { pricing_model: 'PMP', category: 'service' },
  };
  expect(
    (await statuses()).toSorted((a, b) => String(b['status']).localeCompare(String(a['status']))),
  ).toMatchObject([
    { ...common, status: 'sent' },
    { ...common, status: 'delivered' },
  ]);
  expect((await fixture.call('GET', '/whatsapp/customer/messages?phone=1')).body).toMatchObject({
    results: [
      { direction: 'in' },
      { wamid: id, direction: 'out', type: 'text', body: 'hello', status: 'delivered' },
    ],
  });
});

test('a late status does not take back a later one', async () => {
  const wamid = wamidOf((await send({ ...template, to: '1' })).body);
  for (const status of ['read', 'delivered'])
    await fixture.call('POST', '/whatsapp/statuses', { wamid, status });
  expect((await fixture.call('GET', '/whatsapp/customer/messages?phone=1')).body).toMatchObject({
    results: [{ wamid, status: 'read' }],
  });
});

describe('outside the window', () => {
  test.each(['nobody wrote', '24 hours ago'])('free-form fails afterwards with 131047: %s', async (when) => {
    if (when !== 'nobody wrote') await write({ from: '1' });
    await fixture.call('PUT', '/clock', { advanceMs: 24 * 3_600_000 });
    expect(await send({ ...text, to: '1', biz_opaque_callback_data: 'send-1' })).toMatchObject({
      status: 200,
    });
    expect(await statuses()).toMatchObject([
      { status: 'failed', recipient_id: '1', biz_opaque_callback_data: 'send-1', errors: [{ code: 131047 }] },
    ]);
    expect((await fixture.call('GET', '/whatsapp/customer/messages?phone=1')).body).toMatchObject({
      results: expect.arrayContaining([
        expect.objectContaining({ direction: 'out', status: 'failed' }) as object,
      ]) as object[],
    });
  });

  test('rule echoesOpaqueOnFailed: off', async () => {
    await fixture.call('PUT', '/whatsapp/rules', { echoesOpaqueOnFailed: false });
    await send({ ...text, to: '1', biz_opaque_callback_data: 'send-1' });
    expect((await statuses())[0]).not.toHaveProperty('biz_opaque_callback_data');
  });

  test('a template goes through', async () => {
    expect((await send({ ...template, to: '1' })).body).toMatchObject({
      messages: [{ message_status: 'accepted' }],
    });
    expect((await statuses()).map(({ status }) => status).toSorted()).toEqual(['delivered', 'sent']);
  });

  test('a second before it closes, it is open', async () => {
    await write({ from: '1' });
    await fixture.call('PUT', '/clock', { advanceMs: 24 * 3_600_000 - 5_000 });
    await send({ ...text, to: '1' });
    expect((await statuses()).map(({ status }) => status)).not.toContain('failed');
  });
});

describe('to a user id', () => {
  test('is answered with it, and statuses name it', async () => {
    await write({ userId: 'IN.1' });
    const { body } = await send({ ...text, recipient: 'IN.1' });
    expect(body).toMatchObject({ contacts: [{ input: 'IN.1', user_id: 'IN.1' }] });
    const [status] = await statuses();
    expect(status).toMatchObject({ recipient_user_id: 'IN.1' });
    expect(status).not.toHaveProperty('recipient_id');
  });

  test('and a phone: the phone wins', async () => {
    const { body } = await send({ ...template, to: '1', recipient: 'IN.1' });
    expect(body).toMatchObject({ contacts: [{ wa_id: '1' }] });
    expect(body).not.toHaveProperty('contacts.0.user_id');
  });
});

test('a read receipt marks the message of the customer', async () => {
  const { body } = await write({ from: '1' });
  const receipt = {
    messaging_product: 'whatsapp',
    status: 'read',
    message_id: (body as { wamid: string }).wamid,
  };
  expect(await send(receipt)).toMatchObject({ status: 200, body: { success: true } });
  expect((await fixture.call('GET', '/whatsapp/customer/messages?phone=1')).body).toMatchObject({
    results: [{ status: 'read' }],
  });
  expect(await send({ ...receipt, message_id: 'wamid.unknown' })).toMatchObject({
    status: 400,
    body: { error: { code: 100 } },
  });
});

describe('errors have the shape of Graph', () => {
  test('a wrong token is 190', async () => {
    expect(await send({ ...text, to: '1' }, { token: 'wrong' })).toMatchObject({
      status: 401,
      body: {
        error: {
          code: 190,
          type: 'OAuthException',
          message: expect.any(String) as string,
          fbtrace_id: expect.any(String) as string,
        },
      },
    });
  });

  test('another number is 33', async () => {
    expect(await send({ ...text, to: '1' }, { id: '999' })).toMatchObject({
      status: 400,
      body: { error: { code: 33 } },
    });
  });

  test.each([
    ['no recipient', text],
    ['no messaging_product', { to: '1', type: 'text', text: { body: 'a' } }],
    ['an unknown type', { ...text, to: '1', type: 'telepathy' }],
    ['no content', { messaging_product: 'whatsapp', to: '1', type: 'text' }],
    ['no phone number', { ...text, to: 'asha' }],
    ['an opaque id over 512 bytes', { ...text, to: '1', biz_opaque_callback_data: 'ü'.repeat(257) }],
    ['malformed JSON', '{'],
  ])('%s is 100', async (_, message) => {
    expect(await send(message)).toMatchObject({
      status: 400,
      body: {
        error: {
          code: 100,
          error_data: { messaging_product: 'whatsapp', details: expect.any(String) as string },
        },
      },
    });
    expect(await statuses()).toEqual([]);
  });
});

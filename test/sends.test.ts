import type { Statement } from '@sangam/core/corrections';
import { ensureMember } from '@sangam/core/store';
import type { Service } from '@sangam/service';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Api,
  apiOf,
  createServiceFixture,
  type SandboxRecord,
  type ServiceFixture,
  until,
} from './harness/index.ts';

/** Messages that leave, by API and sandbox alone: what a person's phone shows, and what became of each. */

let fixture: ServiceFixture;
let service: Service;
let api: Api;
let channelId: string;
let startedAt: number;

beforeAll(async () => {
  fixture = await createServiceFixture();
  startedAt = fixture.clock.now();
  service = await fixture.openService();
  const { store, parties, clock } = fixture;
  ({ channelId } = parties.whatsapp);
  const memberId = await store.transact(parties.workspaceId, (trx) =>
    ensureMember(trx, { email: 'asha@example.com', role: 'admin', now: clock.now() }),
  );
  const link = await service.sessions.makeLink(parties.workspaceId, memberId);
  api = apiOf(service.url(), (await service.sessions.enter(link)) ?? '');
});
afterAll(() => fixture.close());
beforeEach(async () => {
  await fixture.control('DELETE', '/whatsapp/cases');
});

let people = 0;
const newPhone = (): string => `9197${String(10_000_000 + ++people)}`;

async function writes(phone: string, text: string): Promise<void> {
  fixture.clock.advance(1_000);
  await fixture.control('POST', '/whatsapp/customer/messages', {
    from: phone,
    name: 'Ravi Iyer',
    type: 'text',
    text,
  });
}

/** Somebody who has just written, by their contact. */
async function somebody(text = 'Hello'): Promise<{ phone: string; contactId: string }> {
  const phone = newPhone();
  await writes(phone, text);
  return { phone, contactId: await contactOf(phone) };
}

const contactOf = (phone: string): Promise<string> =>
  until(`${phone} to be a contact`, async () => {
    const { body } = await api('GET', `/contacts?phone=%2B${phone}`);
    return (body as { results: { contactId: string }[] }).results[0]?.contactId;
  });

interface SendView {
  readonly sendId: string;
  readonly state: string;
  readonly reason: string | null;
  readonly explanation: string | null;
  readonly errorCode: number | null;
  readonly shown: string | null;
  readonly tries: number;
}

let asked = 0;
const text = (words: string): object => ({ type: 'text', text: words });
const template = (name: string, values: object = {}, language = 'en'): object => ({
  type: 'template',
  template: { name, language, ...values },
});

async function ask(
  to: object,
  content: object,
  more: object = {},
): Promise<{ status: number; body: SendView & { error?: { code: string; message: string } } }> {
  const clientId = `client-${String(++asked)}`;
  return await api('POST', '/sends', { clientId, to, content, ...more });
}

const sendOf = async (sendId: string): Promise<SendView> => (await api('GET', `/sends/${sendId}`)).body;

const onceIn = (sendId: string, ...states: string[]): Promise<SendView> =>
  until(`send ${sendId} to be ${states.join(' or ')}`, async () => {
    const send = await sendOf(sendId);
    return states.includes(send.state) ? send : undefined;
  });

interface PhoneMessage {
  readonly direction: string;
  readonly type: string;
  readonly body: string;
  readonly status: string;
}
async function onPhone(phone: string): Promise<PhoneMessage[]> {
  const { results } = await fixture.control<{ results: PhoneMessage[] }>(
    'GET',
    `/whatsapp/customer/messages?phone=%2B${phone}`,
  );
  return results.filter(({ direction }) => direction === 'out');
}

interface PhoneRequest {
  readonly to?: string;
  readonly opaque?: string;
}
async function requestsTo(phone: string): Promise<PhoneRequest[]> {
  const { results } = await fixture.control<{ results: PhoneRequest[] }>('GET', '/whatsapp/requests');
  return results.filter(({ to }) => to === phone || to === `+${phone}`);
}

async function recordOf(phone: string): Promise<SandboxRecord | undefined> {
  const { results } = await fixture.control<{ results: SandboxRecord[] }>('GET', '/hubspot/records/contacts');
  return results.find(({ properties }) => properties['phone'] === `+${phone}`);
}

test('a free text reaches who wrote, and its ticks climb on the record’s timeline', async () => {
  const { phone, contactId } = await somebody();
  const { status, body } = await ask({ contactId }, text('How can we help?'));
  expect(status).toBe(201);
  await onceIn(body.sendId, 'delivered', 'read');
  expect(await onPhone(phone)).toMatchObject([{ type: 'text', body: 'How can we help?' }]);
  await until('the timeline to show it', async () => {
    const shown = (await recordOf(phone))?.timeline?.map((entry) => entry.text).join('\n') ?? '';
    return shown.includes('How can we help?') &&
      shown.includes('asha@example.com') &&
      shown.toLowerCase().includes('delivered')
      ? true
      : undefined;
  });
});

test('the same id asks once; with another content it is refused', async () => {
  const { phone, contactId } = await somebody();
  const once = { clientId: 'the-same', to: { contactId }, content: text('Once') };
  const first = await api('POST', '/sends', once);
  const again = await api('POST', '/sends', once);
  expect([first.status, again.status]).toEqual([201, 200]);
  const { sendId } = first.body;
  expect((again.body as SendView).sendId).toBe(sendId);
  expect(await api('POST', '/sends', { ...once, content: text('Twice') })).toMatchObject({
    status: 409,
    body: { error: { code: 'other_content' } },
  });
  await onceIn(sendId, 'delivered', 'read');
  expect(await onPhone(phone)).toHaveLength(1);
});

test('what waits because nothing leaves its number says so, and so does the preview', async () => {
  const { contactId } = await somebody();
  const asked = { to: { contactId }, content: text('Later') };
  const pause = { scope: 'channel', subject: channelId };
  await api('POST', '/pauses', pause);
  const { body } = await api('POST', '/sends', { clientId: `paused-${contactId}`, ...asked });
  const waits = { state: 'queued', reason: 'paused' };
  expect(body).toMatchObject(waits);
  const { sendId } = body as { sendId: string };
  expect(await sendOf(sendId)).toMatchObject(waits);
  expect((await api('GET', `/sends?contactId=${contactId}`)).body).toMatchObject({ results: [waits] });
  expect((await api('POST', '/sends/preview', asked)).body).toMatchObject({
    outcome: 'queued',
    reason: 'paused',
    shown: 'Later',
  });
  await api('POST', '/pauses/resume', pause);
  await until('it to have left', async () =>
    (await sendOf(sendId)).state === 'delivered' ? true : undefined,
  );
});

test('a preview with a template that is not known says what to do', async () => {
  const { contactId } = await somebody();
  const content = template('never_heard_of', {});
  expect((await api('POST', '/sends/preview', { to: { contactId }, content })).body).toMatchObject({
    outcome: 'unknown template',
    explanation: expect.stringContaining('/templates/sync') as string,
  });
});

test('a field nobody has is answered with those there are', async () => {
  const { contactId } = await somebody();
  const content = template('visit_reminder', { body: [{ field: 'firstname', fallback: 'there' }, 'Friday'] });
  const { status, body } = await api('POST', '/sends/preview', { to: { contactId }, content });
  expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining('first name, last name')]);
});

test('what the preview shows is what leaves', async () => {
  await api('POST', '/templates/sync', { channelId });
  const { phone, contactId } = await somebody();
  const content = template('visit_reminder', {
    body: [{ field: 'first name', fallback: 'there' }, 'Friday'],
    buttons: [{ index: 0, url: 'r-17' }],
  });
  const preview = (await api('POST', '/sends/preview', { to: { contactId }, content })).body as {
    shown: string;
  };
  expect(preview.shown).toContain('Ravi');
  const { body } = await ask({ contactId }, content);
  await onceIn(body.sendId, 'delivered', 'read');
  const [message] = await onPhone(phone);
  expect(preview.shown).toContain(message?.body ?? 'nothing');
  expect((await sendOf(body.sendId)).shown).toBe(preview.shown);
});

describe('outside the window', () => {
  test('a free text is refused, naming templates; a template goes', async () => {
    await api('POST', '/templates/sync', { channelId });
    const { contactId } = await somebody();
    fixture.clock.advance(25 * 3_600_000);
    const refused = await ask({ contactId }, text('Still there?'));
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'window_closed' } } });
    expect(refused.body.error?.message).toContain('welcome (en)');
    const { body } = await ask({ contactId }, template('welcome'));
    await onceIn(body.sendId, 'delivered', 'read');
  });

  test('somebody who never wrote is reached by a template', async () => {
    const phone = newPhone();
    const { body } = await ask({ phone: `+${phone}` }, template('welcome'));
    await onceIn(body.sendId, 'delivered', 'read');
    expect(await onPhone(phone)).toHaveLength(1);
  });
});

test('who came from an ad is known to, until then', async () => {
  const phone = newPhone();
  const referral = { source_type: 'ad', source_id: '120', source_url: 'https://fb.me/x' };
  fixture.clock.advance(1_000);
  await fixture.control('POST', '/whatsapp/customer/messages', {
    from: phone,
    type: 'text',
    text: 'I saw your ad',
    referral,
  });
  const contactId = await contactOf(phone);
  const { body } = await ask({ contactId }, text('Which one?'));
  await onceIn(body.sendId, 'delivered', 'read');
  const until3Days = fixture.clock.now() + 71 * 3_600_000;
  await until('the ad’s window to be known', async () => {
    const preview = await api('POST', '/sends/preview', { to: { contactId }, content: text('And?') });
    const { freeEntryUntil } = preview.body as { freeEntryUntil: string | null };
    return freeEntryUntil !== null && Date.parse(freeEntryUntil) > until3Days ? true : undefined;
  });
});

test('a message is shown as read, and that somebody writes', async () => {
  const { phone } = await somebody();
  const shown = async (): Promise<{ results: { wamid: string; status: string }[]; typing: boolean }> =>
    fixture.control('GET', `/whatsapp/customer/messages?phone=%2B${phone}`);
  const [{ wamid } = { wamid: '' }] = (await shown()).results;
  expect((await api('POST', '/messages/read', { channelId, wamid, typing: true })).status).toBe(204);
  const { results, typing } = await shown();
  expect(results).toMatchObject([{ wamid, status: 'read' }]);
  expect(typing).toBeTruthy();
});

const offer = template('festival_offer', {
  header: { text: 'Diwali' },
  body: ['Ravi', '10 %'],
  buttons: [{ index: 0, code: 'DIWALI10' }],
});

describe('marketing', () => {
  test('waits for consent, and leaves once it is given', async () => {
    const { phone, contactId } = await somebody();
    const { body } = await ask({ contactId }, offer);
    await until('it to be held', async () => {
      const send = await sendOf(body.sendId);
      return send.state === 'held' && send.reason === 'no consent' ? true : undefined;
    });
    expect(await onPhone(phone)).toEqual([]);
    await writes(phone, 'START');
    await onceIn(body.sendId, 'delivered', 'read');
    expect(await onPhone(phone)).toHaveLength(1);
  });

  test('after a STOP nothing leaves, what waited neither; an answer does', async () => {
    const { phone, contactId } = await somebody('START');
    await fixture.control('PUT', '/whatsapp/delivery', { paused: false });
    await api('POST', '/pauses', { scope: 'workspace' });
    const { body } = await ask({ contactId }, offer);
    await writes(phone, 'STOP');
    await until('the STOP to be known', async () => {
      const { body: found } = await api('GET', `/contacts?phone=%2B${phone}`);
      return (found as { results: { optOut: boolean }[] }).results[0]?.optOut === true ? true : undefined;
    });
    await api('POST', '/pauses/resume', { scope: 'workspace' });
    expect(await onceIn(body.sendId, 'refused', 'delivered')).toMatchObject({
      state: 'refused',
      reason: 'opted out',
    });
    expect(await ask({ contactId }, offer)).toMatchObject({
      status: 409,
      body: { error: { code: 'opted_out' } },
    });
    const answer = await ask({ contactId }, text('You will hear no more offers.'));
    await onceIn(answer.body.sendId, 'delivered', 'read');
    expect((await onPhone(phone)).map(({ type }) => type)).toEqual(['text']);
  });
});

test('while paused nothing leaves, and what waited does afterwards', async () => {
  const { phone, contactId } = await somebody();
  await api('POST', '/pauses', { scope: 'channel', subject: channelId });
  const { body } = await ask({ contactId }, text('Later'));
  const other = await somebody();
  expect(await requestsTo(phone)).toEqual([]);
  expect((await sendOf(body.sendId)).state).toBe('queued');
  await api('POST', '/pauses/resume', { scope: 'channel', subject: channelId });
  await onceIn(body.sendId, 'delivered', 'read');
  expect(other.phone).not.toBe(phone);
});

test('in shadow it is worked out and shown, and does not leave; in test only to who is listed', async () => {
  const [listed, another] = [await somebody(), await somebody()];
  await api('PUT', `/channels/${channelId}/sending`, { mode: 'shadow' });
  const shadow = await ask({ contactId: listed.contactId }, text('Only thought of'));
  expect(await onceIn(shadow.body.sendId, 'refused')).toMatchObject({
    reason: 'shadow',
    shown: 'Only thought of',
  });
  await api('PUT', `/channels/${channelId}/sending`, { mode: 'test', testPhones: [`+${listed.phone}`] });
  const yes = await ask({ contactId: listed.contactId }, text('Tried out'));
  const no = await ask({ contactId: another.contactId }, text('Not you'));
  expect(await onceIn(no.body.sendId, 'refused')).toMatchObject({ reason: 'not listed' });
  await onceIn(yes.body.sendId, 'delivered', 'read');
  await api('PUT', `/channels/${channelId}/sending`, { mode: 'live' });
  expect(await requestsTo(another.phone)).toEqual([]);
  expect(await requestsTo(listed.phone)).toHaveLength(1);
});

test('the statement of the day balances over all of them', async () => {
  const day = new Date(startedAt).toISOString().slice(0, 10);
  const { body } = await api('GET', `/statement?day=${day}&timeZone=UTC`);
  const { sends } = body as Statement;
  expect(sends.missing).toBe(0);
  expect(sends.total).toBeGreaterThan(0);
});

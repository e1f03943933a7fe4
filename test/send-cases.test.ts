import { channelSending, ensureMember } from '@sangam/core/store';
import type { Service } from '@sangam/service';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Api, apiOf, createServiceFixture, type ServiceFixture, until } from './harness/index.ts';

/** What WhatsApp answers when it does not take or deliver a message, and what becomes of it: docs/sending.md, as a table. */

let fixture: ServiceFixture;
let service: Service;
let api: Api;
let channelId: string;

beforeAll(async () => {
  fixture = await createServiceFixture();
  service = await fixture.openService();
  const { store, parties, clock } = fixture;
  ({ channelId } = parties.whatsapp);
  const memberId = await store.transact(parties.workspaceId, (trx) =>
    ensureMember(trx, { email: 'asha@example.com', role: 'admin', now: clock.now() }),
  );
  const link = await service.sessions.makeLink(parties.workspaceId, memberId);
  api = apiOf(service.url(), (await service.sessions.enter(link)) ?? '');
  await api('POST', '/templates/sync', { channelId });
});
afterAll(() => fixture.close());
beforeEach(async () => {
  await fixture.control('DELETE', '/whatsapp/cases');
  await api('POST', `/channels/${channelId}/continue`);
});

const minute = 60_000;
const hour = 60 * minute;
let people = 0;

async function writes(phone: string, text: string): Promise<void> {
  fixture.clock.advance(1_000);
  await fixture.control('POST', '/whatsapp/customer/messages', {
    from: phone,
    name: 'Ravi',
    type: 'text',
    text,
  });
}

async function somebody(text = 'START'): Promise<{ phone: string; contactId: string }> {
  const phone = `9195${String(10_000_000 + ++people)}`;
  await writes(phone, text);
  const contactId = await until(`${phone} to be a contact`, async () => {
    const { body } = await api('GET', `/contacts?phone=%2B${phone}`);
    return (body as { results: { contactId: string }[] }).results[0]?.contactId;
  });
  return { phone, contactId };
}

/** Somebody who agreed to marketing and whose window is closed. */
async function longAgo(): Promise<{ phone: string; contactId: string }> {
  const one = await somebody();
  fixture.clock.advance(25 * hour);
  return one;
}

interface SendView {
  readonly sendId: string;
  readonly state: string;
  readonly reason: string | null;
  readonly explanation: string | null;
  readonly errorCode: number | null;
  readonly notBefore: string | null;
  readonly tries: number;
}
let asked = 0;
async function ask(contactId: string, content: object): Promise<SendView> {
  const clientId = `case-${String(++asked)}`;
  const { status, body } = await api('POST', '/sends', { clientId, to: { contactId }, content });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return body;
}
const sendOf = async (sendId: string): Promise<SendView> => (await api('GET', `/sends/${sendId}`)).body;
const onceSo = (sendId: string, what: string, isSo: (send: SendView) => boolean): Promise<SendView> =>
  until(`send ${sendId} ${what}`, async () => {
    const send = await sendOf(sendId);
    return isSo(send) ? send : undefined;
  });
const onceIn = (sendId: string, ...states: string[]): Promise<SendView> =>
  onceSo(sendId, `to be ${states.join(' or ')}`, ({ state }) => states.includes(state));
const onceMarketingLimited = (sendId: string): Promise<SendView> =>
  onceSo(
    sendId,
    'to wait',
    ({ state, reason }) => state === 'queued' && reason === 'WhatsApp limits marketing',
  );

const play = (phone: string, what: object): Promise<unknown> =>
  fixture.control('PUT', '/whatsapp/cases', { phone: `+${phone}`, ...what });
const calls = async (phone: string): Promise<number> => {
  const { results } = await fixture.control<{ results: { to?: string }[] }>('GET', '/whatsapp/requests');
  return results.filter(({ to }) => to === phone || to === `+${phone}`).length;
};
const alerts = async (kind: string): Promise<string[]> => {
  const { body } = await api('GET', '/alerts?state=open');
  const { results } = body as { results: { kind: string; message: string }[] };
  return results.filter((alert) => alert.kind === kind).map(({ message }) => message);
};

const text = { type: 'text', text: 'Hello' };
const welcome = { type: 'template', template: { name: 'welcome', language: 'en' } };
const offer = {
  type: 'template',
  template: {
    name: 'festival_offer',
    language: 'en',
    header: { text: 'Diwali' },
    body: ['Ravi', '10 %'],
    buttons: [{ index: 0, code: 'DIWALI10' }],
  },
};

describe.each(['at once', 'by status'] as const)('%s', (when) => {
  const ended = when === 'at once' ? 'refused' : 'failed';

  test.each([132000, 132001, 132012, 132018])(
    '%i: the template is asked for anew, and it is not repeated',
    async (code) => {
      const { phone, contactId } = await somebody();
      await play(phone, { code, when });
      const { sendId } = await ask(contactId, welcome);
      const send = await onceIn(sendId, ended);
      expect(send).toMatchObject({ reason: 'sync template', errorCode: code });
      expect(await calls(phone)).toBe(1);
    },
  );

  test('132015: waits until it is over, three hours the first time', async () => {
    const { phone, contactId } = await somebody();
    await play(phone, { code: 132015, when, times: 1 });
    const { sendId } = await ask(contactId, offer);
    await onceSo(
      sendId,
      'to be held',
      ({ state, reason }) => state === 'held' && reason === 'template paused',
    );
    await fixture.control('PUT', '/whatsapp/templates/festival_offer/en', { status: 'PAUSED' });
    await fixture.control('PUT', '/whatsapp/templates/festival_offer/en', { status: 'APPROVED' });
    await onceIn(sendId, 'delivered', 'read');
  });

  test('132016: ended', async () => {
    const { phone, contactId } = await somebody();
    await play(phone, { code: 132016, when });
    const { sendId } = await ask(contactId, welcome);
    expect(await onceIn(sendId, ended)).toMatchObject({ reason: 'template disabled' });
  });

  test('131047: ended, and the window is known to be closed', async () => {
    const { phone, contactId } = await somebody();
    await play(phone, { code: 131047, when });
    const { sendId } = await ask(contactId, text);
    expect(await onceIn(sendId, ended)).toMatchObject({ reason: 'window closed' });
    const again = await api('POST', '/sends', {
      clientId: `again-${phone}`,
      to: { contactId },
      content: text,
    });
    expect(again).toMatchObject({ status: 409, body: { error: { code: 'window_closed' } } });
    await fixture.control('DELETE', '/whatsapp/cases');
    await writes(phone, 'Are you there?');
    await until('the window to be open', async () => {
      const { status } = await api('POST', '/sends', {
        clientId: `open-${phone}`,
        to: { contactId },
        content: text,
      });
      return status === 201 ? true : undefined;
    });
  });

  test.each([131049, 130472])('%i: once more after a day, and no more', async (code) => {
    const { phone, contactId } = await longAgo();
    await play(phone, { code, when });
    const { sendId } = await ask(contactId, offer);
    await onceMarketingLimited(sendId);
    expect(await calls(phone)).toBe(1);
    fixture.clock.advance(24 * hour + minute);
    await onceIn(sendId, ended);
    expect(await calls(phone)).toBe(2);
  });

  test('131049: an inbound message lets it go at once', async () => {
    const { phone, contactId } = await longAgo();
    await play(phone, { code: 131049, when, times: 1 });
    const { sendId } = await ask(contactId, offer);
    await onceMarketingLimited(sendId);
    await writes(phone, 'Any offers?');
    await onceIn(sendId, 'delivered', 'read');
  });

  test('131049: not when something else was sent meanwhile', async () => {
    const { phone, contactId } = await longAgo();
    await play(phone, { code: 131049, when, times: 1 });
    const { sendId } = await ask(contactId, offer);
    await onceMarketingLimited(sendId);
    const other = await ask(contactId, welcome);
    await onceIn(other.sendId, 'delivered', 'read');
    fixture.clock.advance(24 * hour + minute);
    expect(await onceIn(sendId, 'refused')).toMatchObject({ reason: 'something else was sent' });
  });

  test('131026: the second marks them as not on WhatsApp, an inbound message clears it', async () => {
    const { phone, contactId } = await longAgo();
    await play(phone, { code: 131026, when });
    for (const _ of [1, 2]) await onceIn((await ask(contactId, welcome)).sendId, ended);
    const third = await api('POST', '/sends', {
      clientId: `third-${phone}`,
      to: { contactId },
      content: welcome,
    });
    expect(third).toMatchObject({ status: 409, body: { error: { code: 'not_on_whatsapp' } } });
    await fixture.control('DELETE', '/whatsapp/cases');
    await writes(phone, 'Here I am');
    await until('it to be asked for', async () => {
      const { status } = await api('POST', '/sends', {
        clientId: `fourth-${phone}`,
        to: { contactId },
        content: welcome,
      });
      return status === 201 ? true : undefined;
    });
  });

  test.each([131048, 131064])('%i: the number’s marketing holds, and an admin is told', async (code) => {
    const { phone, contactId } = await somebody();
    await play(phone, { code, when, times: 1 });
    const { sendId } = await ask(contactId, offer);
    await onceSo(
      sendId,
      'to be held',
      ({ state, reason }) => state === 'held' && reason === 'channel marketing stopped',
    );
    const told = await alerts('channel marketing stopped');
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/\. What to do: /);
    // What is no marketing goes on.
    await onceIn((await ask((await somebody()).contactId, text)).sendId, 'delivered', 'read');
    await api('POST', `/channels/${channelId}/continue`);
    await onceIn(sendId, 'delivered', 'read');
    expect(await alerts('channel marketing stopped')).toHaveLength(0);
  });

  test('131050: they are opted out, and their other marketing is dropped', async () => {
    const { phone, contactId } = await somebody();
    await play(phone, { code: 131050, when });
    const { sendId } = await ask(contactId, offer);
    expect(await onceIn(sendId, ended)).toMatchObject({ reason: 'opted out' });
    await until('the opt-out to be known', async () => {
      const { body } = await api('GET', `/contacts?phone=%2B${phone}`);
      return (body as { results: { optOut: boolean }[] }).results[0]?.optOut === true ? true : undefined;
    });
  });

  test('131056: that person waits, others go on', async () => {
    const { phone, contactId } = await somebody();
    await play(phone, { code: 131056, when, times: 1 });
    const { sendId } = await ask(contactId, text);
    await onceSo(sendId, 'to wait', ({ state, tries }) => state === 'queued' && tries === 1);
    await onceIn((await ask((await somebody()).contactId, text)).sendId, 'delivered', 'read');
    fixture.clock.advance(minute);
    await onceIn(sendId, 'delivered', 'read');
  });

  test.each([130429, 80007])('%i: waits, at half the pace', async (code) => {
    const { phone, contactId } = await somebody();
    await api('PUT', `/channels/${channelId}/sending`, { mode: 'live', throughput: 80 });
    await play(phone, { code, when, times: 1 });
    const { sendId } = await ask(contactId, text);
    await onceSo(sendId, 'to wait', ({ state, tries }) => state === 'queued' && tries === 1);
    const { body } = await api('GET', `/channels/${channelId}/sending`);
    expect(body).toMatchObject({ throughput: 80, pace: 40 });
    fixture.clock.advance(2 * minute);
    await onceIn(sendId, 'delivered', 'read');
  });

  test('131051: ended, with WhatsApp’s words', async () => {
    const { phone, contactId } = await somebody();
    await play(phone, { code: 131051, when });
    const { sendId } = await ask(contactId, text);
    await onceIn(sendId, ended);
    await onceSo(sendId, 'to say why', ({ explanation }) => explanation?.includes('(131051)') === true);
    expect((await sendOf(sendId)).explanation).toMatch(/not supported \(131051\)\. WhatsApp says: \S/);
  });

  test.each([131042, 368, 131031, 190])('%i: nothing leaves until an admin has seen to it', async (code) => {
    const { phone, contactId } = await somebody();
    await play(phone, { code, when, times: 1 });
    const { sendId } = await ask(contactId, text);
    const [alert] = await until('the alert', async () => {
      const told = await alerts('channel stopped');
      return told.length > 0 ? told : undefined;
    });
    expect(alert).toMatch(/\. What to do: /);
    expect((await sendOf(sendId)).state).toBe('queued');
    await api('POST', `/channels/${channelId}/continue`);
    await onceIn(sendId, 'delivered', 'read');
    expect(await alerts('channel stopped')).toEqual([]);
  });

  test.each([1, 2, 131000, 131016, 131057])('%i: tried again, a new attempt each time', async (code) => {
    const { phone, contactId } = await somebody();
    await play(phone, { code, when, times: 2 });
    const { sendId } = await ask(contactId, text);
    const send = await until('it to arrive', async () => {
      fixture.clock.advance(10_000);
      const now = await sendOf(sendId);
      return now.state === 'delivered' || now.state === 'read' ? now : undefined;
    });
    expect(send.tries).toBe(3);
    expect(await calls(phone)).toBe(3);
  });
});

test('131063: by the endpoint for marketing messages', async () => {
  const { phone, contactId } = await somebody();
  await play(phone, { code: 131063, when: 'at once', times: 1 });
  const { sendId } = await ask(contactId, offer);
  await onceIn(sendId, 'delivered', 'read');
  const { results } = await fixture.control<{ results: { to?: string; endpoint: string }[] }>(
    'GET',
    '/whatsapp/requests',
  );
  const endpoints = results.filter(({ to }) => to === phone).map(({ endpoint }) => endpoint);
  expect(endpoints.map((endpoint) => endpoint.includes('marketing_messages'))).toEqual([false, true]);
});

test('131062: who is known without a phone gets no code, and is told why', async () => {
  fixture.clock.advance(1_000);
  const written = { userId: 'IN.7001', username: 'ravi.i', type: 'text', text: 'Hello' };
  await fixture.control('POST', '/whatsapp/customer/messages', written);
  const contactId = await until('them to be a contact', async () => {
    const { rows } = await fixture.store.transact(fixture.parties.workspaceId, (trx) =>
      sql<{ contactId: string }>`
        select contact_id as "contactId" from identities
        where workspace_id = ${trx.workspaceId} and value like '%IN.7001'`.execute(trx),
    );
    return rows[0]?.contactId;
  });
  const code = {
    type: 'template',
    template: { name: 'login_code', language: 'en', body: ['4711'], buttons: [{ index: 0, url: '4711' }] },
  };
  const { sendId } = await ask(contactId, code);
  expect(await onceIn(sendId, 'refused', 'failed')).toMatchObject({
    reason: 'phone instead',
    errorCode: 131062,
  });
  await onceIn((await ask(contactId, text)).sendId, 'delivered', 'read');
});

test('130429: of all that were under way it is heard once, and each time it is said', async () => {
  const some = await Promise.all([1, 2, 3, 4, 5].map(() => somebody()));
  await api('PUT', `/channels/${channelId}/sending`, { mode: 'live', throughput: 80 });
  await fixture.control('PUT', '/whatsapp/cases', { code: 130429, times: 10 });
  await api('POST', '/pauses', { scope: 'channel', subject: channelId });
  const asking = await Promise.all(some.map(({ contactId }) => ask(contactId, text)));
  await api('POST', '/pauses/resume', { scope: 'channel', subject: channelId });
  for (const [tries, pace] of [
    [1, 40],
    [2, 20],
  ]) {
    for (const { sendId } of asking)
      await onceSo(sendId, 'to wait', (send) => send.state === 'queued' && send.tries === tries);
    const channel = await fixture.store.transact(fixture.parties.workspaceId, (trx) =>
      channelSending(trx, channelId),
    );
    const { body } = await api('GET', `/channels/${channelId}/sending`);
    expect((body as { pace: number }).pace).toBe(pace);
    expect(channel?.nextCallAt).toBeGreaterThan(fixture.clock.now());
    fixture.clock.advance(2 * minute);
  }
  for (const { sendId } of asking) await onceIn(sendId, 'delivered', 'read');
});

test('a token that may not look at templates is an alert, not a wait nobody sees', async () => {
  const { contactId } = await longAgo();
  await api('POST', '/pauses', { scope: 'channel', subject: channelId });
  const { sendId } = await ask(contactId, {
    type: 'template',
    template: { name: 'no_such', language: 'en' },
  });
  await fixture.control('PUT', '/whatsapp/faults', {
    status: 403,
    code: '10',
    operation: 'GET /message_templates',
  });
  await api('POST', '/pauses/resume', { scope: 'channel', subject: channelId });
  await until('the alert', async () => (await alerts('channel stopped')).length > 0);
  await fixture.control('PUT', '/whatsapp/faults', {});
  await api('POST', `/channels/${channelId}/continue`);
  expect(await onceIn(sendId, 'refused')).toMatchObject({ reason: 'template unknown' });
});

test('what Meta cannot do is tried for an hour, and is a dead letter then', async () => {
  const { phone, contactId } = await somebody();
  await play(phone, { code: 131000, when: 'at once' });
  const { sendId } = await ask(contactId, text);
  await until('it to end', async () => {
    fixture.clock.advance(minute);
    return (await sendOf(sendId)).state === 'refused' ? true : undefined;
  });
  const { body } = await api('GET', '/dead-letters?reason=not%20sent');
  const letter = (body as { results: { deadLetterId: string; sendId: string }[] }).results.find(
    (one) => one.sendId === sendId,
  );
  await fixture.control('DELETE', '/whatsapp/cases');
  await writes(phone, 'Hello?');
  await api('POST', `/dead-letters/${letter?.deadLetterId ?? ''}/replay`);
  await onceIn(sendId, 'delivered', 'read');
});

describe('nobody knows', () => {
  test.each([
    ['the answer was lost after it was taken in', { dropConnection: 'after' }],
    ['a page came in its place', { garbage: 'html', status: 502 }],
  ])('%s: never repeated, and a status tells', async (_what, how) => {
    const { phone, contactId } = await somebody();
    await play(phone, { ...how, times: 1 });
    const { sendId } = await ask(contactId, text);
    await onceIn(sendId, 'unknown', 'sent', 'delivered', 'read');
    fixture.clock.advance(10 * minute);
    await onceIn((await ask((await somebody()).contactId, text)).sendId, 'delivered', 'read');
    expect(await calls(phone)).toBe(1);
    if ('dropConnection' in how) await onceIn(sendId, 'delivered', 'read');
    else expect((await sendOf(sendId)).state).toBe('unknown');
  });

  test('no status for 15 minutes: unconfirmed, and told where it is much of a number’s', async () => {
    const { phone, contactId } = await somebody();
    await play(phone, { when: 'never' });
    const { sendId } = await ask(contactId, text);
    await onceIn(sendId, 'accepted');
    fixture.clock.advance(16 * minute);
    expect(await onceIn(sendId, 'unconfirmed')).toMatchObject({ reason: 'no status' });
  });
});

test('held by WhatsApp for its quality is a state one sees', async () => {
  const { phone, contactId } = await longAgo();
  await play(phone, { held: true });
  const { sendId } = await ask(contactId, offer);
  expect(await onceIn(sendId, 'accepted')).toMatchObject({ reason: 'held by WhatsApp' });
  await fixture.control('POST', '/whatsapp/held', { outcome: 'released' });
  await onceIn(sendId, 'delivered', 'read');
});

test('a template that becomes marketing needs consent at once', async () => {
  const { contactId } = await somebody('Hello');
  await api('POST', '/pauses', { scope: 'channel', subject: channelId });
  const { sendId } = await ask(contactId, welcome);
  await fixture.control('PUT', '/whatsapp/templates/welcome/en', { category: 'MARKETING' });
  await until('the category to be known', async () => {
    const { body } = await api('GET', '/templates');
    const { results } = body as { results: { name: string; language: string; category: string }[] };
    return results.some(
      (one) => one.name === 'welcome' && one.language === 'en' && one.category === 'marketing',
    )
      ? true
      : undefined;
  });
  await api('POST', '/pauses/resume', { scope: 'channel', subject: channelId });
  await onceSo(sendId, 'to be held', ({ state, reason }) => state === 'held' && reason === 'no consent');
  await fixture.control('PUT', '/whatsapp/templates/welcome/en', { category: 'UTILITY' });
  await onceIn(sendId, 'delivered', 'read');
});

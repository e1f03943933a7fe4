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

/** Messages that wait, or have just left, while something else becomes otherwise: settings, pauses, clocks, the number itself. */

let fixture: ServiceFixture;
let service: Service;
let session: string;
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
  session = (await service.sessions.enter(link)) ?? '';
  api = apiOf(service.url(), session);
  await api('POST', '/templates/sync', { channelId });
});
afterAll(() => fixture.close());
beforeEach(async () => {
  await fixture.control('DELETE', '/whatsapp/cases');
  await api('POST', `/channels/${channelId}/continue`);
});

let people = 0;

/** Somebody who agreed to marketing just now. */
async function somebody(): Promise<{ phone: string; contactId: string }> {
  const phone = `9194${String(10_000_000 + ++people)}`;
  fixture.clock.advance(1_000);
  await fixture.control('POST', '/whatsapp/customer/messages', {
    from: phone,
    name: 'Ravi',
    type: 'text',
    text: 'START',
  });
  const contactId = await until(`${phone} to be a contact`, async () => {
    const { body } = await api('GET', `/contacts?phone=%2B${phone}`);
    return (body as { results: { contactId: string }[] }).results[0]?.contactId;
  });
  return { phone, contactId };
}

interface SendView {
  readonly sendId: string;
  readonly state: string;
  readonly reason: string | null;
  readonly explanation: string | null;
}

const text = (words: string): object => ({ type: 'text', text: words });
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

let asked = 0;
async function ask(contactId: string, content: object): Promise<SendView> {
  const clientId = `otherwise-${String(++asked)}`;
  const { status, body } = await api('POST', '/sends', { clientId, to: { contactId }, content });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return body;
}

const onceIn = (sendId: string, ...states: string[]): Promise<SendView> =>
  until(`send ${sendId} to be ${states.join(' or ')}`, async () => {
    const send: SendView = (await api('GET', `/sends/${sendId}`)).body;
    return states.includes(send.state) ? send : undefined;
  });

async function paused(work: () => Promise<void>): Promise<void> {
  await api('POST', '/pauses', { scope: 'workspace' });
  await work();
  await api('POST', '/pauses/resume', { scope: 'workspace' });
}

async function recordOf(phone: string): Promise<SandboxRecord | undefined> {
  const { results } = await fixture.control<{ results: SandboxRecord[] }>('GET', '/hubspot/records/contacts');
  return results.find(({ properties }) => properties['phone'] === `+${phone}`);
}

test('what left without an answer stands on the timeline as ours once a status tells of it', async () => {
  const { phone, contactId } = await somebody();
  await fixture.control('PUT', '/whatsapp/cases', { phone: `+${phone}`, dropConnection: 'after', times: 1 });
  const { sendId } = await ask(contactId, text('Your visit is on Friday.'));
  await onceIn(sendId, 'delivered', 'read');
  await until('the timeline to show it', async () => {
    const shown = (await recordOf(phone))?.timeline?.map((entry) => entry.text).join('\n') ?? '';
    return shown.includes('Your visit is on Friday.') && shown.includes('asha@example.com')
      ? true
      : undefined;
  });
});

test('a burst that was too fast halves the pace once, and it comes back', async () => {
  const known = await Promise.all(Array.from({ length: 10 }, () => somebody()));
  await fixture.control('PUT', '/whatsapp/cases', { code: 130429, times: 10 });
  const sends: SendView[] = [];
  await paused(async () => {
    for (const { contactId } of known) sends.push(await ask(contactId, text('Hello')));
  });
  await until('all to have been refused once', async () => {
    const { results } = await fixture.control<{ results: { left: number | null }[] }>(
      'GET',
      '/whatsapp/cases',
    );
    return results.every(({ left }) => left === 0) ? true : undefined;
  });
  fixture.clock.advance(2_000);
  await Promise.all(sends.map(({ sendId }) => onceIn(sendId, 'delivered', 'read')));
  const sending = async (): Promise<unknown> => (await api('GET', `/channels/${channelId}/sending`)).body;
  expect(await sending()).toMatchObject({ throughput: 80, pace: 40 });
  fixture.clock.advance(10 * 60_000);
  expect(await sending()).toMatchObject({ throughput: 80, pace: 80 });
});

test('quiet hours that were set wrongly hold nobody up once they are put right', async () => {
  const { contactId } = await somebody();
  await api('PUT', '/sending/settings', { quietHours: { from: '00:01', until: '00:00' } });
  const { sendId, reason } = await ask(contactId, offer);
  expect(reason).toBe('quiet hours');
  await api('PUT', '/sending/settings', {});
  await onceIn(sendId, 'delivered', 'read');
});

test('a template asked for by a clock that is ahead is looked for once', async () => {
  const { contactId } = await somebody();
  const lookups = async (): Promise<number> => {
    const calls = await fixture.control<{ byOperation: Record<string, number> }>('GET', '/whatsapp/calls');
    return calls.byOperation['GET /message_templates'] ?? 0;
  };
  let looked = 0;
  let waiting = '';
  const missing = { type: 'template', template: { name: 'not_there', language: 'en' } };
  const { parties, store } = fixture;
  await paused(async () => {
    const { sendId } = await ask(contactId, missing);
    await store.transact(parties.workspaceId, (trx) =>
      trx
        .updateTable('sends')
        .set((eb) => ({ asked_at: eb('asked_at', '+', 60 * 60_000) }))
        .where('workspace_id', '=', parties.workspaceId)
        .where('send_id', '=', sendId)
        .execute(),
    );
    looked = await lookups();
    waiting = sendId;
  });
  expect(await onceIn(waiting, 'refused')).toMatchObject({ reason: 'template unknown' });
  expect((await lookups()) - looked).toBe(1);
});

test('who stopped marketing as a status tells has stopped it, also while all is paused', async () => {
  const { phone, contactId } = await somebody();
  await fixture.control('PUT', '/whatsapp/delivery', { paused: true });
  await fixture.control('PUT', '/whatsapp/cases', { phone: `+${phone}`, code: 131050, when: 'by status' });
  const { sendId } = await ask(contactId, offer);
  await onceIn(sendId, 'accepted');
  await paused(async () => {
    await fixture.control('PUT', '/whatsapp/delivery', { paused: false });
    await until('the CRM to show it', async () =>
      (await recordOf(phone))?.properties['wa_opt_out'] === 'true' ? true : undefined,
    );
  });
});

describe('asked for by hand', () => {
  test.each([6_000, 100_000])('a body nested %i deep is refused', async (depth) => {
    const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const content = `{"type":"interactive","interactive":{"type":"button","body":${nested}}}`;
    const response = await fetch(`${service.url()}/api/v1/sends`, {
      method: 'POST',
      headers: { authorization: `Bearer ${session}`, 'content-type': 'application/json' },
      body: `{"clientId":"deep","to":{"phone":"+919400000001"},"content":${content}}`,
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('nested more than 200 deep');
  });

  test.each([
    [{ phone: 'abc' }, 'to.phone: must be a number with its country code'],
    [{}, 'to: contactId is missing: it must be text; or phone is missing: it must be text'],
  ])('to %j is answered with what to give', async (to, words) => {
    const { status, body } = await api('POST', '/sends', { clientId: 'to', to, content: text('Hello') });
    expect(status).toBe(400);
    expect((body as { error: { message: string } }).error.message).toContain(words);
  });
});

test('what waits for a number that is let go ends, and says so', async () => {
  const { contactId } = await somebody();
  let sendId = '';
  await paused(async () => {
    ({ sendId } = await ask(contactId, text('Hello')));
    expect(await api('DELETE', `/channels/${channelId}`)).toMatchObject({ status: 204 });
  });
  expect(await onceIn(sendId, 'refused')).toMatchObject({ reason: 'number let go' });
  const { body } = await api('GET', '/dead-letters?reason=not%20sent');
  expect((body as { results: { sendId: string }[] }).results.map((letter) => letter.sendId)).toContain(
    sendId,
  );
});

import { ensureMember } from '@sangam/core/store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WhatsAppAPI } from 'whatsapp-api-js';
import { Location, Text } from 'whatsapp-api-js/messages';
import {
  BodyComponent,
  BodyParameter,
  Language,
  Template,
  URLComponent,
} from 'whatsapp-api-js/messages/template';
import { type Api, apiOf, createServiceFixture, type ServiceFixture, until } from './harness/index.ts';

/** A client of the Cloud API that others wrote talks to the sandbox, and a person's phone shows the same as when we do. */

let fixture: ServiceFixture;
let api: Api;
let library: WhatsAppAPI;

beforeAll(async () => {
  fixture = await createServiceFixture();
  const service = await fixture.openService();
  const { store, parties, clock, sandboxUrl } = fixture;
  const memberId = await store.transact(parties.workspaceId, (trx) =>
    ensureMember(trx, { email: 'asha@example.com', role: 'admin', now: clock.now() }),
  );
  const link = await service.sessions.makeLink(parties.workspaceId, memberId);
  api = apiOf(service.url(), (await service.sessions.enter(link)) ?? '');
  library = new WhatsAppAPI({
    token: parties.whatsapp.accessToken,
    secure: false,
    v: 'v26.0',
    ponyfill: {
      fetch(asked, init) {
        const url = asked instanceof Request ? asked.url : asked.toString();
        return fetch(url.replace('https://graph.facebook.com', `${sandboxUrl}/whatsapp`), init);
      },
    },
  });
});
afterAll(() => fixture.close());

const theirs = '919700000001';
const ours = '919700000002';

async function contactOf(phone: string): Promise<string> {
  await fixture.control('POST', '/whatsapp/customer/messages', { from: phone, type: 'text', text: 'Hello' });
  return until(`${phone} to be a contact`, async () => {
    const { body } = await api('GET', `/contacts?phone=%2B${phone}`);
    return (body as { results: { contactId: string }[] }).results[0]?.contactId;
  });
}

interface Shown {
  readonly direction: string;
  readonly [key: string]: unknown;
}
async function shownTo(phone: string): Promise<object[]> {
  const { results } = await fixture.control<{ results: Shown[] }>(
    'GET',
    `/whatsapp/customer/messages?phone=%2B${phone}`,
  );
  return results
    .filter(({ direction }) => direction === 'out')
    .map(({ wamid: _wamid, at: _at, status: _status, ...shown }) => shown);
}

test('texts, places and templates', async () => {
  const contactId = await contactOf(ours);
  await contactOf(theirs);
  const { phoneNumberId } = fixture.parties.whatsapp;
  const template = new Template(
    'visit_reminder',
    new Language('en'),
    new BodyComponent(new BodyParameter('Asha'), new BodyParameter('Friday')),
    new URLComponent('r-17'),
  );
  for (const message of [new Text('How can we help?'), new Location(77, 12, 'Shop', 'MG Road'), template]) {
    const answer = await library.sendMessage(phoneNumberId, theirs, message);
    expect(answer).toMatchObject({ messages: [{ id: expect.any(String) as string }] });
  }
  const contents = [
    { type: 'text', text: 'How can we help?' },
    { type: 'location', longitude: 77, latitude: 12, name: 'Shop', address: 'MG Road' },
    {
      type: 'template',
      template: {
        name: 'visit_reminder',
        language: 'en',
        body: ['Asha', 'Friday'],
        buttons: [{ index: 0, url: 'r-17' }],
      },
    },
  ];
  for (const [index, content] of contents.entries()) {
    await api('POST', '/sends', { clientId: `same-${String(index)}`, to: { contactId }, content });
    await until('it to arrive', async () => ((await shownTo(ours)).length > index ? true : undefined));
  }
  expect(await shownTo(ours)).toEqual(await shownTo(theirs));
});

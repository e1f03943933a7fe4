import { describe, expect, test } from 'vitest';
import { codeOf, openWhatsapp, wamidOf } from '../testing/whatsapp-fixture.ts';

const interactive = (type: string, action: object, more: object = {}) => ({
  type: 'interactive',
  interactive: { type, body: { text: 'Which one?' }, action, ...more },
});
const reply = (id: string, title: string) => ({ type: 'reply', reply: { id, title } });
const buttons = (...some: object[]) => interactive('button', { buttons: some });
const row = (id: string, title = `Row ${id}`, description?: string) => ({
  id,
  title,
  ...(description === undefined ? {} : { description }),
});
const rows = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => row(String(from + index)));
const list = (sections: object[], button = 'Choose') => interactive('list', { button, sections });
const flow = { flow_message_version: '3', flow_cta: 'Book', flow_id: '1', flow_token: 't' };
const link = { display_text: 'Our shop', url: 'https://example.com' };

describe('goes out, and is seen', () => {
  test.each<[string, object, object]>([
    [
      'a text',
      { text: { body: 'a'.repeat(4_096), preview_url: true } },
      { type: 'text', body: 'a'.repeat(4_096) },
    ],
    [
      'a place',
      { type: 'location', location: { latitude: 18.5, longitude: '73.8', name: 'Shop', address: 'Pune' } },
      { body: 'Shop, Pune' },
    ],
    [
      'a card',
      {
        type: 'contacts',
        contacts: [{ name: { formatted_name: 'Asha Rao', first_name: 'Asha' }, phones: [{ phone: '+1' }] }],
      },
      { body: 'Asha Rao' },
    ],
    [
      'three buttons',
      buttons(reply('1', 'a'.repeat(20)), reply('2', 'b'), reply('3', 'c')),
      { body: 'Which one?', buttons: [{ text: 'a'.repeat(20) }, { text: 'b' }, { text: 'c' }] },
    ],
    [
      'ten rows',
      list([
        { title: 'One', rows: rows(5) },
        { title: 'Two', rows: rows(5, 5) },
      ]),
      { body: 'Which one?', buttons: [{ text: 'Choose' }] },
    ],
    [
      'a link',
      interactive('cta_url', { name: 'cta_url', parameters: link }, { footer: { text: 'soon' } }),
      { footer: 'soon', buttons: [{ text: 'Our shop', url: 'https://example.com' }] },
    ],
    [
      'a Flow',
      interactive('flow', { name: 'flow', parameters: flow }, { header: { type: 'text', text: 'A visit' } }),
      { header: 'A visit', buttons: [{ text: 'Book' }] },
    ],
    [
      'a request for the place',
      interactive('location_request_message', { name: 'send_location' }),
      { body: 'Which one?' },
    ],
    [
      'a request for the number',
      interactive('request_contact_info', { name: 'request_contact_info' }),
      { body: 'Which one?' },
    ],
    [
      'a picture above buttons',
      interactive(
        'button',
        { buttons: [reply('1', 'Yes')] },
        { header: { type: 'image', image: { link: 'https://example.com/a.png' } } },
      ),
      { medium: { kind: 'image' } },
    ],
  ])('%s', async (_, message, seen) => {
    const whatsapp = await openWhatsapp();
    await whatsapp.write({});
    const answer = await whatsapp.send(message);
    expect(answer.status).toBe(200);
    expect((await whatsapp.seen()).results.at(-1)).toMatchObject({
      wamid: wamidOf(answer),
      direction: 'out',
      status: 'delivered',
      ...seen,
    });
  });
});

describe('is refused', () => {
  test.each<[string, number, object]>([
    ['a text of 4,097 characters', 100, { text: { body: 'a'.repeat(4_097) } }],
    ['an empty text', 131_008, { text: { body: ' ' } }],
    ['a text without its body', 131_008, { text: {} }],
    ['a picture that is nowhere', 131_009, { type: 'image', image: { caption: 'a' } }],
    [
      'a picture in two places',
      131_009,
      { type: 'image', image: { id: '1', link: 'https://example.com/a.png' } },
    ],
    ['a picture at no address', 131_009, { type: 'image', image: { link: 'a.png' } }],
    [
      'a caption of 1,025 characters',
      131_009,
      { type: 'image', image: { id: '1', caption: 'a'.repeat(1_025) } },
    ],
    ['a caption under a sound', 131_009, { type: 'audio', audio: { id: '1', caption: 'a' } }],
    ['a place without its latitude', 131_008, { type: 'location', location: { longitude: 1 } }],
    ['a card without a name', 131_008, { type: 'contacts', contacts: [{ phones: [] }] }],
    ['no card', 131_009, { type: 'contacts', contacts: [] }],
    ['an unknown kind', 131_009, interactive('dance', {})],
    [
      'no body',
      131_008,
      buttons(reply('1', 'a')) && {
        type: 'interactive',
        interactive: { type: 'button', action: { buttons: [reply('1', 'a')] } },
      },
    ],
    [
      'a body of 1,025 characters',
      131_009,
      interactive('button', { buttons: [reply('1', 'a')] }, { body: { text: 'a'.repeat(1_025) } }),
    ],
    [
      'a footer of 61 characters',
      131_009,
      interactive('button', { buttons: [reply('1', 'a')] }, { footer: { text: 'a'.repeat(61) } }),
    ],
    ['four buttons', 131_009, buttons(reply('1', 'a'), reply('2', 'b'), reply('3', 'c'), reply('4', 'd'))],
    ['no button', 131_009, buttons()],
    ['a button of 21 characters', 131_009, buttons(reply('1', 'a'.repeat(21)))],
    ['an id of 257 characters', 131_009, buttons(reply('a'.repeat(257), 'a'))],
    ['one id twice', 131_009, buttons(reply('1', 'a'), reply('1', 'b'))],
    ['one title twice', 131_009, buttons(reply('1', 'a'), reply('2', 'a'))],
    [
      'eleven rows',
      131_009,
      list([
        { title: 'One', rows: rows(6) },
        { title: 'Two', rows: rows(5, 6) },
      ]),
    ],
    [
      'eleven sections',
      131_009,
      list(Array.from({ length: 11 }, (_, index) => ({ title: String(index), rows: rows(1, index) }))),
    ],
    ['sections without titles', 131_009, list([{ rows: rows(1) }, { rows: rows(1, 1) }])],
    ['a row of 25 characters', 131_009, list([{ rows: [row('1', 'a'.repeat(25))] }])],
    ['a description of 73 characters', 131_009, list([{ rows: [row('1', 'a', 'a'.repeat(73))] }])],
    ['one row twice', 131_009, list([{ rows: [row('1'), row('1')] }])],
    ['a list button of 21 characters', 131_009, list([{ rows: rows(1) }], 'a'.repeat(21))],
    [
      'a link of 21 characters',
      131_009,
      interactive('cta_url', { name: 'cta_url', parameters: { ...link, display_text: 'a'.repeat(21) } }),
    ],
    [
      'a link that is none',
      131_009,
      interactive('cta_url', { name: 'cta_url', parameters: { ...link, url: 'example' } }),
    ],
    [
      'a Flow without its id',
      131_009,
      interactive('flow', { name: 'flow', parameters: { ...flow, flow_id: undefined } }),
    ],
    [
      'a Flow of another version',
      131_009,
      interactive('flow', { name: 'flow', parameters: { ...flow, flow_message_version: '2' } }),
    ],
    [
      'a contact request by its old name',
      131_009,
      interactive('contact_request', { name: 'request_contact_info' }),
    ],
    ['a group', 100, { recipient_type: 'group', text: { body: 'a' } }],
    ['a user id that is none', 100, { recipient: 'asha', text: { body: 'a' } }],
    ['a user id as a phone', 100, { to: 'IN.1', text: { body: 'a' } }],
    ['its own number', 131_021, { to: '+91 80471 00000', text: { body: 'a' } }],
  ])('%s: %i', async (_, code, message) => {
    const whatsapp = await openWhatsapp();
    await whatsapp.write({});
    const answer = await whatsapp.send(message);
    expect([answer.status, codeOf(answer)]).toEqual([400, code]);
    expect((await whatsapp.seen()).results).toHaveLength(1);
    expect(await whatsapp.statuses()).toEqual([]);
  });
});

test('rules textMax and replyTitleMax the other way', async () => {
  const whatsapp = await openWhatsapp({ rules: { whatsapp: { textMax: 5_000, replyTitleMax: 25 } } });
  await whatsapp.write({});
  expect((await whatsapp.send({ text: { body: 'a'.repeat(5_000) } })).status).toBe(200);
  expect((await whatsapp.send(buttons(reply('1', 'a'.repeat(25))))).status).toBe(200);
});

describe('a reaction', () => {
  const react = (to: string, emoji: string) => ({ type: 'reaction', reaction: { message_id: to, emoji } });

  test('stands on its message, each side’s last one, and is taken back', async () => {
    const whatsapp = await openWhatsapp();
    const asked = await whatsapp.write({});
    const answered = wamidOf(await whatsapp.send({ text: { body: 'Hello' } }));
    await whatsapp.send(react(asked, '👀'));
    await whatsapp.send(react(asked, '👍'));
    await whatsapp.write({
      type: 'reaction',
      text: undefined,
      reaction: { message_id: answered, emoji: '🙏' },
    });
    expect((await whatsapp.seen()).results).toMatchObject([
      { wamid: asked, reactions: { out: '👍' } },
      { wamid: answered, reactions: { in: '🙏' } },
    ]);
    await whatsapp.send(react(asked, ''));
    await whatsapp.write({ type: 'reaction', text: undefined, reaction: { message_id: answered } });
    const { results } = await whatsapp.seen();
    expect(results).toHaveLength(2);
    for (const one of results) expect(one).not.toHaveProperty('reactions');
  });

  test('to a message nobody knows is refused', async () => {
    const whatsapp = await openWhatsapp();
    await whatsapp.write({});
    expect(codeOf(await whatsapp.send(react('wamid.none', '👍')))).toBe(131_009);
    expect(codeOf(await whatsapp.send({ type: 'reaction', reaction: { emoji: '👍' } }))).toBe(131_008);
  });
});

test('a reply names its message; to one nobody knows it is refused, or goes out as none', async () => {
  const whatsapp = await openWhatsapp();
  const asked = await whatsapp.write({});
  await whatsapp.send({ text: { body: 'Yes' }, context: { message_id: asked } });
  expect((await whatsapp.seen()).results.at(-1)).toMatchObject({ body: 'Yes', replyTo: asked });
  const late = { text: { body: 'No' }, context: { message_id: 'wamid.none' } };
  expect(codeOf(await whatsapp.send(late))).toBe(131_009);
  await whatsapp.rules({ unknownContext: 'ignored' });
  expect((await whatsapp.send(late)).status).toBe(200);
  expect((await whatsapp.seen()).results.at(-1)).not.toHaveProperty('replyTo');
});

test('typing is seen for 25 seconds, or until something is written', async () => {
  const whatsapp = await openWhatsapp();
  const wamid = await whatsapp.write({});
  const receipt = { status: 'read', message_id: wamid };
  const typing = async () => (await whatsapp.seen()).typing;
  await whatsapp.send(receipt);
  expect(await typing()).toBe(false);
  await whatsapp.send({ ...receipt, typing_indicator: { type: 'text' } });
  expect(await typing()).toBe(true);
  await whatsapp.call('PUT', '/clock', { advanceMs: 25_000 });
  expect(await typing()).toBe(false);
  await whatsapp.send({ ...receipt, typing_indicator: { type: 'text' } });
  await whatsapp.send({ text: { body: 'Hello' } });
  expect(await typing()).toBe(false);
});

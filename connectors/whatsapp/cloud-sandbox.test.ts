import { createHash } from 'node:crypto';
import {
  type OutboundContent,
  type SendAnswer,
  starterTemplates,
  templateProblems,
  templateText,
} from '@sangam/core/whatsapp';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { messageOf, openChannel, type TestChannel } from './test-channel.ts';

/** What Meta's rules make of the driver's requests, over HTTP. */

const waId = '919812345678';
const bsuid = 'IN.13491208655302741918';
const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
const mediaId = '0b8d4f0c-0a4e-4b53-9a55-0a8f3c1a7e11';

const seen = z.looseObject({ results: z.array(z.looseObject({ wamid: z.string() })), typing: z.boolean() });
const written = z.object({ wamid: z.string() });

/** Somebody wrote, so that anything may be sent to them. */
async function customerWrites(channel: TestChannel, message: object = { text: 'Hi' }): Promise<string> {
  const body = { from: waId, userId: bsuid, ...message };
  return written.parse(await channel.control('POST', '/customer/messages', body)).wamid;
}

/** What the person sees of a message. */
async function shown(channel: TestChannel, answer: SendAnswer): Promise<unknown> {
  if (answer.outcome !== 'accepted') return answer;
  const { results } = seen.parse(await channel.control('GET', `/customer/messages?phone=${waId}`));
  return results.find(({ wamid }) => wamid === answer.wamid);
}

async function uploaded({ provider }: TestChannel): Promise<ReadonlyMap<string, string>> {
  const bytes = new Uint8Array(png);
  return new Map([
    [mediaId, await provider.uploadMedia({ mimeType: 'image/png', filename: 'a.png', bytes })],
  ]);
}

describe('is shown to the person as it was meant:', () => {
  const link = 'https://shop.example/a.png';
  test.each<[string, OutboundContent, object]>([
    [
      'text',
      { type: 'text', text: 'Hello https://shop.example', previewUrl: true },
      { body: expect.stringContaining('Hello') },
    ],
    ['image', { type: 'image', media: { mediaId }, caption: 'Look' }, { medium: { kind: 'image' } }],
    [
      'video',
      { type: 'video', media: { link: 'https://shop.example/v.mp4' } },
      { medium: { kind: 'video' } },
    ],
    [
      'document',
      { type: 'document', media: { link }, filename: 'bill.pdf' },
      { medium: { filename: 'bill.pdf' } },
    ],
    [
      'audio',
      { type: 'audio', media: { link: 'https://shop.example/a.ogg' } },
      { medium: { kind: 'audio' } },
    ],
    [
      'sticker',
      { type: 'sticker', media: { link: 'https://shop.example/a.webp' } },
      { medium: { kind: 'sticker' } },
    ],
    ['location', { type: 'location', latitude: 18.52, longitude: 73.85, name: 'Pune' }, { type: 'location' }],
    [
      'reply buttons',
      {
        type: 'interactive',
        interactive: {
          type: 'button',
          body: { text: 'Coming?' },
          action: { buttons: [{ type: 'reply', reply: { id: 'y', title: 'Yes' } }] },
        },
      },
      { body: 'Coming?', buttons: [{ text: 'Yes' }] },
    ],
    [
      'a Flow',
      {
        type: 'interactive',
        interactive: {
          type: 'flow',
          body: { text: 'Book' },
          action: {
            name: 'flow',
            parameters: { flow_message_version: '3', flow_id: '7', flow_token: 't', flow_cta: 'Book' },
          },
        },
      },
      { body: 'Book', buttons: [{ text: 'Book' }] },
    ],
  ])('%s', async (_name, content, expected) => {
    const channel = await openChannel();
    await customerWrites(channel);
    const mediaIds = await uploaded(channel);
    const answer = await channel.provider.send(messageOf(content, { mediaIds }));
    expect(await shown(channel, answer)).toMatchObject({ direction: 'out', type: content.type, ...expected });
  });

  test('an answer to a message, and a reaction to it', async () => {
    const channel = await openChannel();
    const wamid = await customerWrites(channel);
    const reply = await channel.provider.send(messageOf({ type: 'text', text: 'Yes', replyTo: wamid }));
    expect(await shown(channel, reply)).toMatchObject({ replyTo: wamid });
    const reaction = await channel.provider.send(messageOf({ type: 'reaction', to: wamid, emoji: '👍' }));
    expect(reaction.outcome).toBe('accepted');
    const { results } = seen.parse(await channel.control('GET', `/customer/messages?phone=${waId}`));
    expect(results.find((one) => one.wamid === wamid)).toMatchObject({ reactions: { out: '👍' } });
  });

  test.each<[string, Extract<OutboundContent, { type: 'template' }>['template'], object]>([
    ['without values', { name: 'welcome', language: 'hi' }, { body: expect.stringContaining('धन्यवाद') }],
    [
      'by name',
      {
        name: 'order_update',
        language: 'en',
        header: { text: 'A-7', name: 'order_id' },
        body: { first_name: 'Asha', order_id: 'A-7', day: 'Friday' },
      },
      { header: 'Order A-7', body: 'Hello Asha, your order A-7 comes on Friday.' },
    ],
    [
      'a picture above',
      { name: 'order_picture', language: 'en', header: { image: { mediaId } }, body: ['Asha'] },
      { medium: { kind: 'image' } },
    ],
    [
      'a link and quick replies',
      {
        name: 'visit_reminder',
        language: 'en',
        body: ['Asha', 'Friday'],
        buttons: [
          { index: 0, url: 'visit-7' },
          { index: 1, quickReply: 'yes-7' },
        ],
      },
      { buttons: [{ url: expect.stringContaining('visit-7') }, {}, {}] },
    ],
    [
      'a code',
      {
        name: 'festival_offer',
        language: 'en',
        header: { text: 'Diwali' },
        body: ['Asha', '20 %'],
        buttons: [{ index: 0, code: 'DIWALI20' }],
      },
      {
        header: expect.stringContaining('Diwali'),
        buttons: [{ text: expect.stringContaining('DIWALI20') }, {}],
      },
    ],
    ['a button that asks for the phone', { name: 'share_number', language: 'en' }, { buttons: [{}] }],
  ])('a template %s', async (_name, template, expected) => {
    const channel = await openChannel();
    const mediaIds = await uploaded(channel);
    const answer = await channel.provider.send(messageOf({ type: 'template', template }, { mediaIds }));
    expect(await shown(channel, answer)).toMatchObject({ type: 'template', ...expected });
  });
});

test('a phone goes before a user id, and a user id goes alone', async () => {
  const channel = await openChannel();
  await customerWrites(channel);
  const { waId: _, ...nobody } = messageOf({ type: 'text', text: 'Hello' });
  for (const whom of [{ waId, bsuid }, { bsuid }]) {
    expect(await channel.provider.send({ ...nobody, ...whom })).toMatchObject({ outcome: 'accepted' });
  }
  expect(await channel.control('GET', '/requests')).toMatchObject({
    results: [{ to: waId }, { recipient: bsuid }],
  });
});

test('a message as marketing goes by its own endpoint', async () => {
  const channel = await openChannel();
  const template = { name: 'festival_offer', language: 'hi', body: ['आशा', '20 %'] };
  const message = messageOf({ type: 'template', template }, { asMarketing: true });
  expect(await channel.provider.send(message)).toMatchObject({ outcome: 'accepted' });
  expect(await channel.control('GET', '/requests')).toMatchObject({
    results: [{ endpoint: 'marketing_messages', opaque: message.opaque }],
  });
});

test.each<[string, object, object]>([
  ['refused', { code: 131_056 }, { outcome: 'refused', error: { code: 131_056 } }],
  [
    'refused with an outage’s status',
    { code: 131_016, status: 503 },
    { outcome: 'refused', error: { code: 131_016 } },
  ],
  [
    'refused with success’s status',
    { code: 131_000, status: 200 },
    { outcome: 'refused', error: { code: 131_000 } },
  ],
  ['held', { held: true }, { outcome: 'accepted', held: true }],
  ['taken in and never heard of again', { when: 'never' }, { outcome: 'accepted', held: false }],
  ['not known after a page', { status: 502, garbage: 'html' }, { outcome: 'unknown' }],
  ['not known after half an answer', { garbage: 'truncated' }, { outcome: 'unknown' }],
  ['not known after a cut before', { dropConnection: 'before' }, { outcome: 'unknown' }],
  ['not known after a cut behind', { dropConnection: 'after' }, { outcome: 'unknown' }],
])('a message is %s', async (_name, fate, expected) => {
  const channel = await openChannel();
  await channel.control('PUT', '/cases', { phone: waId, ...fate });
  const template = { name: 'welcome', language: 'en' };
  expect(await channel.provider.send(messageOf({ type: 'template', template }))).toMatchObject(expected);
});

test('a token Meta repeats is not told on', async () => {
  const channel = await openChannel();
  const answer = await channel.open('EAA-another-token').send(messageOf({ type: 'text', text: 'Hello' }));
  expect(answer).toEqual({ outcome: 'refused', error: { code: 190 } });
});

test('a message is marked as read, and typing is shown', async () => {
  const channel = await openChannel();
  const wamid = await customerWrites(channel);
  await channel.provider.markRead(wamid, true);
  const { results, typing } = seen.parse(await channel.control('GET', `/customer/messages?phone=${waId}`));
  expect(results[0]).toMatchObject({ status: 'read' });
  expect(typing).toBe(true);
  await expect(channel.provider.markRead('wamid.nobody', false)).rejects.toMatchObject({
    code: 'whatsapp_refused',
  });
});

test('templates are read, all of them and one', async () => {
  const { provider } = await openChannel();
  const all = await provider.templates();
  expect(all.length).toBeGreaterThan(8);
  expect(all.flatMap(({ unsupported }) => unsupported)).toEqual([]);
  const [order] = await provider.templates('order_update');
  expect(order).toMatchObject({
    category: 'utility',
    status: 'approved',
    parameterFormat: 'named',
    header: { kind: 'text', text: 'Order {{order_id}}' },
  });
  expect(await provider.templates('nobody')).toEqual([]);
});

test('what a customer sent is fetched, and what was sent can be', async () => {
  const channel = await openChannel();
  const sent = z
    .looseObject({ id: z.string() })
    .parse(await channel.control('POST', '/customer/media', png, 'image/png'));
  const sha256 = createHash('sha256').update(png).digest('hex');
  const medium = await channel.provider.fetchMedia(sent.id, 1024);
  expect(medium).toEqual({ mimeType: 'image/png', bytes: png, sha256 });
  await expect(channel.provider.fetchMedia(sent.id, 8)).rejects.toMatchObject({ code: 'media_too_large' });
  await expect(channel.provider.fetchMedia('1', 8)).rejects.toMatchObject({ code: 'media_gone' });
  await expect(channel.open('EAA-another').fetchMedia(sent.id, 8)).rejects.toMatchObject({
    code: 'token_refused',
  });
  const own = [...(await uploaded(channel)).values()][0] ?? '';
  expect(await channel.provider.fetchMedia(own, 1024)).toMatchObject({ sha256 });
});

test.each(starterTemplates.map((draft) => [`${draft.name} ${draft.language}`, draft] as const))(
  '%s is taken for review, approved, and sent with its examples',
  async (_name, draft) => {
    const channel = await openChannel();
    const { provider } = channel;
    expect(await provider.submitTemplate(draft)).toMatchObject({ status: 'pending' });
    const { name, language, bodyExamples } = draft;
    await channel.control('PUT', `/templates/${name}/${language}`, { status: 'APPROVED' });
    const [template] = await provider.templates(name);
    const values = { name, language, body: [...bodyExamples] };
    if (template === undefined) throw new Error('The template is not there.');
    expect(template).toMatchObject({ status: 'approved', category: draft.category });
    expect(templateProblems(template, values)).toEqual([]);
    const answer = await provider.send(messageOf({ type: 'template', template: values }));
    const { body } = z.looseObject({ body: z.string() }).parse(await shown(channel, answer));
    expect(templateText(template, values)).toContain(body);
    await expect(provider.submitTemplate(draft)).rejects.toMatchObject({
      code: 'whatsapp_refused',
      message: expect.stringContaining('already'),
    });
  },
);

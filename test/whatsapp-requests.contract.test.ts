import { openCloudApi } from '@sangam/connectors/whatsapp';
import { type Outbound, type OutboundContent, starterTemplates } from '@sangam/core/whatsapp';
import { createSandbox, SandboxClock } from '@sangam/sandbox';
import express from 'express';
import { expect, onTestFinished, test } from 'vitest';
import { listen } from './harness/listen.ts';
import { type Description, type Exchange, objectionsTo } from './harness/open-api.ts';
import { recordVendorCalls } from './harness/vendor-calls.ts';
import { vendorData } from './harness/vendor-data.ts';

/** What the driver sends and what the sandbox answers, against Meta's published description of its API. */

const data = vendorData('whatsapp/openapi');

/**
 * What the description, of v23 and of templates drawn from samples, leaves out of Meta's own pages and samples.
 * docs/vendors/whatsapp.md §2.5, §3.1, §3.2, §3.6, §3.9.
 */
const leftOut = [
  'messages sent has biz_opaque_callback_data',
  // A user id in the phone's place.
  'messages sent lacks to',
  'messages sent has recipient',
  'messages answered 200.contacts[] has user_id',
  'marketing_messages sent has biz_opaque_callback_data',
  // Values by name, a place above, codes to copy, Flows.
  'messages sent.template.components[].parameters[] has parameter_name',
  'messages sent.template.components[].parameters[] has location',
  'messages sent.template.components[].parameters[] has coupon_code',
  'messages sent.template.components[].parameters[] has action',
  'messages sent.template.components[].parameters[].type is none of its values',
  'messages sent.template.components[].sub_type is none of its values',
  'messages answers no 404',
  'message_templates sent has parameter_format',
  'message_templates sent.components[] has example',
  'message_templates answers no 400',
  'message_templates answered 200.data[] has quality_score',
  'message_templates answered 200.data[] has parameter_format',
  'message_templates answered 200.data[].components[] has add_security_recommendation',
  'message_templates answered 200.data[].components[].buttons[] has url',
  'message_templates answered 200.data[].components[].buttons[] has example',
  'message_templates answered 200.data[].components[].example has header_handle',
  'message_templates answered 200.data[].components[].example has header_text',
  'message_templates answered 200.data[].components[].example has header_text_named_params',
  'message_templates answered 200.data[].components[].example has body_text_named_params',
];

const ids = { phoneNumberId: '100000000000001', wabaId: '200000000000001' };
const accessToken = 'EAA-token-of-the-sandbox';
const mediaId = '0b8d4f0c-0a4e-4b53-9a55-0a8f3c1a7e11';
const link = 'https://shop.example/a.png';

const contents: readonly OutboundContent[] = [
  { type: 'text', text: 'Hello', previewUrl: true },
  { type: 'image', media: { mediaId } },
  { type: 'image', media: { link }, caption: 'Look' },
  { type: 'video', media: { link } },
  { type: 'document', media: { link }, filename: 'bill.pdf' },
  { type: 'audio', media: { link }, voice: true },
  { type: 'sticker', media: { link } },
  { type: 'location', latitude: 18.52, longitude: 73.85, name: 'Pune', address: 'India' },
  {
    type: 'interactive',
    interactive: {
      type: 'button',
      body: { text: 'Coming?' },
      action: { buttons: [{ type: 'reply', reply: { id: 'y', title: 'Yes' } }] },
    },
  },
  { type: 'template', template: { name: 'welcome', language: 'en' } },
  {
    type: 'template',
    template: {
      name: 'order_update',
      language: 'en',
      header: { text: 'A-7', name: 'order_id' },
      body: { first_name: 'Asha', order_id: 'A-7', day: 'Friday' },
    },
  },
  {
    type: 'template',
    template: { name: 'order_picture', language: 'en', header: { image: { mediaId } }, body: ['Asha'] },
  },
  {
    type: 'template',
    template: {
      name: 'visit_reminder',
      language: 'en',
      body: ['Asha', 'Friday'],
      buttons: [
        { index: 0, url: 'visit-7' },
        { index: 1, quickReply: 'yes-7' },
      ],
    },
  },
  {
    type: 'template',
    template: {
      name: 'festival_offer',
      language: 'en',
      header: { text: 'Diwali' },
      body: ['Asha', '20 %'],
      buttons: [{ index: 0, code: 'DIWALI20' }],
    },
  },
  { type: 'template', template: { name: 'nobody', language: 'en', header: { document: { link } } } },
  { type: 'template', template: { name: 'nobody', language: 'en', buttons: [{ index: 0, flow: 'token' }] } },
  {
    type: 'template',
    template: { name: 'nobody', language: 'en', header: { location: { latitude: 1, longitude: 2 } } },
  },
];

test.skipIf(data === undefined)('requests and answers are as Meta describes them', async () => {
  const app = express();
  const server = await listen(app);
  const { origin } = server;
  const sandbox = await createSandbox({
    clock: new SandboxClock(),
    ownHosts: () => [new URL(origin).host],
    access: { admits: async () => true },
    whatsapp: {
      ...ids,
      channelId: 'channel',
      displayPhoneNumber: '+91 80471 00000',
      webhookUrl: () => `${origin}/webhooks`,
      appSecret: 'unused',
      verifyToken: 'unused',
      accessToken,
    },
    crms: {},
    rules: { whatsapp: { throughputPerSecond: 0 } },
  });
  onTestFinished(async () => {
    await sandbox.close();
    await server.close();
  });
  app.post('/webhooks', (_request, response) => void response.sendStatus(200));
  app.use('/sandbox', sandbox.router);
  const basePath = `${origin}/sandbox/whatsapp`;
  const written = await fetch(`${basePath}/customer/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ from: '919812345678', userId: 'IN.1', text: 'Hi' }),
  });
  const { wamid } = (await written.json()) as { wamid: string };

  const calls = recordVendorCalls();
  const provider = openCloudApi({ basePath, version: 'v26.0', accessToken, ...ids });
  const medium = {
    mimeType: 'image/png',
    filename: 'a.png',
    bytes: new Uint8Array([0x89, 0x50, 0x4e, 0x47]),
  };
  const uploaded = await provider.uploadMedia(medium);
  await provider.fetchMedia(uploaded, 1024);
  const send = (content: OutboundContent, whom: Partial<Outbound> = { waId: '919812345678' }) =>
    provider.send({
      content,
      opaque: crypto.randomUUID(),
      mediaIds: new Map([[mediaId, uploaded]]),
      asMarketing: false,
      ...whom,
    });
  const outcomes: string[] = [];
  for (const content of contents) outcomes.push((await send(content)).outcome);
  // Of the templates nobody has only the requests count.
  expect(outcomes).toEqual([...Array<string>(14).fill('accepted'), ...Array<string>(3).fill('refused')]);
  await send({ type: 'text', text: 'Yes', replyTo: wamid }, { bsuid: 'IN.1' });
  await send({ type: 'reaction', to: wamid, emoji: '👍' });
  await send(
    { type: 'template', template: { name: 'festival_offer', language: 'hi', body: ['आशा', '20 %'] } },
    { waId: '919812345678', asMarketing: true },
  );
  await provider.templates();
  for (const draft of starterTemplates) await provider.submitTemplate(draft);
  await provider
    .submitTemplate({ ...starterTemplates[0], name: 'Not a name' } as never)
    .catch(() => undefined);

  const exchanges = calls.flatMap(({ method, url, headers, sent, status, answered }): Exchange[] => {
    const path = /\/sandbox\/whatsapp(?<api>\/v26\.0\/.*)$/.exec(url.pathname)?.groups?.['api'];
    if (path === undefined) return [];
    const isJson = headers.get('content-type')?.startsWith('application/json') === true;
    return [
      { method, path, sent: isJson ? JSON.parse(sent) : undefined, status, answered: JSON.parse(answered) },
    ];
  });
  expect(exchanges.length).toBeGreaterThan(30);
  const descriptions = [...(data?.values() ?? [])] as Description[];
  const objections = exchanges.flatMap((exchange) =>
    objectionsTo(exchange, descriptions, { known: new Set() }),
  );
  const told = objections.map((one) => one.replace(/^\w+ \/v26\.0\/\d+\//, '').replaceAll(/\[\d+\]/g, '[]'));
  expect([...new Set(told)].toSorted()).toEqual(leftOut.toSorted());
});

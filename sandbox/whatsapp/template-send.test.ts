import { describe, expect, test } from 'vitest';
import { codeOf, openWhatsapp, wamidOf } from '../testing/whatsapp-fixture.ts';

const text = (value: unknown) => ({ type: 'text', text: value });
const body = (...values: unknown[]) => ({ type: 'body', parameters: values.map(text) });
const header = (...parameters: object[]) => ({ type: 'header', parameters });
const button = (index: number, subType: string, ...parameters: object[]) => ({
  type: 'button',
  sub_type: subType,
  index: String(index),
  parameters,
});
const named = (values: Record<string, string>) =>
  Object.entries(values).map(([name, value]) => ({ type: 'text', parameter_name: name, text: value }));

const order = [
  header(...named({ order_id: 'A-7' })),
  { type: 'body', parameters: named({ day: 'Friday', first_name: 'Asha', order_id: 'A-7' }) },
];
const visit = [body('Friday', '10:00'), button(0, 'url', text('17'))];
const offer = [
  header(text('Diwali')),
  body('Asha', '20 %'),
  button(0, 'copy_code', { type: 'coupon_code', coupon_code: 'DIWALI20' }),
];
const picture = { type: 'image', image: { link: 'https://example.com/a.jpg' } };

describe('a person sees the words with their values in them', () => {
  test.each<[string, object[], object]>([
    [
      'welcome',
      [],
      { body: 'Thank you for writing to us. Somebody answers within the hour.', footer: 'Sangam Sandbox' },
    ],
    ['order_update', order, { header: 'Order A-7', body: 'Hello Asha, your order A-7 comes on Friday.' }],
    [
      'order_picture',
      [header(picture), body('A-7')],
      { medium: { kind: 'image', link: 'https://example.com/a.jpg' } },
    ],
    [
      'visit_reminder',
      [...visit, button(1, 'quick_reply', { type: 'payload', payload: 'yes' })],
      {
        body: 'We see you on Friday at 10:00. Is that still right?',
        buttons: [
          { type: 'URL', text: 'See the visit', url: 'https://example.com/visits/17' },
          { type: 'QUICK_REPLY', text: 'Yes' },
          { type: 'QUICK_REPLY', text: 'Another day' },
        ],
      },
    ],
    [
      'festival_offer',
      offer,
      { header: 'For Diwali only', buttons: [{ text: 'Copy offer code: DIWALI20' }, {}] },
    ],
    [
      'login_code',
      [body('123456'), button(0, 'url', text('123456'))],
      { body: '*123456* is your verification code.' },
    ],
    ['share_number', [], { buttons: [{ type: 'REQUEST_CONTACT_INFO', text: 'Share Contact Info' }] }],
  ])('%s', async (name, components, seen) => {
    const whatsapp = await openWhatsapp();
    const reply = await whatsapp.sendTemplate(name, components);
    expect(reply).toMatchObject({ status: 200, body: { messages: [{ message_status: 'accepted' }] } });
    expect((await whatsapp.seen()).results).toMatchObject([
      {
        wamid: wamidOf(reply),
        type: 'template',
        status: 'delivered',
        template: { name, language: 'en' },
        ...seen,
      },
    ]);
  });
});

test('amounts and times are read in their written form', async () => {
  const whatsapp = await openWhatsapp();
  const parameters = [
    { type: 'date_time', date_time: { fallback_value: '3 December' } },
    { type: 'currency', currency: { fallback_value: '₹ 100', code: 'INR', amount_1000: 100_000 } },
  ];
  await whatsapp.sendTemplate('visit_reminder', [{ type: 'body', parameters }, button(0, 'url', text('1'))]);
  expect((await whatsapp.seen()).results).toMatchObject([
    { body: expect.stringContaining('3 December at ₹ 100') as string },
  ]);
});

test.each<[number, string, string, object[], string]>([
  [132_001, 'there is no such template', 'nothing', [], 'does not exist in en'],
  [132_001, 'it was rejected', 'rejected_offer', [], 'does not exist in en'],
  [132_015, 'it is paused', 'paused_offer', [], 'paused'],
  [
    132_000,
    'a value lacks',
    'visit_reminder',
    [body('Friday'), button(0, 'url', text('1'))],
    'body: number of localizable_params (1) does not match the expected number of params (2)',
  ],
  [132_000, 'a value is too many', 'welcome', [body('Asha')], 'body: number of localizable_params (1)'],
  [
    132_000,
    'the header lacks its value',
    'festival_offer',
    offer.slice(1),
    'header: number of localizable_params (0)',
  ],
  [
    100,
    'names lack',
    'order_update',
    [header(text('A-7')), body('Asha', 'A-7', 'Friday')],
    'Parameter name is missing or empty',
  ],
  [
    132_012,
    'a name is unknown',
    'order_update',
    [header(...named({ order: 'A-7' })), ...order.slice(1)],
    'header: parameter order',
  ],
  [
    132_000,
    'a name is given twice',
    'order_update',
    [
      order[0] ?? {},
      {
        type: 'body',
        parameters: [...named({ day: 'Friday', first_name: 'A' }), ...named({ day: 'Friday' })],
      },
    ],
    'given twice',
  ],
  [
    132_012,
    'the picture lacks',
    'order_picture',
    [body('A-7')],
    'header: Format mismatch, expected IMAGE, received UNKNOWN',
  ],
  [
    132_012,
    'a video stands for the picture',
    'order_picture',
    [header({ type: 'video', video: { id: '1' } }), body('A-7')],
    'header: Format mismatch, expected IMAGE, received VIDEO',
  ],
  [
    131_008,
    'the picture is nowhere',
    'order_picture',
    [header({ type: 'image', image: {} }), body('A-7')],
    'either id or link',
  ],
  [
    132_012,
    'a picture stands in the body',
    'visit_reminder',
    [{ type: 'body', parameters: [picture, text('10:00')] }, button(0, 'url', text('1'))],
    'received IMAGE',
  ],
  [
    131_008,
    'a value has no text',
    'visit_reminder',
    [body(undefined, '10:00'), button(0, 'url', text('1'))],
    'missing its value',
  ],
  [
    132_018,
    'a value is empty',
    'visit_reminder',
    [body('', '10:00'), button(0, 'url', text('1'))],
    'body: parameter 1 is empty',
  ],
  [
    132_018,
    'a value is of spaces',
    'visit_reminder',
    [body('  ', '10:00'), button(0, 'url', text('1'))],
    'is empty',
  ],
  [
    132_018,
    'a value has a line break',
    'visit_reminder',
    [body('Fri\nday', '10:00'), button(0, 'url', text('1'))],
    'new-line/tab',
  ],
  [
    132_018,
    'a value has a tab',
    'visit_reminder',
    [body('Friday', '10:\t00'), button(0, 'url', text('1'))],
    'body: parameter 2',
  ],
  [
    132_018,
    'a value has five spaces in a row',
    'visit_reminder',
    [body('Fri     day', '10:00'), button(0, 'url', text('1'))],
    'consecutive spaces',
  ],
  [
    132_005,
    'the words get too long',
    'visit_reminder',
    [body('a'.repeat(1_000), '10:00'), button(0, 'url', text('1'))],
    'characters',
  ],
  [
    131_008,
    'a link lacks its value',
    'visit_reminder',
    [body('Friday', '10:00')],
    'Button at index 0 of type URL requires a parameter',
  ],
  [
    132_018,
    "a link's value is empty",
    'visit_reminder',
    [body('Friday', '10:00'), button(0, 'url', text(''))],
    'Button at index 0',
  ],
  [
    132_018,
    'there is no such button',
    'visit_reminder',
    [...visit, button(7, 'quick_reply')],
    'no button at index 7',
  ],
  [
    132_012,
    'the button is another',
    'visit_reminder',
    [body('Friday', '10:00'), button(0, 'quick_reply')],
    'expected URL',
  ],
  [
    132_018,
    'a button takes no value',
    'share_number',
    [button(0, 'request_contact_info', text('1'))],
    'takes no parameter',
  ],
  [
    131_008,
    'the code to copy lacks',
    'festival_offer',
    offer.slice(0, 2),
    'Button at index 0 of type COPY_CODE',
  ],
])('%i: %s', async (code, _, name, components, details) => {
  const whatsapp = await openWhatsapp();
  const reply = await whatsapp.sendTemplate(name, components);
  expect(reply.body).toMatchObject({
    error: { code, error_data: { details: expect.stringContaining(details) as string } },
  });
  expect(reply.status).toBe(code === 132_001 ? 404 : 400);
  expect((await whatsapp.seen()).results).toEqual([]);
  expect(await whatsapp.statuses()).toEqual([]);
});

test.each(['DISABLED', 'PENDING', 'IN_APPEAL', 'PENDING_DELETION', 'ARCHIVED'])(
  'a template that is %s is not sent',
  async (status) => {
    const whatsapp = await openWhatsapp();
    await whatsapp.control('PUT', '/templates/welcome/en', { status });
    expect(codeOf(await whatsapp.sendTemplate('welcome'))).toBe(status === 'DISABLED' ? 132_016 : 132_001);
    await whatsapp.control('PUT', '/templates/welcome/en', { status: 'APPROVED' });
    expect((await whatsapp.sendTemplate('welcome')).status).toBe(200);
  },
);

test('rules spaceRunMax and hydratedBodyMax the other way', async () => {
  const whatsapp = await openWhatsapp();
  const fourSpaces = [body('Fri    day', '10:00'), button(0, 'url', text('1'))];
  expect((await whatsapp.sendTemplate('visit_reminder', fourSpaces)).status).toBe(200);
  await whatsapp.rules({ spaceRunMax: 3 });
  expect(codeOf(await whatsapp.sendTemplate('visit_reminder', fourSpaces))).toBe(132_018);
  const long = [body('a'.repeat(1_000), '10:00'), button(0, 'url', text('1'))];
  await whatsapp.rules({ hydratedBodyMax: 4_096 });
  expect((await whatsapp.sendTemplate('visit_reminder', long)).status).toBe(200);
});

test('131062: a code is sent to a phone, never to a user id; other templates are', async () => {
  const whatsapp = await openWhatsapp();
  const code = [body('123456'), button(0, 'url', text('123456'))];
  expect(codeOf(await whatsapp.sendTemplate('login_code', code, { recipient: 'IN.1' }))).toBe(131_062);
  expect((await whatsapp.sendTemplate('login_code', code, { to: '1', recipient: 'IN.1' })).status).toBe(200);
  expect((await whatsapp.sendTemplate('welcome', [], { recipient: 'IN.1' })).status).toBe(200);
});

test('131053: the sample of a header is accepted and fails', async () => {
  const whatsapp = await openWhatsapp();
  const { body: told } = await whatsapp.graph('GET', '/200000000000001/message_templates?name=order_picture');
  const [{ components }] = (told as { data: [{ components: { example: { header_handle: [string] } }[] }] })
    .data;
  const sample = { type: 'image', image: { link: components[0]?.example.header_handle[0] } };
  expect((await whatsapp.sendTemplate('order_picture', [header(sample), body('A-7')])).status).toBe(200);
  expect(await whatsapp.statuses()).toMatchObject([{ status: 'failed', errors: [{ code: 131_053 }] }]);
});

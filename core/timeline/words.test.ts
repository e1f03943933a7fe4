import { describe, expect, test } from 'vitest';
import { parseSlice, splitWebhook } from '../whatsapp/index.ts';
import { timelineLines, wordsOf } from './index.ts';

/** What a rep reads of a message, built as WhatsApp sends it. */
function shown(message: object): string {
  const [event] = splitWebhook({
    entry: [
      {
        changes: [
          { field: 'messages', value: { messages: [{ id: 'w1', from: '919812345678', ...message }] } },
        ],
      },
    ],
  });
  const parsed = event === undefined ? undefined : parseSlice(event.slice);
  if (parsed?.kind !== 'message') throw new Error('It is a message.');
  return wordsOf(parsed, 'Asia/Kolkata');
}

const interactive = (body: object): object => ({ type: 'interactive', interactive: body });

test.each([
  ['smb_message_echoes', { message_echoes: [{ type: 'template', template: { name: 'diwali_offer' } }] }],
  ['smb_message_echoes', { message_echoes: [{ template: { name: 'diwali_offer' } }] }],
  [
    'standby',
    { standby: { message_echoes: [{ message: { type: 'template', template: { name: 'diwali_offer' } } }] } },
  ],
  [
    'standby',
    { standby: { message_echoes: [{ message: { type: 'template' }, template: { name: 'diwali_offer' } }] } },
  ],
])('a rep reads which template another tool sent: %s %j', (field, value) => {
  const written = JSON.stringify(value).replace(
    '"message_echoes":[{',
    '"message_echoes":[{"id":"w1","from":"918047100000","to":"919812345678",',
  );
  const [event] = splitWebhook({ entry: [{ changes: [{ field, value: JSON.parse(written) as object }] }] });
  const parsed = event === undefined ? undefined : parseSlice(event.slice);
  if (parsed?.kind !== 'echo') throw new Error('It is an echo.');
  expect(wordsOf(parsed, 'UTC')).toBe('[template] diwali_offer');
});

describe('a rep reads', () => {
  test.each([
    [
      'an order with its pieces, prices and note',
      {
        type: 'order',
        order: {
          text: 'by Friday please',
          product_items: [
            { product_retailer_id: 'TEA-1', quantity: 2, item_price: 120.5, currency: 'INR' },
            { product_retailer_id: 'CUP', quantity: '1' },
          ],
        },
      },
      '[order] 2 x TEA-1 at INR 120.5, 1 x CUP by Friday please',
    ],
    [
      'a place with its name, address and where it is',
      {
        type: 'location',
        location: { latitude: 18.52, longitude: '73.85', name: 'Shop', address: 'MG Road, Pune' },
      },
      '[location] Shop, MG Road, Pune (18.52, 73.85)',
    ],
    [
      'a place without a name',
      { type: 'location', location: { latitude: 18.52, longitude: 73.85 } },
      '[location] (18.52, 73.85)',
    ],
    [
      'which product a question is about',
      {
        type: 'text',
        text: { body: 'Is it there in red?' },
        context: { id: 'w0', referred_product: { catalog_id: 'c', product_retailer_id: 'SKU-9' } },
      },
      'Is it there in red? [about product SKU-9]',
    ],
    [
      'a product asked about with a photo',
      {
        type: 'image',
        image: { id: '1', caption: 'this one?' },
        context: { referred_product: { product_retailer_id: 9 } },
      },
      '[image] this one? [about product 9]',
    ],
    [
      'a card of which only the vCard came',
      {
        type: 'contacts',
        contacts: [
          {
            vcard:
              'BEGIN:VCARD\r\nVERSION:3.0\r\nN:Kumar;Ravi;;;\r\nFN:Ravi Kumar\\, Plumb\r\n er\r\n' +
              'item1.TEL;type=CELL;waid=919820011111:+91 98200 11111\r\nTEL:tel:+912022222222\r\nEND:VCARD',
          },
        ],
      },
      '[contact] Ravi Kumar, Plumber +91 98200 11111, +912022222222',
    ],
    [
      'a vCard beside what it says, once',
      {
        type: 'contacts',
        contacts: [
          {
            name: { formatted_name: 'Ravi' },
            phones: [{ phone: '+91 98200 22222' }],
            vcard: 'BEGIN:VCARD\nFN:Ravi K\nTEL:+919820022222\nEND:VCARD',
          },
        ],
      },
      '[contact] Ravi +91 98200 22222',
    ],
    [
      'a vCard that is none',
      { type: 'contacts', contacts: [{ vcard: 'x' }, { vcard: 5 }] },
      '[contact]\n[contact]',
    ],
    [
      'cards with name and numbers',
      {
        type: 'contacts',
        contacts: [
          {
            name: { formatted_name: 'Ravi' },
            phones: [{ phone: '+91 98200 22222' }, { wa_id: '919820033333' }],
          },
          { name: { first_name: 'Bela', last_name: 'K' } },
        ],
      },
      '[contact] Ravi +91 98200 22222, +919820033333\n[contact] Bela K',
    ],
    [
      'the number they shared when asked, as they wrote it',
      { type: 'contacts', contacts: [{ origin: 'contact_request', phones: [{ phone: '098123 45678' }] }] },
      '[shared their number] 098123 45678',
    ],
    [
      'until when they may be called, in the business’s time',
      interactive({
        type: 'call_permission_reply',
        call_permission_reply: { response: 'accept', expiration_timestamp: 1_796_238_000 },
      }),
      '[may be called until 3 December 2026 at 00:30]',
    ],
    [
      'that they may be called for good',
      interactive({ call_permission_reply: { response: 'accept', is_permanent: true } }),
      '[may be called]',
    ],
    [
      'that they may not be called',
      interactive({ call_permission_reply: { response: 'reject' } }),
      '[may not be called]',
    ],
    [
      'how they pay',
      interactive({
        type: 'payment_method',
        payment_method: { payment_method: 'pix', reference_id: 'order-7' },
      }),
      '[chose how to pay] pix order-7',
    ],
    [
      'where to see what WhatsApp does not hand over',
      { type: 'unsupported', errors: [{ code: 131_060, title: 'This message is unavailable' }] },
      '[unavailable here: see it in the WhatsApp app]',
    ],
    [
      'the answers of a form',
      interactive({ nfm_reply: { response_json: '{"city":"Pune","flow_token":"t","rooms":[1,2]}' } }),
      '[answered a form]\ncity: Pune\nrooms: [1,2]',
    ],
    [
      'a form’s answers that are broken',
      interactive({ nfm_reply: { response_json: '{oops' } }),
      '[answered a form] {oops',
    ],
    [
      'a form’s answers that are a list',
      interactive({ nfm_reply: { response_json: '["a"]' } }),
      '[answered a form] ["a"]',
    ],
    ['a form without answers', interactive({ nfm_reply: { name: 'flow' } }), '[answered a form]'],
    [
      'why a medium did not come',
      {
        type: 'image',
        image: { id: '1', caption: 'my roof' },
        errors: [{ code: 131_052, title: 'Media download error' }],
      },
      '[image] my roof [incomplete: Media download error]',
    ],
    [
      'a file with its name',
      { type: 'document', document: { id: '1', filename: 'plan.pdf', caption: 'see' } },
      '[document] plan.pdf see',
    ],
    [
      'that a photo was not imported',
      { type: 'media_placeholder' },
      '[a photo, video or file, not imported]',
    ],
    ['plain words', { text: { body: 'hello' } }, 'hello'],
    ['of an unheard-of type what it is called', { type: 'poll' }, '[poll]'],
  ])('%s', (_name, message, words) => {
    expect(shown(message)).toBe(words);
  });
});

test('one reply answers the last of several messages, not every earlier one', () => {
  const minute = 60_000;
  const line = (wamid: string, direction: 'in' | 'out', at: number) => ({
    wamid,
    direction,
    at,
    origin: direction === 'in' ? ('customer' as const) : ('phone app' as const),
    content: undefined,
    times: {},
    errorCode: undefined,
  });
  const messages = [
    line('a', 'out', minute),
    line('b', 'out', 2 * minute),
    line('c', 'in', 3 * minute),
    line('d', 'in', 4 * minute),
    line('e', 'out', 5 * minute),
  ];
  const lines = timelineLines(messages, messages, { customer: 'Asha', text: 'full', timeZone: 'UTC' });
  expect(lines.map(({ replied }) => replied)).toEqual([false, true, false, false, false]);
});

/**
 * One webhook body of each kind, made up here after Meta's documentation: what the published payloads show, for a clone
 * that has none. docs/vendors/whatsapp.md §1.
 */
const from = { from: '919812345678', from_user_id: 'IN.100' };
const contacts = [{ profile: { name: 'Asha Rao' }, wa_id: '919812345678', user_id: 'IN.100' }];
const at = (second: number): string => String(1_750_000_000 + second);

function body(field: string, value: object): object {
  const metadata = { display_phone_number: '918047100000', phone_number_id: '100200300' };
  return {
    object: 'whatsapp_business_account',
    entry: [
      { id: '400500600', changes: [{ field, value: { messaging_product: 'whatsapp', metadata, ...value } }] },
    ],
  };
}

const message = (id: string, second: number, item: object): object =>
  body('messages', { contacts, messages: [{ ...from, id: `wamid.${id}`, timestamp: at(second), ...item }] });
const status = (second: number, item: object): object =>
  body('messages', {
    statuses: [
      {
        id: 'wamid.out',
        recipient_id: from.from,
        recipient_user_id: 'IN.100',
        timestamp: at(second),
        ...item,
      },
    ],
  });

export const constructedPayloads: ReadonlyMap<string, object> = new Map([
  ['text', message('text', 1, { type: 'text', text: { body: 'Is it there?' } })],
  [
    'text from an ad',
    message('ad', 2, {
      type: 'text',
      text: { body: 'Hello' },
      referral: { source_type: 'ad', source_id: '77', source_url: 'https://ad.example/77', headline: 'Blue' },
    }),
  ],
  [
    'reply',
    message('reply', 3, {
      type: 'text',
      text: { body: 'This one' },
      context: { from: '918047100000', id: 'wamid.out' },
    }),
  ],
  [
    'image with a caption',
    message('image', 4, {
      type: 'image',
      image: { id: '9', mime_type: 'image/jpeg', sha256: 'x', caption: 'Look' },
    }),
  ],
  [
    'document',
    message('document', 5, {
      type: 'document',
      document: { id: '9', mime_type: 'application/pdf', sha256: 'x', filename: 'bill.pdf' },
    }),
  ],
  [
    'location',
    message('location', 6, { type: 'location', location: { latitude: 18.5, longitude: 73.8, name: 'Shop' } }),
  ],
  [
    'contact card',
    message('card', 7, {
      type: 'contacts',
      contacts: [{ name: { formatted_name: 'Ravi' }, phones: [{ phone: '+91 98123 00000' }] }],
    }),
  ],
  [
    'reaction',
    message('reaction', 8, { type: 'reaction', reaction: { message_id: 'wamid.out', emoji: '👍' } }),
  ],
  [
    'button of a template',
    message('button', 9, { type: 'button', button: { text: 'Stop promotions', payload: 'STOP' } }),
  ],
  [
    'answer from a list',
    message('list', 10, {
      type: 'interactive',
      interactive: { type: 'list_reply', list_reply: { id: 'a', title: 'Large' } },
    }),
  ],
  [
    'answers of a Flow',
    message('flow', 11, {
      type: 'interactive',
      interactive: {
        type: 'nfm_reply',
        nfm_reply: { name: 'flow', body: 'Sent', response_json: '{"city":"Pune"}' },
      },
    }),
  ],
  [
    'order',
    message('order', 12, {
      type: 'order',
      order: {
        catalog_id: '1',
        product_items: [{ product_retailer_id: 'a', quantity: 2, item_price: 10, currency: 'INR' }],
      },
    }),
  ],
  [
    'unsupported',
    message('unsupported', 13, {
      type: 'unsupported',
      errors: [{ code: 131051, title: 'Message type unknown', message: 'Message type unknown' }],
    }),
  ],
  [
    'number change',
    message('system', 14, {
      type: 'system',
      system: { type: 'user_changed_number', body: 'changed', wa_id: '919899999999' },
    }),
  ],
  ['stop in whole words', message('stop', 15, { type: 'text', text: { body: 'STOP' } })],
  [
    'status sent',
    status(16, { status: 'sent', pricing: { billable: true, pricing_model: 'PMP', category: 'service' } }),
  ],
  ['status read', status(17, { status: 'read' })],
  [
    'status failed',
    status(18, { status: 'failed', errors: [{ code: 131026, title: 'Message undeliverable' }] }),
  ],
  [
    'WhatsApp’s own stop',
    body('user_preferences', {
      contacts,
      user_preferences: [
        {
          wa_id: from.from,
          user_id: 'IN.100',
          category: 'marketing_messages',
          value: 'stop',
          timestamp: 1_750_000_019,
        },
      ],
    }),
  ],
  [
    'echo of the phone app',
    body('smb_message_echoes', {
      message_echoes: [
        {
          from: '918047100000',
          to: from.from,
          to_user_id: 'IN.100',
          id: 'wamid.echo',
          timestamp: at(20),
          type: 'text',
          text: { body: 'Yes' },
        },
      ],
    }),
  ],
  [
    'imported history',
    body('history', {
      history: [
        {
          metadata: { phase: 0, chunk_order: 1, progress: 10 },
          threads: [
            {
              id: from.from,
              messages: [
                {
                  from: from.from,
                  id: 'wamid.old',
                  timestamp: at(-1000),
                  type: 'text',
                  text: { body: 'Long ago' },
                  history_context: { status: 'READ' },
                },
              ],
            },
          ],
        },
      ],
    }),
  ],
  ['account update', body('account_update', { phone_number: '918047100000', event: 'VERIFIED_ACCOUNT' })],
  [
    'template update',
    body('message_template_status_update', {
      event: 'APPROVED',
      message_template_id: 1,
      message_template_name: 'hello',
      message_template_language: 'en',
    }),
  ],
  ['errors of the number', body('messages', { errors: [{ code: 130429, title: 'Rate limit hit' }] })],
]);

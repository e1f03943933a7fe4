import type { Template } from './template.ts';

/** The templates an account has from the start. The sandbox's own, in Meta's shape. */

type Standing = Pick<Template, 'name' | 'language' | 'category' | 'components'> & Partial<Template>;

/** Where Meta keeps a header's sample; not to be sent. docs/vendors/whatsapp.md §3.2. */
export const sampleHost = 'scontent.whatsapp.net';

const positional = (...values: string[]): Record<string, unknown> => ({ body_text: [values] });
const named = (values: Readonly<Record<string, string>>): Record<string, unknown> => ({
  body_text_named_params: Object.entries(values).map(([name, example]) => ({ param_name: name, example })),
});

const templates: readonly Standing[] = [
  {
    name: 'welcome',
    language: 'en',
    category: 'UTILITY',
    components: [
      { type: 'BODY', text: 'Thank you for writing to us. Somebody answers within the hour.' },
      { type: 'FOOTER', text: 'Sangam Sandbox' },
    ],
  },
  {
    name: 'welcome',
    language: 'hi',
    category: 'UTILITY',
    components: [
      { type: 'BODY', text: 'हमें लिखने के लिए धन्यवाद। एक घंटे के भीतर जवाब मिलेगा।' },
      { type: 'FOOTER', text: 'Sangam Sandbox' },
    ],
  },
  {
    name: 'order_update',
    language: 'en',
    category: 'UTILITY',
    parameterFormat: 'NAMED',
    components: [
      {
        type: 'HEADER',
        format: 'TEXT',
        text: 'Order {{order_id}}',
        example: { header_text_named_params: [{ param_name: 'order_id', example: 'A-1001' }] },
      },
      {
        type: 'BODY',
        text: 'Hello {{first_name}}, your order {{order_id}} comes on {{day}}.',
        example: named({ first_name: 'Asha', order_id: 'A-1001', day: 'Friday' }),
      },
    ],
  },
  {
    name: 'order_update',
    language: 'hi',
    category: 'UTILITY',
    parameterFormat: 'NAMED',
    components: [
      {
        type: 'HEADER',
        format: 'TEXT',
        text: 'ऑर्डर {{order_id}}',
        example: { header_text_named_params: [{ param_name: 'order_id', example: 'A-1001' }] },
      },
      {
        type: 'BODY',
        text: 'नमस्ते {{first_name}}, आपका ऑर्डर {{order_id}} {{day}} को आएगा।',
        example: named({ first_name: 'आशा', order_id: 'A-1001', day: 'शुक्रवार' }),
      },
    ],
  },
  {
    name: 'order_picture',
    language: 'en',
    category: 'UTILITY',
    components: [
      {
        type: 'HEADER',
        format: 'IMAGE',
        example: { header_handle: [`https://${sampleHost}/v/t61.29466-34/sample.jpg?ccb=1-7&oh=01&oe=02`] },
      },
      { type: 'BODY', text: 'Here is your order {{1}}, as it left us.', example: positional('A-1001') },
    ],
  },
  {
    name: 'visit_reminder',
    language: 'en',
    category: 'UTILITY',
    components: [
      {
        type: 'BODY',
        text: 'We see you on {{1}} at {{2}}. Is that still right?',
        example: positional('Friday', '10:00'),
      },
      {
        type: 'BUTTONS',
        buttons: [
          {
            type: 'URL',
            text: 'See the visit',
            url: 'https://example.com/visits/{{1}}',
            example: ['https://example.com/visits/17'],
          },
          { type: 'QUICK_REPLY', text: 'Yes' },
          { type: 'QUICK_REPLY', text: 'Another day' },
        ],
      },
    ],
  },
  {
    name: 'share_number',
    language: 'en',
    category: 'UTILITY',
    components: [
      { type: 'BODY', text: 'May we call you about your order? Share your number with one tap.' },
      { type: 'BUTTONS', buttons: [{ type: 'REQUEST_CONTACT_INFO', text: 'Share Contact Info' }] },
    ],
  },
  {
    name: 'festival_offer',
    language: 'en',
    category: 'MARKETING',
    components: [
      { type: 'HEADER', format: 'TEXT', text: 'For {{1}} only', example: { header_text: ['Diwali'] } },
      {
        type: 'BODY',
        text: 'Hello {{1}}, this week everything is {{2}} off.',
        example: positional('Asha', '20 %'),
      },
      { type: 'FOOTER', text: 'Not interested? Tap Stop promotions' },
      {
        type: 'BUTTONS',
        buttons: [
          { type: 'COPY_CODE', text: 'Copy offer code', example: ['DIWALI20'] },
          { type: 'QUICK_REPLY', text: 'Stop promotions' },
        ],
      },
    ],
  },
  {
    name: 'festival_offer',
    language: 'hi',
    category: 'MARKETING',
    components: [
      { type: 'BODY', text: 'नमस्ते {{1}}, इस हफ़्ते सब कुछ {{2}} सस्ता है।', example: positional('आशा', '20 %') },
      { type: 'BUTTONS', buttons: [{ type: 'QUICK_REPLY', text: 'प्रचार बंद करें' }] },
    ],
  },
  {
    name: 'login_code',
    language: 'en',
    category: 'AUTHENTICATION',
    components: [
      {
        type: 'BODY',
        text: '*{{1}}* is your verification code.',
        add_security_recommendation: false,
        example: positional('123456'),
      },
      {
        type: 'BUTTONS',
        buttons: [
          {
            type: 'URL',
            text: 'Copy code',
            url: 'https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}',
            example: ['https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp123456'],
          },
        ],
      },
    ],
  },
  {
    name: 'paused_offer',
    language: 'en',
    category: 'MARKETING',
    status: 'PAUSED',
    quality: 'RED',
    components: [{ type: 'BODY', text: 'Everything must go, today.' }],
  },
  {
    name: 'rejected_offer',
    language: 'en',
    category: 'MARKETING',
    status: 'REJECTED',
    rejectedReason: 'TAG_CONTENT_MISMATCH',
    components: [{ type: 'BODY', text: 'You have won. Tell us your bank account to be paid.' }],
  },
];

/** Ids fit into a JSON number, as webhooks have them. */
export const firstTemplateId = 1_000_000_000_000_001;

export function standingTemplates(): Template[] {
  return templates.map((template, index) => ({
    id: String(firstTemplateId + index),
    status: 'APPROVED',
    quality: template.status === undefined ? 'GREEN' : 'UNKNOWN',
    parameterFormat: 'POSITIONAL',
    ...template,
  }));
}

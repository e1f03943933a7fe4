/**
 * Why WhatsApp did not take or deliver a message, and what is done about it: the one table of its error codes.
 * docs/vendors/whatsapp.md §3.6.
 */

export type SendAction =
  /** What we know of the template is out of date: ask for it, check anew. */
  | 'sync template'
  | 'template paused'
  | 'template disabled'
  | 'window closed'
  /** To this person, for a day. */
  | 'marketing capped'
  | 'not reachable'
  /** Of the whole channel. */
  | 'marketing stops'
  | 'opted out'
  | 'pair rests'
  | 'slow down'
  /** Nothing leaves until an admin has cured it. */
  | 'channel stops'
  /** The medium is uploaded anew. */
  | 'medium again'
  | 'phone instead'
  | 'marketing endpoint'
  | 'try again'
  /** To be mended by whoever asked for it. */
  | 'refused';

export type SendErrorRule = {
  /** What happened and what to do, for who reads the conversation. */
  readonly words: string;
} & (
  | { readonly action: Exclude<SendAction, 'channel stops' | 'marketing stops'> }
  /** `cure`: what an admin does. */
  | { readonly action: 'channel stops' | 'marketing stops'; readonly cure: string }
);

/** WhatsApp said that it could not be reached, or we found so before anything was sent. */
export const unavailableCode = 2;

/** Codes, or the first and last of a range. */
type Codes = readonly (number | readonly [first: number, last: number])[];

const newToken =
  'make a new access token for a system user in Meta’s business settings, and enter it at the number';
const payment =
  'see to the payment method of the WhatsApp Business account in Meta’s billing settings, then continue the number';
const policy =
  'look into the account’s quality and appeals in Meta’s Business Support; continue the number once Meta lifts the block';
const registration = 'register the number anew with its PIN in WhatsApp Manager, then continue it';
const permission =
  'give the token’s system user the WhatsApp account with whatsapp_business_messaging and whatsapp_business_management, then ' +
  'continue the number';

const table: readonly (readonly [Codes, SendErrorRule])[] = [
  [
    [0, 102, 104, 190],
    {
      action: 'channel stops',
      words: 'WhatsApp does not accept the number’s access token: an admin has to renew it',
      cure: newToken,
    },
  ],
  [
    [3, 10, [200, 299], 131005],
    {
      action: 'channel stops',
      words: 'the number’s access token may not send: an admin has to permit it',
      cure: permission,
    },
  ],
  [
    [368, 131031],
    {
      action: 'channel stops',
      words: 'WhatsApp has blocked the business’s account: an admin has to see to it',
      cure: policy,
    },
  ],
  [
    [130497],
    {
      action: 'channel stops',
      words: 'WhatsApp does not let this business write to people of that country',
      cure: 'see in WhatsApp Manager which countries the business may write to, then continue the number',
    },
  ],
  [
    [131037],
    {
      action: 'channel stops',
      words: 'the number’s display name is not approved: an admin has to see to it',
      cure: 'get the number’s display name approved in WhatsApp Manager, then continue the number',
    },
  ],
  [
    [131042, 131044],
    {
      action: 'channel stops',
      words: 'WhatsApp cannot charge the business: an admin has to see to the payment',
      cure: payment,
    },
  ],
  [
    [131045, [133000, 133016]],
    {
      action: 'channel stops',
      words: 'the number is not registered with WhatsApp: an admin has to register it',
      cure: registration,
    },
  ],

  [[132000], { action: 'sync template', words: 'the template got the wrong number of values' }],
  [[132001], { action: 'sync template', words: 'there is no such template in that language' }],
  [[132005], { action: 'sync template', words: 'the template with its values is too long: shorten them' }],
  [[132012], { action: 'sync template', words: 'a value of the template is of the wrong kind' }],
  [
    [132008, 132018],
    {
      action: 'sync template',
      words: 'a value of the template is empty, or holds a line break, a tab or many spaces: correct it',
    },
  ],
  [[132015], { action: 'template paused', words: 'the template is paused for its quality' }],
  [[132016], { action: 'template disabled', words: 'the template is switched off for its quality' }],
  [
    [132007],
    { action: 'template disabled', words: 'the template is against WhatsApp’s rules: use another one' },
  ],

  [
    [131047],
    {
      action: 'window closed',
      words: 'WhatsApp says that they have not written in the last 24 hours: only a template goes through',
    },
  ],
  [[130472], { action: 'marketing capped', words: 'WhatsApp shows this person no marketing for now' }],
  [
    [131049],
    { action: 'marketing capped', words: 'WhatsApp held it back to limit marketing to this person' },
  ],
  [[131026], { action: 'not reachable', words: 'this number cannot receive it: it may not be on WhatsApp' }],
  [[131050], { action: 'opted out', words: 'this person stopped marketing messages' }],
  [
    [131048],
    {
      action: 'marketing stops',
      words: 'too many people blocked or reported this number: its marketing stops',
      cure: 'send less, and only to who asked for it; continue the number once its quality in WhatsApp Manager is no longer low',
    },
  ],
  [
    [131064],
    {
      action: 'marketing stops',
      words: 'templates of this business were in the wrong category: its marketing stops',
      cure: 'put the templates WhatsApp Manager names right; continue the number once Meta lifts the limit',
    },
  ],
  [[131056], { action: 'pair rests', words: 'too many messages to this person at once: they wait' }],
  [
    [4, 80007, 130429],
    { action: 'slow down', words: 'more messages than WhatsApp takes at once: they wait' },
  ],

  [[131052], { action: 'medium again', words: 'the media could not be downloaded' }],
  [[131053], { action: 'medium again', words: 'the media could not be uploaded' }],
  [
    [131062],
    { action: 'phone instead', words: 'this message needs the customer’s phone number, which is not known' },
  ],
  [
    [131063],
    {
      action: 'marketing endpoint',
      words: 'this business sends marketing by Meta’s Marketing Messages API only',
    },
  ],
  [
    [1, unavailableCode, 131000, 131016, 131057],
    { action: 'try again', words: 'WhatsApp could not take it at that moment' },
  ],

  [
    [33, 100, 131008, 131009, 135000],
    { action: 'refused', words: 'WhatsApp did not understand it: part of it is missing or wrong' },
  ],
  [[131021], { action: 'refused', words: 'a number cannot write to itself' }],
  [
    [131030],
    { action: 'refused', words: 'this number is not on the list of those a test number may write to' },
  ],
  [[131051], { action: 'refused', words: 'this type of message is not supported' }],
  [[132068], { action: 'refused', words: 'the form in it is blocked: correct it in WhatsApp Manager' }],
  [
    [132069],
    { action: 'refused', words: 'the form in it may be sent only ten times an hour: try again later' },
  ],
  [[134011], { action: 'refused', words: 'the terms of WhatsApp payments are not accepted yet' }],
  [
    [137000],
    { action: 'refused', words: 'this person’s WhatsApp was set up anew: make sure who they are first' },
  ],
];

const byCode: ReadonlyMap<number, SendErrorRule> = new Map(
  table.flatMap(([codes, rule]) =>
    codes.flatMap((one) => {
      const [first, last] = typeof one === 'number' ? [one, one] : one;
      return Array.from({ length: last - first + 1 }, (_, index) => [first + index, rule] as const);
    }),
  ),
);

/** What a code means to us; one nobody knows is refused. */
export function sendErrorOf(code: number): SendErrorRule {
  return byCode.get(code) ?? { action: 'refused', words: `WhatsApp's error ${String(code)}` };
}

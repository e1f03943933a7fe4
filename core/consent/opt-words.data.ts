/**
 * Words by which a person ends or starts messages, when they are the whole message. Collected from
 * docs/vendors/whatsapp.md §4.2 and from what people are known to write. `reviewed: false` = no native reviewer has
 * confirmed them: switched off until an admin switches them on. Generous with withdrawals, strict with grants.
 * Left out on purpose, for they answer other questions too: cancel, cancel subscription, end, quit, no, yes, ok, haan.
 */
export interface OptWordList {
  /** BCP 47. */
  readonly language: string;
  readonly source: string;
  readonly reviewed: boolean;
  readonly stop: readonly string[];
  readonly stopAll: readonly string[];
  /** Other verbs and their objects, as people put them together. */
  readonly phrases?: WithdrawalPhrases;
  /** A withdrawal where it was typed; a menu's row of this name is about something else. */
  readonly doNotDisturb: readonly string[];
  /** What menus and their buttons are called too: a grant only where it was typed. */
  readonly start: readonly string[];
  /** What is nothing but a grant: typed, or what a button stands for. */
  readonly subscribe: readonly string[];
  /** What may stand before or after a withdrawal without changing it. */
  readonly courtesies: readonly string[];
  /** The same of "stop" and its like, but not of "do not": "do not text me now" is about now. */
  readonly hurries: readonly string[];
}

/**
 * Patterns of whole messages, written as words with `a|b`, `( )`, `?`, `*`, and `<part>` for one of `parts`, which may
 * hold parts that stand before them.
 */
export interface WithdrawalPhrases {
  readonly parts: Readonly<Record<string, string>>;
  readonly stopAll: readonly string[];
  readonly stop: readonly string[];
  /** "Do not …", "no more …". */
  readonly refuse: readonly string[];
}

const source = 'docs/vendors/whatsapp.md §4.2';

/** The English word in the scripts of India's languages: whoever writes it means STOP. */
const stopInOtherScripts = [
  'स्टॉप',
  'स्टाप',
  'स्टोप',
  'স্টপ',
  'સ્ટોપ',
  'સ્ટૉપ',
  'ਸਟਾਪ',
  'ਸਟੌਪ',
  'ஸ்டாப்',
  'స్టాప్',
  'ಸ್ಟಾಪ್',
  'സ്റ്റോപ്പ്',
  'സ്റ്റോപ്',
  'ଷ୍ଟପ୍',
  'ସ୍ଟପ୍',
  'اسٹاپ',
];

/** Of languages of which nothing but withdrawals is known yet. */
const nothingElse = { stopAll: [], doNotDisturb: [], start: [], subscribe: [], courtesies: [], hurries: [] };

const english: WithdrawalPhrases = {
  parts: {
    wish: 'i (want|wish|would like) to',
    not: "do not|dont|don't|donot|never",
    any: 'the|these|those|this|such|your|any|any more|more|further',
    by: 'whatsapp|sms|text|business|bulk|unwanted',
    kind: 'promotional|promotion|promo|marketing|advertising|advertisement|ad|commercial|spam',
    message: 'message|messages|msg|msgs|notification|notifications|communication|communications',
    news: '<message>|sms|texts|whatsapp|update|updates',
    advert:
      'promotion|promotions|promo|promos|marketing|offers|ad|ads|advertising|advertisements|spam|newsletter',
    messages: '<any>* <by>* <news>',
    adverts: '(all|<any>)* (<by>|<kind>)* (<advert>|<kind> <news>)',
    notices: '(<by>|<kind>)* (<message>|ads|spam|promotions)',
    from: 'from you|from your side|to me|on whatsapp|anymore|any more|again',
    what: '(<messages>|<adverts>) <from>?',
    it: 'it|this|that|these|those',
    leave: '<wish>? (unsubscribe|un subscribe|unsubscribed|unsub|opt out|optout|opt me out) me?',
    me: 'me|my (phone|mobile|whatsapp)? number',
    list: '(the|this|your|all|my)* (contact|mailing|broadcast|marketing|whatsapp|message|sms)* (list|lists|database)',
  },
  stopAll: [
    'stopall',
    'stop (sending me?)? (all|everything)',
    '<wish>? stop (sending me?|receiving|getting)? all of? <messages> <from>?',
    '<leave> (from|of)? (all|everything)',
    '<leave> (from|of) all of? <messages>',
  ],
  stop: [
    'stop stop*',
    'stop <it>',
    'stop (messaging|texting|spamming|contacting|bothering|disturbing) me? <from>?',
    'stop sending me? (<it>|<what>)?',
    '<wish>? stop (receiving|getting)? <what>',
    '<leave> ((from|of) (<it>|<what>|<list>))?',
    '(remove|delete) <me> ((from|off) <list>)?',
    'take <me> (off|from|out of) <list>',
  ],
  refuse: [
    'no more <notices>',
    'i? <not> want (to (receive|get))? <any>* <notices>',
    '<not> (message|text|contact|spam|whatsapp) me (again|anymore|any more)?',
    '<not> send me? (any|any more|more|further|these|such|your)* (<notices>|offers|updates) <from>?',
  ],
};

export const optWordLists: readonly OptWordList[] = [
  {
    language: 'en',
    source: `${source}, and what people write to businesses`,
    reviewed: true,
    stop: ['stop', 's t o p', ...stopInOtherScripts],
    stopAll: [],
    phrases: english,
    doNotDisturb: ['dnd', 'do not disturb', 'do not disturb me', 'dont disturb me', "don't disturb me"],
    start: ['start'],
    subscribe: [
      'unstop',
      'subscribe',
      'subscribe me',
      'resubscribe',
      'opt in',
      'optin',
      'opt-in',
      'opt me in',
    ],
    courtesies: [
      'please',
      'pls',
      'plz',
      'pl',
      'kindly',
      'sir',
      'madam',
      'maam',
      'hi',
      'hello',
      'thanks',
      'thank you',
      'thx',
      'ok',
    ],
    hurries: ['now', 'right now', 'immediately', 'just'],
  },
  {
    language: 'hi-Latn',
    source,
    reviewed: false,
    stop: ['nahi chahiye'],
    stopAll: [],
    phrases: {
      parts: {
        object:
          '(ye|yeh|koi|aur|mujhe)* (whatsapp|promotional|marketing|promo)* ' +
          '(message|messages|msg|msgs|sms|offer|offers|notification|notifications|ads)',
      },
      stopAll: [],
      stop: ['<object>? (band|bandh|bund) (karo|kar do|kardo|karen|karein|kijiye)'],
      refuse: ['<object>? mat (bhejo|bhejiye|bhejna)'],
    },
    doNotDisturb: [],
    start: ['shuru karo'],
    subscribe: [],
    courtesies: ['kripya', 'please', 'plz'],
    hurries: [],
  },
  {
    language: 'hi',
    source,
    reviewed: false,
    stop: ['रोकें'],
    stopAll: [],
    phrases: {
      parts: {
        object: '(ये|यह|कोई|और|मुझे)* (मैसेज|मेसेज|संदेश|सन्देश|एसएमएस|व्हाट्सएप|ऑफर|विज्ञापन|नोटिफिकेशन)',
      },
      stopAll: [],
      stop: ['<object>? (बंद|बन्द) (करो|करें|कर दो|कीजिए|कीजिये)'],
      refuse: ['<object>? मत (भेजो|भेजिए|भेजिये|भेजना)'],
    },
    doNotDisturb: [],
    start: ['शुरू करो'],
    subscribe: [],
    courtesies: ['कृपया', 'प्लीज', 'प्लीज़'],
    hurries: [],
  },
  { language: 'mr', source, reviewed: false, stop: ['थांबवा'], ...nothingElse },
  { language: 'gu', source, reviewed: false, stop: ['બંધ કરો'], ...nothingElse },
  { language: 'bn', source, reviewed: false, stop: ['বন্ধ করুন'], ...nothingElse },
  { language: 'pa', source, reviewed: false, stop: ['ਬੰਦ ਕਰੋ'], ...nothingElse },
  { language: 'ta', source, reviewed: false, stop: ['நிறுத்து'], ...nothingElse },
  { language: 'te', source, reviewed: false, stop: ['ఆపండి', 'నిలిపివేయి'], ...nothingElse },
  { language: 'kn', source, reviewed: false, stop: ['ನಿಲ್ಲಿಸಿ'], ...nothingElse },
  { language: 'ml', source, reviewed: false, stop: ['നിർത്തുക'], ...nothingElse },
  { language: 'or', source, reviewed: false, stop: ['ବନ୍ଦ କରନ୍ତୁ'], ...nothingElse },
  { language: 'ur', source, reviewed: false, stop: ['بند کریں'], ...nothingElse },
];

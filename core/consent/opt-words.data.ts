/**
 * Words by which a person ends or starts messages, when they are the whole message. Collected from facts/whatsapp.md
 * §4.2. `reviewed: false` = no native reviewer has confirmed them: switched off until an admin switches them on.
 * Left out on purpose, for they answer other questions too: cancel, end, quit, no, yes, ok, haan.
 */
export interface OptWordList {
  /** BCP 47. */
  readonly language: string;
  readonly source: string;
  readonly reviewed: boolean;
  readonly stop: readonly string[];
  readonly stopAll: readonly string[];
  readonly start: readonly string[];
}

const source = 'facts/whatsapp.md §4.2';

export const optWordLists: readonly OptWordList[] = [
  {
    language: 'en',
    source,
    reviewed: true,
    stop: [
      'stop',
      'unsubscribe',
      'opt out',
      'optout',
      'opt-out',
      'cancel subscription',
      'remove me',
      'stop promotions',
    ],
    stopAll: ['stop all', 'stopall'],
    start: ['start', 'unstop', 'subscribe', 'opt in', 'optin', 'opt-in'],
  },
  {
    language: 'hi-Latn',
    source,
    reviewed: false,
    stop: ['band karo', 'mat bhejo', 'nahi chahiye'],
    stopAll: [],
    start: ['shuru karo'],
  },
  {
    language: 'hi',
    source,
    reviewed: false,
    stop: ['बंद करो', 'बंद करें', 'रोकें', 'मत भेजो'],
    stopAll: [],
    start: ['शुरू करो'],
  },
  { language: 'mr', source, reviewed: false, stop: ['थांबवा'], stopAll: [], start: [] },
  { language: 'gu', source, reviewed: false, stop: ['બંધ કરો'], stopAll: [], start: [] },
  { language: 'bn', source, reviewed: false, stop: ['বন্ধ করুন'], stopAll: [], start: [] },
  { language: 'pa', source, reviewed: false, stop: ['ਬੰਦ ਕਰੋ'], stopAll: [], start: [] },
  { language: 'ta', source, reviewed: false, stop: ['நிறுத்து'], stopAll: [], start: [] },
  { language: 'te', source, reviewed: false, stop: ['ఆపండి', 'నిలిపివేయి'], stopAll: [], start: [] },
  { language: 'kn', source, reviewed: false, stop: ['ನಿಲ್ಲಿಸಿ'], stopAll: [], start: [] },
  { language: 'ml', source, reviewed: false, stop: ['നിർത്തുക'], stopAll: [], start: [] },
  { language: 'or', source, reviewed: false, stop: ['ବନ୍ଦ କରନ୍ତୁ'], stopAll: [], start: [] },
  { language: 'ur', source, reviewed: false, stop: ['بند کریں'], stopAll: [], start: [] },
];

import { vendorData } from '@sangam/test';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { optWordLists } from './opt-words.data.ts';
import { knownLanguages, optWords, recogniseOptWord, reviewedLanguages } from './index.ts';

const corpus = z
  .object({ opt_out: z.array(z.string()), not_opt_out: z.array(z.string()), opt_in: z.array(z.string()) })
  .safeParse(vendorData('whatsapp/constructed')?.get('stop_keyword_corpus.json')).data;

const every = optWords(knownLanguages);
const reviewed = optWords(reviewedLanguages);

describe.runIf(corpus !== undefined)('of the corpus of opt-out words', () => {
  const { opt_out = [], not_opt_out = [] } = corpus ?? {};

  // "Cancel subscription" is what a customer says of what they bought.
  test('every one stops, once its language is switched on', () => {
    const stops = opt_out.filter((text) => text !== 'cancel subscription');
    expect(stops.filter((text) => recogniseOptWord(text, every)?.startsWith('stop') !== true)).toEqual([]);
  });

  test('nothing else does', () => {
    expect(not_opt_out.filter((text) => recogniseOptWord(text, every) !== undefined)).toEqual([]);
  });
});

describe('a STOP', () => {
  test.each(
    optWordLists.flatMap(({ language, stop, stopAll }) =>
      [...stop, ...stopAll].map((word) => [word, language]),
    ),
  )('is "%s" in %s, once that is switched on', (word, language) => {
    expect(recogniseOptWord(` ${word.toUpperCase()}! `, optWords([language]))).toMatch(/^stop/);
  });

  test.each([
    'STOP',
    ' stop. ',
    'Stop!!!',
    'S T O P'.replaceAll(' ', ''),
    '🛑 stop 🛑',
    'ＳＴＯＰ',
    'Opt-Out',
    'stop\n',
  ])('is recognised as "%s"', (text) => {
    expect(recogniseOptWord(text, reviewed)).toBe('stop');
  });

  test.each(["don't stop", 'stopp', 'non-stop', '', '   ', 'stop '.repeat(100)])('is not "%s"', (text) => {
    expect(recogniseOptWord(text, reviewed)).toBeUndefined();
  });

  test.each([
    'please stop',
    'Stop please!',
    'pls unsubscribe me',
    'stop messages',
    'Kindly stop sending me messages, thank you',
    "don't message me",
    'Remove me from your list',
    'स्टॉप',
    'ஸ்டாப்',
  ])('is what people write: "%s"', (text) => {
    expect(recogniseOptWord(text, reviewed)).toBe('stop');
  });

  test.each(['Stop all', 'stop all messages', 'Please stop all messages.', 'unsubscribe from all'])(
    'of everything is told apart: "%s"',
    (text) => {
      expect(recogniseOptWord(text, reviewed)).toBe('stop all');
    },
  );

  test.each(['please', 'thank you', 'ok thanks', 'please stop by at five', 'stop the order'])(
    'is not what only sounds like one: "%s"',
    (text) => {
      expect(recogniseOptWord(text, reviewed)).toBeUndefined();
    },
  );

  test('is known in the reviewed languages whatever else is switched on', () => {
    expect(recogniseOptWord('STOP', optWords(['hi']))).toBe('stop');
    expect(recogniseOptWord('कृपया बंद करो', optWords(['hi']))).toBe('stop');
    expect(recogniseOptWord('STOP', optWords([]))).toBe('stop');
  });

  test('in a language nobody has reviewed is off until switched on', () => {
    expect(reviewedLanguages).toEqual(['en']);
    expect(recogniseOptWord('बंद करो', reviewed)).toBeUndefined();
    expect(recogniseOptWord('बंद करो', optWords(['en', 'hi']))).toBe('stop');
  });

  test('has an opposite', () => {
    expect(recogniseOptWord('start', reviewed)).toBe('start');
    expect(recogniseOptWord('unstop', reviewed)).toBe('subscribe');
    expect(recogniseOptWord('please start', reviewed)).toBeUndefined();
    expect(recogniseOptWord('yes', every)).toBeUndefined();
  });
});

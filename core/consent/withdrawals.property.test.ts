import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { knownLanguages, type OptWord, optWords, recogniseOptWord, reviewedLanguages } from './index.ts';

/** A withdrawal is a verb and its object, however people put them; and nothing beside them. */

const every = optWords(knownLanguages);
const reviewed = optWords(reviewedLanguages);

const marketing = [
  'stop it',
  'stop that',
  'stop stop',
  'STOP STOP STOP',
  'stop this',
  'stop now',
  'ok stop',
  'just stop now',
  'stop offers',
  'stop updates',
  'stop notifications',
  'stop sms',
  'stop whatsapp messages',
  'stop ads',

  'STOP ALL PROMOTIONS',
  'stop promotional msgs',
  'stop these msgs',
  'stop sending msgs',
  'stop marketing',
  'stop promotional messages from you',
  'stop sending me these',
  'please stop sending me your offers',

  'stop messaging me please',
  'stop texting',
  'stop spamming me',
  'stop contacting me',
  'stop bothering me',

  'stop sending',
  'stop sending me',
  'stop messaging',
  'stop spam',
  'stop the messages',
  'stop advertising',
  'no more msgs',
  'no more messages please',
  'no more messages',
  'i do not want these messages',

  'dont send me any messages',
  'do not send me any more messages',
  'don’t send messages',
  'don’t text me',

  'please don’t send me any more messages',
  'do not message me',
  'dont contact me again',
  'never text me',
  'remove my number from list',
  'remove my number from your list',
  'remove me from your list please',

  'remove me',
  'remove my number',
  'delete my number',
  'take me off your list',
  'remove me from the list',

  'un-subscribe',
  'unsubscribed',
  'unsub',
  'unsubscribe me',
  'i want to unsubscribe from this',
  'opt-out',

  'Unsubscribe from marketing messages',
  'opt out of marketing',
  'opt me out of this',
  'i want to opt out',
];
const everything = [
  'stop all',
  'stopall',
  'stop everything',
  'stop all messages',
  'stop all your messages',
  'stop all msgs',

  'stop sending all messages',
  'stop all communication',
  'stop all whatsapp messages',
  'stop all the messages',

  'unsubscribe all',
  'unsubscribe from all',
  'unsubscribe me from everything',
  'unsubscribe from all messages',
  'opt out all',
  'opt out of all',
  'opt me out of everything',
  'opt out of everything',
];
const hindi = [
  'bandh karo',
  'band karo',
  'message band karo',
  'message mat bhejo',
  'mat bhejo',
  'मैसेज मत भेजो',
];

describe('a withdrawal', () => {
  test.each(marketing)('of marketing is "%s"', (text) => {
    expect(recogniseOptWord(text, reviewed)).toBe('stop');
  });

  test.each(everything)('of everything is "%s"', (text) => {
    expect(recogniseOptWord(text, reviewed)).toBe('stop all');
  });

  test.each([...hindi, 'मैसेज बंद करो', 'kripya message mat bhejo'])(
    'in Hindi, switched on, is "%s"',
    (text) => {
      expect(recogniseOptWord(text, every)).toBe('stop');
      expect(recogniseOptWord(text, reviewed)).toBeUndefined();
    },
  );

  test.each(['dnd', 'Do not disturb', 'do not disturb please'])('typed is "%s"', (text) => {
    expect(recogniseOptWord(text, reviewed)).toBe('do not disturb');
  });

  test.each([
    "don't text me now",
    'do not contact me now',
    'do not send me messages now',
    'do not disturb until 10 am',
    'cancel subscription',
    'cancel my subscription',
    'cancel_subscription',
    'not interested',
    'remove',

    'stop by the store at 5',
    'stop the order',
    'stop calling me',
    'stop here',
    'no more',
    'no more offers?',
    "don't send",
    "don't send me the message",
    'remove my number from the order',
    'take me',
    'no stop',

    'do not stop',
    'do not stop messages',
    'never stop',
    'do not remove me',
    'do not unsubscribe me',
    'stopping',
  ])('is not "%s"', (text) => {
    expect(recogniseOptWord(text, every)).toBeUndefined();
  });
});

test('no word that is no courtesy may stand in a withdrawal, wherever it stands', () => {
  const said = fc.constantFrom(...marketing, ...everything, ...hindi, 'dnd', 'do not disturb', 'स्टॉप');
  const alien = fc.oneof(
    fc.constantFrom(
      'by',
      'store',
      '5',
      'order',
      'until',
      'tomorrow',
      'if',
      'unless',
      'why',
      'raju',
      'delivery',
      'घर',
    ),
    fc.string({ unit: fc.constantFrom(...'aeioxqz'.split('')), minLength: 4, maxLength: 9 }),
  );
  fc.assert(
    fc.property(said, alien, fc.nat(), (text, word, position) => {
      const words = text.split(' ');
      words.splice(position % (words.length + 1), 0, word);
      expect(recogniseOptWord(words.join(' '), every)).toBeUndefined();
    }),
    { numRuns: 1000 },
  );
});

test('courtesies round a withdrawal change nothing', () => {
  const courtesy = fc.constantFrom('', 'please', 'Hi,', 'sir', 'kindly', 'thank you', 'ok');
  fc.assert(
    fc.property(courtesy, fc.constantFrom(...marketing, ...everything), courtesy, (before, text, after) => {
      const plain: OptWord | undefined = recogniseOptWord(text, reviewed);
      expect(recogniseOptWord(`${before} ${text} ${after}!`, reviewed)).toBe(plain);
    }),
  );
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  contactJoins,
  type ContactJoins,
  conversationJoins,
  type ConversationJoins,
  mergeContactJoins,
  mergeConversationJoins,
  mergeStatusTimes,
  type MessageFact,
  statusOf,
  type StatusTimes,
} from './index.ts';

const word = fc.constantFrom('a', 'b', 'c');
const fact: fc.Arbitrary<MessageFact> = fc.record(
  {
    channelId: fc.constant('channel'),
    at: fc.integer({ min: 1, max: 4 }),
    key: fc.string({ unit: word, minLength: 3, maxLength: 3 }),
    direction: fc.constantFrom('in' as const, 'out' as const),
    live: fc.boolean(),
    opensWindow: fc.boolean(),
    profileName: word,
    username: word,
    firstMessage: fc.record({ text: word, poorness: fc.nat({ max: 11 }) }),
    fromAd: fc.boolean(),
    silent: fc.boolean(),
  },
  { requiredKeys: ['channelId', 'at', 'key', 'direction', 'live', 'opensWindow', 'fromAd', 'silent'] },
);

/** Facts whose key tells them apart, as event keys do. */
const facts = fc.uniqueArray(fact, { selector: ({ key }) => key, maxLength: 8 });

const times: fc.Arbitrary<StatusTimes> = fc.record(
  {
    sent: fc.integer({ max: 9 }),
    delivered: fc.integer({ max: 9 }),
    read: fc.integer({ max: 9 }),
    failed: fc.integer({ max: 9 }),
  },
  { requiredKeys: [] },
);

function shuffled<Item>(items: fc.Arbitrary<Item[]>): fc.Arbitrary<[Item[], Item[]]> {
  return items.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray([...list, ...list], { minLength: list.length * 2 })),
  );
}

describe('folding the same messages in any order, any number of times', () => {
  test('gives the same contact', () => {
    const fold = (list: MessageFact[]): ContactJoins => list.map(contactJoins).reduce(mergeContactJoins, {});
    fc.assert(
      fc.property(shuffled(facts), ([list, other]) => {
        expect(fold(other)).toEqual(fold(list));
      }),
    );
  });

  test('says of two messages of one instant the one that says more, and the ad that brought them', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: word, minLength: 3 }),
        fc.string({ unit: word, minLength: 3 }),
        (key, other) => {
          const said = (text: string, poorness: number, fromAd: boolean, name: string): ContactJoins =>
            contactJoins({
              channelId: 'channel',
              at: 1000,
              key: name,
              direction: 'in',
              live: true,
              opensWindow: true,
              firstMessage: { text, poorness },
              fromAd,
              silent: false,
            });
          const joined = mergeContactJoins(
            said('[image]', 3, false, key),
            said('from your ad', 0, true, other),
          );
          expect(joined.firstMessage?.value).toBe('from your ad');
          expect(joined.fromAdAt).toBe(1000);
        },
      ),
    );
  });

  test('gives the same conversation', () => {
    const fold = (list: MessageFact[]): ConversationJoins =>
      list.map(conversationJoins).reduce(mergeConversationJoins, {});
    fc.assert(
      fc.property(shuffled(facts), ([list, other]) => {
        expect(fold(other)).toEqual(fold(list));
      }),
    );
  });

  test('gives the same status times', () => {
    const fold = (list: StatusTimes[]): StatusTimes => list.reduce(mergeStatusTimes, {});
    fc.assert(
      fc.property(shuffled(fc.array(times, { maxLength: 6 })), ([list, other]) => {
        expect(fold(other)).toEqual(fold(list));
      }),
    );
  });
});

describe('the status of a message', () => {
  test('never falls as more is learned', () => {
    const ladder = [undefined, 'accepted', 'sent', 'failed', 'delivered', 'read', 'played'];
    fc.assert(
      fc.property(times, times, (before, more) => {
        const later = statusOf(mergeStatusTimes(before, more));
        expect(ladder.indexOf(later)).toBeGreaterThanOrEqual(ladder.indexOf(statusOf(before)));
      }),
    );
  });

  test('a late sent does not reopen a failure', () => {
    expect(statusOf({ failed: 5, sent: 9 })).toBe('failed');
  });

  test('what was read did not fail', () => {
    expect(statusOf({ failed: 5, read: 9 })).toBe('read');
  });
});

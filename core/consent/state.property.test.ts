import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ConsentEntry, consentState, inheritedOptOut } from './index.ts';

const entry: fc.Arbitrary<ConsentEntry> = fc.record({
  purpose: fc.constantFrom('marketing' as const, 'everything' as const),
  action: fc.constantFrom('grant' as const, 'withdrawal' as const),
  effectiveAt: fc.integer({ min: 1, max: 4 }),
  rank: fc.integer({ min: 0, max: 4 }),
  key: fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 2, maxLength: 2 }),
});

const stop: ConsentEntry = { purpose: 'marketing', action: 'withdrawal', effectiveAt: 10, rank: 1, key: 'a' };
const start: ConsentEntry = { purpose: 'marketing', action: 'grant', effectiveAt: 10, rank: 4, key: 'b' };

test('consent does not depend on the order or the repetition of entries', () => {
  fc.assert(
    fc.property(
      fc
        .array(entry, { maxLength: 10 })
        .chain((entries) =>
          fc.tuple(
            fc.constant(entries),
            fc.shuffledSubarray([...entries, ...entries], { minLength: entries.length * 2 }),
          ),
        ),
      ([entries, shuffled]) => {
        expect(consentState(shuffled)).toEqual(consentState(entries));
      },
    ),
  );
});

describe('what somebody else said in a CRM', () => {
  const byCrm = (action: 'grant' | 'withdrawal', effectiveAt: number): ConsentEntry => ({
    purpose: 'marketing',
    action,
    effectiveAt,
    rank: 0,
    key: 'c',
  });

  test('never lifts what the person withdrew', () => {
    expect(consentState([stop, byCrm('grant', 99)]).marketing).toBe('withdrawn');
  });

  test('withdraws, and lifts what was withdrawn in the CRM', () => {
    expect(consentState([start, byCrm('withdrawal', 20)]).marketing).toBe('withdrawn');
    expect(consentState([start, byCrm('withdrawal', 20), byCrm('grant', 30)]).marketing).toBe('granted');
  });

  test('gives way to the person coming back', () => {
    const back = { ...start, effectiveAt: 30 };
    expect(consentState([stop, byCrm('withdrawal', 20), back]).marketing).toBe('granted');
  });
});

describe('the entry in force', () => {
  test('is nobody’s while nothing was said', () => {
    expect(consentState([])).toEqual({ marketing: 'unknown', stoppedEverything: false });
  });

  test('is a withdrawal when both were said in one second, however strong the grant', () => {
    expect(consentState([start, stop])).toEqual({
      marketing: 'withdrawn',
      stoppedEverything: false,
      optOutAt: 10,
    });
  });

  test('is the later one otherwise', () => {
    expect(consentState([stop, { ...start, effectiveAt: 11 }])).toMatchObject({
      marketing: 'granted',
      optInAt: 11,
    });
  });

  test('stop all ends marketing too, and a later start lifts both', () => {
    const stopAll: ConsentEntry = { ...stop, purpose: 'everything' };
    expect(consentState([stopAll])).toMatchObject({ marketing: 'withdrawn', stoppedEverything: true });
    expect(consentState([stopAll, { ...start, effectiveAt: 20 }])).toMatchObject({
      marketing: 'granted',
      stoppedEverything: false,
    });
  });

  test('stop after stop all leaves everything stopped', () => {
    const stopAll: ConsentEntry = { ...stop, purpose: 'everything' };
    expect(consentState([stopAll, { ...stop, effectiveAt: 20 }]).stoppedEverything).toBe(true);
  });
});

describe('a phone that changed hands', () => {
  test('carries the opt-out in force at that time', () => {
    expect(inheritedOptOut([stop], 20)).toEqual([stop]);
    expect(inheritedOptOut([stop], 10)).toEqual([]);
    expect(inheritedOptOut([stop, { ...start, effectiveAt: 15 }], 20)).toEqual([]);
  });

  test('leaves the new person free once they opt in', () => {
    const own: ConsentEntry = { ...start, effectiveAt: 30 };
    expect(consentState([own, ...inheritedOptOut([stop], 20)]).marketing).toBe('granted');
  });

  test('never carries a grant', () => {
    expect(inheritedOptOut([start], 20)).toEqual([]);
  });
});

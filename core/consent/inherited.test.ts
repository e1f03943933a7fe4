import { expect, test } from 'vitest';
import { type ConsentEntry, consentState, inheritedOptOut } from './index.ts';

const stopAll: ConsentEntry = {
  purpose: 'everything',
  action: 'withdrawal',
  effectiveAt: 10,
  rank: 1,
  key: 'a',
};
const stop: ConsentEntry = { purpose: 'marketing', action: 'withdrawal', effectiveAt: 20, rank: 1, key: 'b' };

test.each([
  ['alone', [stopAll]],
  ['before a STOP of marketing', [stopAll, stop]],
  ['beside WhatsApp’s own stop', [stopAll, { ...stop, rank: 4 }]],
])('a STOP ALL goes along with its phone as one of everything: %s', (_name, previous) => {
  expect(consentState(inheritedOptOut(previous, 30))).toMatchObject({
    marketing: 'withdrawn',
    stoppedEverything: true,
  });
});

test('a STOP goes along as no more than that', () => {
  expect(consentState(inheritedOptOut([stop], 30)).stoppedEverything).toBe(false);
});

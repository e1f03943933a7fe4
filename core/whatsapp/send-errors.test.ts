import { expect, test } from 'vitest';
import { type SendAction, sendErrorOf } from './index.ts';

const every: readonly (readonly [SendAction, readonly number[]])[] = [
  ['sync template', [132000, 132001, 132005, 132008, 132012, 132018]],
  ['template paused', [132015]],
  ['template disabled', [132007, 132016]],
  ['window closed', [131047]],
  ['marketing capped', [130472, 131049]],
  ['not reachable', [131026]],
  ['marketing stops', [131048, 131064]],
  ['opted out', [131050]],
  ['pair rests', [131056]],
  ['slow down', [4, 80007, 130429]],
  [
    'channel stops',
    [
      [0, 102, 104, 190, 3, 10, 200, 299, 131005, 368, 131031, 130497, 131037, 131042, 131044, 131045],
      [133000, 133010, 133016],
    ].flat(),
  ],
  ['medium again', [131052, 131053]],
  ['phone instead', [131062]],
  ['marketing endpoint', [131063]],
  ['try again', [1, 2, 131000, 131016, 131057]],
  ['refused', [33, 100, 131008, 131009, 131021, 131030, 131051, 132068, 132069, 134011, 135000, 137000]],
];

test.each(every.flatMap(([action, codes]) => codes.map((code) => [code, action] as const)))(
  'code %i is known: %s',
  (code, action) => {
    const rule = sendErrorOf(code);
    expect(rule).toMatchObject({ action });
    expect(rule.words).not.toMatch(/\d{3}/);
  },
);

test('what stops a number says how an admin cures it', () => {
  const rules = every.flatMap(([, codes]) => codes.map(sendErrorOf));
  const stops = rules.flatMap((rule) => (rule.action === 'channel stops' ? [rule] : []));
  expect(stops.length).toBeGreaterThan(10);
  for (const { cure } of stops) expect(cure).toMatch(/number/);
});

test.each([5, 199, 300, 131999, 133017])('code %i is nobody’s: refused, and shown', (code) => {
  expect(sendErrorOf(code)).toEqual({ action: 'refused', words: `WhatsApp's error ${String(code)}` });
});

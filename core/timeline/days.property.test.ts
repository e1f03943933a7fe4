import fc from 'fast-check';
import { expect, test } from 'vitest';
import { boundsOf, dayOf } from './index.ts';

const hourMs = 60 * 60 * 1000;
const zones = [
  'UTC',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'America/New_York',
  'Australia/Lord_Howe',
  'Pacific/Apia',
];

test('every instant lies within the bounds of its day', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2030, 0, 1) }),
      fc.array(fc.integer({ min: -36 * hourMs, max: 36 * hourMs }), { maxLength: 4 }),
      fc.constantFrom(...zones),
      (first, others, zone) => {
        for (const at of [first, ...others.map((other) => first + other)]) {
          const { from, until } = boundsOf(dayOf(at, zone), zone);
          expect(from).toBeLessThanOrEqual(at);
          expect(at).toBeLessThan(until);
        }
      },
    ),
  );
});

import { describe, expect, test } from 'vitest';
import { breakerWaitMs, itemWaitMs } from './retry-schedule.ts';

const [second, minute, hour] = [1000, 60_000, 3_600_000];

describe('an account that says how long to leave it alone', () => {
  test.each([
    ['rate_limited', 7 * minute, 7 * minute],
    ['rate_limited', 0, second],
    ['rate_limited', 999_999 * second, 15 * minute],
    // Until a limit of the day is reset, which is within a day.
    ['daily_limit', 6 * hour, 6 * hour],
    ['daily_limit', 999_999 * second, 24 * hour],
  ])('is heard within reason: %s for %i ms', (code, afterMs, waitMs) => {
    for (const failedAttempts of [1, 3]) {
      expect(breakerWaitMs({ code, retry: { afterMs } }, failedAttempts)).toBe(waitMs);
    }
    for (const [failedAttempts, leastMs, mostMs] of [
      [4, 4 * second, 6 * second],
      [7, 24 * second, 30 * second],
      [20, 30 * second, 30 * second],
    ] as const) {
      const waited = breakerWaitMs({ code, retry: { afterMs } }, failedAttempts);
      expect(waited).toBeGreaterThanOrEqual(Math.max(waitMs, leastMs));
      expect(waited).toBeLessThanOrEqual(Math.max(waitMs, mostMs));
    }
  });
});

test('an account that says nothing is left alone longer each time: seconds at first, 5 minutes in the end', () => {
  const waits = Array.from({ length: 12 }, (_, n) => breakerWaitMs({ code: 'away', retry: 'later' }, n + 1));
  for (const [n, asked] of [1, 1, 1, 5, 5, 5, 30, 30, 30, 120, 120, 300].entries()) {
    expect(waits[n]).toBeGreaterThanOrEqual(asked * second * 0.8);
    expect(waits[n]).toBeLessThanOrEqual(asked * second * 1.2);
  }
});

test('one record waits longer each time, up to its tenth try; as long as it is said to, within reason', () => {
  const waits = Array.from({ length: 9 }, (_, n) => itemWaitMs('later', n + 1) ?? Infinity);
  expect(waits).toEqual(waits.toSorted((x, y) => x - y));
  expect(waits.at(-1)).toBeLessThanOrEqual(1.2 * 24 * hour);
  expect(itemWaitMs('later', 10)).toBeUndefined();
  expect(itemWaitMs({ afterMs: 3 * minute }, 1)).toBe(3 * minute);
  expect(itemWaitMs({ afterMs: 999_999 * second }, 1)).toBe(15 * minute);
});

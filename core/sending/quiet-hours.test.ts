import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quietUntil, zonesOf } from './quiet-hours.ts';

const night = { from: '21:00', until: '09:00' };
const at = (time: string): number => Date.parse(time);

test.each([
  ['in the evening: until the morning', '2026-11-27T22:30:00+05:30', '2026-11-28T09:00:00+05:30'],
  ['after midnight: until the same morning', '2026-11-28T03:00:00+05:30', '2026-11-28T09:00:00+05:30'],
  ['as they begin', '2026-11-27T21:00:00+05:30', '2026-11-28T09:00:00+05:30'],
  ['as they end: at once', '2026-11-28T09:00:00+05:30', '2026-11-28T09:00:00+05:30'],
  ['by day: at once', '2026-11-28T15:00:00+05:30', '2026-11-28T15:00:00+05:30'],
])('%s', (_what, now, until) => {
  expect(quietUntil(at(now), ['Asia/Kolkata'], night)).toBe(at(until));
});

test('hours within one day', () => {
  const noon = { from: '12:00', until: '14:00' };
  expect(quietUntil(at('2026-11-27T13:00:00Z'), ['UTC'], noon)).toBe(at('2026-11-27T14:00:00Z'));
  expect(quietUntil(at('2026-11-27T15:00:00Z'), ['UTC'], noon)).toBe(at('2026-11-27T15:00:00Z'));
});

test('the night clocks are put forward over the end, it ends after the gap', () => {
  const early = { from: '22:00', until: '02:30' };
  expect(quietUntil(at('2026-03-29T00:30:00Z'), ['Europe/Berlin'], early)).toBe(at('2026-03-29T01:30:00Z'));
});

test('the night clocks are put back, the end is the later of the two', () => {
  const early = { from: '22:00', until: '02:30' };
  // 02:30 in summer time, and once more an hour later in winter time.
  expect(quietUntil(at('2026-10-25T00:45:00Z'), ['Europe/Berlin'], early)).toBe(at('2026-10-25T01:30:00Z'));
});

test('of a country with several zones it is quiet while it is in any of them', () => {
  const zones = ['America/New_York', 'America/Los_Angeles'];
  // 9:00 in New York is 6:00 in Los Angeles.
  expect(quietUntil(at('2026-11-27T14:00:00Z'), zones, night)).toBe(at('2026-11-27T17:00:00Z'));
});

test('where it is always quiet somewhere nobody waits for ever', () => {
  const most = { from: '09:00', until: '08:59' };
  expect(quietUntil(at('2026-11-27T14:00:00Z'), ['UTC', 'Asia/Kolkata'], most)).toBeUndefined();
});

test('where a person may live is told by their phone, else by the country of their id', () => {
  expect(zonesOf({ phone: '+919812345678', country: 'US' })).toEqual(['Asia/Calcutta']);
  expect(zonesOf({ country: 'DE' })).toContain('Europe/Berlin');
  expect(zonesOf({})).toEqual([]);
});

test('what may leave then may leave, and nothing earlier could', () => {
  const time = fc
    .record({ hour: fc.integer({ min: 0, max: 23 }), minute: fc.integer({ min: 0, max: 59 }) })
    .map(({ hour, minute }) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
  const zone = fc.constantFrom(
    'Asia/Kolkata',
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Pacific/Apia',
  );
  const instant = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2027-12-31T00:00:00Z') });
  fc.assert(
    fc.property(time, time, zone, instant, (from, until, where, now) => {
      fc.pre(from !== until);
      const quiet = { from, until };
      const free = quietUntil(now, [where], quiet);
      if (free === undefined) return;
      expect(free).toBeGreaterThanOrEqual(now);
      expect(quietUntil(free, [where], quiet)).toBe(free);
      if (free > now) expect(quietUntil(free - 1, [where], quiet)).toBeGreaterThan(free - 1);
    }),
    { numRuns: 300 },
  );
});

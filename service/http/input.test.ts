import { expect, test } from 'vitest';
import { unreadableIn } from './input.ts';

const half = '\ud800';

test.each<[unknown, PropertyKey[] | undefined]>([
  ['whole', undefined],
  [half, []],
  [{ a: [1, { b: 'c' }], d: null }, undefined],
  [{ a: [1, { b: '\0' }] }, ['a', 1, 'b']],
  [{ a: { [half]: 1 } }, ['a']],
  [['x', [], [half]], [2, 0]],
])('text that no database holds is found by its path: %j', (value, place) => {
  expect(unreadableIn(value)).toEqual(place);
});

/** CPU of this process, the least of three times: what else the machine does counts for neither. */
function cpuOf(work: () => unknown): number {
  const times = [1, 2, 3].map(() => {
    const before = process.cpuUsage();
    work();
    return process.cpuUsage(before).user;
  });
  return Math.min(...times);
}

test('a list of half a million is looked through in about the time it was read in', () => {
  const text = JSON.stringify(Array.from({ length: 500_000 }, () => 1));
  const read: unknown = JSON.parse(text);
  // It was 30 times as long: a second, in which no webhook was answered.
  expect(cpuOf(() => unreadableIn(read))).toBeLessThan(5 * cpuOf(() => JSON.parse(text) as unknown));
});

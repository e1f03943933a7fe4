import { expect, test } from 'vitest';
import { unreadableIn } from './input.ts';

const half = '\ud800';

test.each<[unknown, PropertyKey[] | undefined]>([
  ['whole', undefined],
  [half, []],
  [{ a: [1, { b: 'c' }], d: null }, undefined],
  [{ a: [1, { b: '\0' }] }, ['a', 1, 'b']],
  [{ a: { [half]: 1 } }, ['a']],
  [
    ['x', [], [half]],
    [2, 0],
  ],
])('text that no database holds is found by its path: %j', (value, place) => {
  expect(unreadableIn(value)).toEqual(place);
});

import { expect, test } from 'vitest';
import { ownNumberOf } from '../../mapping/phone-list.ts';
import { withoutLeftOut } from './left-out.ts';

test('of a list of phones that was not written the number that was ours stays ours', () => {
  const own = ownNumberOf('phones');
  const before = { base: { phones: '+911\n+912', [own]: '+911', name: 'Asha' }, ours: ['phones'] };
  const agreed = { base: { phones: '+912\n+913', [own]: '+913', name: 'Asha R' }, ours: ['phones'] };
  expect(withoutLeftOut(agreed, before, [{ values: { phones: 'without +911' } }])).toEqual({
    base: { ...before.base, name: 'Asha R' },
    ours: ['phones'],
  });
});

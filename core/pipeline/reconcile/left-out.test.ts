import { expect, test } from 'vitest';
import type { FieldMapping, Spelling } from '../../crm/index.ts';
import { ownNumberOf } from '../../mapping/phone-list.ts';
import { refusedValues, storedOtherwise, withoutLeftOut } from './left-out.ts';

test('of a list of phones that was not written the number that was ours stays ours', () => {
  const own = ownNumberOf('phones');
  const before = { base: { phones: '+911\n+912', [own]: '+911', name: 'Asha' }, ours: ['phones'] };
  const agreed = { base: { phones: '+912\n+913', [own]: '+913', name: 'Asha R' }, ours: ['phones'] };
  expect(withoutLeftOut(agreed, before, [{ values: { phones: 'without +911' } }])).toEqual({
    base: { ...before.base, name: 'Asha R' },
    ours: ['phones'],
  });
});

test('what was refused by name is not sent again, but for the opt-out; what was refused as a whole is', () => {
  const refusal = { code: 'refused', explanation: 'No.' };
  const byName = { ...refusal, values: { name: 'Asha', opt_out: 'true' }, named: true };
  const asAWhole = { ...refusal, values: { city: 'Pune' }, named: false };
  expect(refusedValues([byName, asAWhole], ['opt_out'])).toEqual({ name: 'Asha' });
});

test('what is answered of a list of phones is the list that stands, and nothing the CRM made of what was written', () => {
  const spelling = { same: (x: string, y: string) => x === y } as unknown as Spelling;
  const line = (name: string, kind: 'phones' | 'text'): FieldMapping => ({
    source: 'phone',
    field: { name, label: name, kind, writable: true },
    policy: 'ours',
    transform: 'as is',
  });
  const mapping = [line('phones', 'phones'), line('name', 'text')];
  const sent = { phones: 'with +911', name: 'Asha Rao' };
  expect(storedOtherwise(sent, { phones: '+912\n+911', name: 'Asha' }, mapping, spelling)).toEqual({
    name: 'Asha Rao',
  });
});

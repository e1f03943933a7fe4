import { expect, test } from 'vitest';
import { phonesOf, type Spelling } from './index.ts';

const spelling = {
  phoneList: { in: (written: string) => written.split('|').filter((phone) => phone !== '') },
} as unknown as Spelling;

test('each phone of a list is read by itself, and numbered among all of its field', () => {
  const typed = '98123 45678|office 011 2345 6789 / 011 2345 6788|extension 7';
  const phones = phonesOf(
    { values: { phones: typed } },
    { phoneFields: ['mobile', 'phones'], spelling },
    'IN',
  );
  const common = { field: 'phones', place: 1, typed };
  expect(phones).toEqual([
    { ...common, part: 0, phone: '+919812345678' },
    { ...common, part: 1, phone: '+911123456789' },
    { ...common, part: 2, phone: '+911123456788' },
    { ...common, part: 3, unreadable: expect.any(String) },
  ]);
});

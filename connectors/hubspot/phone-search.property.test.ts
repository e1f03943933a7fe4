import fc from 'fast-check';
import { expect, test } from 'vitest';
import { filterGroupsOf, phonesPerSearch } from './phone-search.ts';

const digits = (length: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.constantFrom(...'0123456789'.split('')),
    minLength: length,
    maxLength: length,
  });

/** The longest numbers there are, and those of countries with two spellings. */
const phone = fc.oneof(
  digits(14).map((rest) => `+8${rest}`),
  digits(8).map((rest) => `+55119${rest}`),
  digits(7).map((rest) => `+551198${rest}`),
  digits(9).map((rest) => `+5491${rest}`),
  digits(10).map((rest) => `+52${rest}`),
);

const ways = [
  'hs_searchable_calculated_phone_number',
  'hs_searchable_calculated_mobile_number',
  'phone',
  'mobilephone',
  'hs_whatsapp_phone_number',
];

test('as many phones as a search is given fit its 3,000 characters', () => {
  const most = { minLength: phonesPerSearch, maxLength: phonesPerSearch };
  fc.assert(
    fc.property(fc.array(phone, most), (phones) => {
      const filterGroups = filterGroupsOf(phones, ways);
      const body = { filterGroups, properties: ['hs_object_id'], limit: 200, after: '10000' };
      expect(JSON.stringify(body).length).toBeLessThanOrEqual(3_000);
    }),
  );
});

test.each([
  ['+919812345678', '9812345678'],
  ['+14155550123', '4155550123'],
  ['+79161234567', '9161234567'],
  ['+442079460018', '2079460018'],
  ['+971501234567', '501234567'],
  ['+8801712345678', '1712345678'],
  ['+260971234567', '971234567'],
])('of %s the national number is %s', (phone, national) => {
  const [group] = filterGroupsOf([phone], ['hs_searchable_calculated_phone_number']);
  expect(group).toMatchObject({
    filters: [{ operator: 'IN', values: [national, `0${national}`, phone.slice(1)] }],
  });
});

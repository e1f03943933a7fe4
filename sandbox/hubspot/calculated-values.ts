import type { Values } from '../shared/record.ts';

/** What HubSpot works out of other values, for search. docs/vendors/hubspot.md §4.3. */

const searchable: Readonly<Record<string, string>> = {
  hs_searchable_calculated_phone_number: 'phone',
  hs_searchable_calculated_mobile_number: 'mobilephone',
};

/** A property's value, calculated or stored; undefined = empty. */
export function valueOf(properties: Values, name: string): string | undefined {
  const source = searchable[name];
  if (source === undefined) return properties[name];
  const number = properties[source];
  return number === undefined ? undefined : searchableNumber(number);
}

/**
 * The digits of a number without its country code, where it was typed with one (`+` or `00`); an extension is left
 * out. Undefined = no digits. A number typed without country code keeps all of its digits, a leading 0 too [M].
 */
function searchableNumber(typed: string): string | undefined {
  const [number = ''] = typed.toLowerCase().split(/x|#/);
  const digits = number.replace(/\D/g, '');
  const international = number.trimStart().startsWith('+')
    ? digits
    : digits.startsWith('00')
      ? digits.slice(2)
      : undefined;
  const searched = international === undefined ? digits : international.slice(codeLength(international));
  return searched === '' ? undefined : searched;
}

/** Country codes of two digits; 1 and 7 have one, all others three. ITU-T E.164, assigned codes. */
const twoDigitCodes = new Set(
  (
    '20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 ' +
    '81 82 84 86 90 91 92 93 94 95 98'
  ).split(' '),
);

function codeLength(international: string): number {
  if (/^[17]/.test(international)) return 1;
  return twoDigitCodes.has(international.slice(0, 2)) ? 2 : 3;
}

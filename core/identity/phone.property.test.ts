import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalPhone, phoneCandidates, readPhone, regionOf } from './index.ts';

const digits = (length: number, first = '0123456789'): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom(...first.split('')),
      fc.string({
        unit: fc.constantFrom(...'0123456789'.split('')),
        minLength: length - 1,
        maxLength: length - 1,
      }),
    )
    .map(([head, tail]) => head + tail);

/** Numbers of countries whose spellings drift, in E.164 as WhatsApp may show them. */
const drifting = fc.oneof(
  digits(10, '6789').map((n) => `+91${n}`),
  fc
    .tuple(fc.constantFrom('11', '21', '85'), fc.boolean(), digits(8, '6789'))
    .map(([area, nine, n]) => `+55${area}${nine ? '9' : ''}${n}`),
  fc.tuple(fc.boolean(), digits(10, '23456789')).map(([one, n]) => `+52${one ? '1' : ''}${n}`),
  fc.tuple(fc.boolean(), digits(10, '123')).map(([nine, n]) => `+54${nine ? '9' : ''}${n}`),
  digits(9, '7').map((n) => `+44${n}0`),
);

describe('the canonical phone', () => {
  test('is one for every spelling of a subscriber', () => {
    fc.assert(
      fc.property(drifting, (phone) => {
        const canonical = canonicalPhone(phone);
        for (const candidate of phoneCandidates(phone)) expect(canonicalPhone(candidate)).toBe(canonical);
        expect(phoneCandidates(phone)).toContain(canonical);
      }),
    );
  });

  test('is its own canonical phone', () => {
    fc.assert(
      fc.property(drifting, (phone) => {
        const canonical = canonicalPhone(phone) ?? '';
        expect(canonicalPhone(canonical)).toBe(canonical);
      }),
    );
  });

  test('is total', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(canonicalPhone(text) ?? '+').toMatch(/^\+/);
      }),
    );
  });

  test.each([
    ['551187654321', '+5511987654321'],
    ['5511987654321', '+5511987654321'],
    ['551134567890', '+551134567890'],
    ['5215512345678', '+525512345678'],
    ['541112345678', '+5491112345678'],
    ['5491112345678', '+5491112345678'],
    ['919812345678', '+919812345678'],
    ['IN.13491208655302741918', undefined],
    ['', undefined],
    ['12', undefined],
  ])('of %s is %s', (shown, canonical) => {
    expect(canonicalPhone(shown)).toBe(canonical);
  });
});

/** Zero to nine in every script the runtime can write. */
const scripts = Intl.supportedValuesOf('numberingSystem')
  .map((numberingSystem) => {
    const format = new Intl.NumberFormat('en', { numberingSystem });
    return Array.from({ length: 10 }, (_, n) => format.format(n));
  })
  .filter((script) => script.every((digit) => /^\p{Nd}$/u.test(digit)));

describe('a number a person typed', () => {
  const spellings = [
    '+91 98123 45678',
    '098123 45678',
    '98123-45678',
    '0091 98123 45678',
    '(+91) 98123.45678',
    '९८१२३ ४५६७८',
    '٩٨١٢٣٤٥٦٧٨',
    '９８１２３４５６７８',
  ];
  test.each(spellings)('"%s" is one number in India', (typed) => {
    expect(readPhone(typed, 'IN')).toEqual({ e164: '+919812345678' });
  });

  test('is read in the region of the channel, never in an assumed one', () => {
    expect(readPhone('020 7946 0018', 'GB')).toEqual({ e164: '+442079460018' });
    expect(readPhone('(202) 456-1111', 'US')).toEqual({ e164: '+12024561111' });
  });

  test('loses a trunk zero in brackets and keeps its extension apart', () => {
    expect(readPhone('+44 (0)20 7946 0018', 'IN')).toEqual({ e164: '+442079460018' });
    expect(readPhone('+44 20 7946 0018 ext. 12', 'IN')).toEqual({ e164: '+442079460018', extension: '12' });
  });

  test.each([
    ['0091 98123 45678', 'US', '+919812345678'],
    ['00 91 98123 45678', 'BR', '+919812345678'],
    ['0011 91 98123 45678', 'AU', '+919812345678'],
    ['+52 1 55 1234 5678', 'US', '+525512345678'],
    ['044 55 1234 5678', 'MX', '+525512345678'],
    ['01 55 1234 5678', 'MX', '+525512345678'],
    ['011 15 2345-6789', 'AR', '+5491123456789'],
    ['+54 11 15 2345 6789', 'IN', '+5491123456789'],
    ['(11) 8765-4321', 'BR', '+5511987654321'],
    ['0 15 11 98765-4321', 'BR', '+5511987654321'],
  ])('"%s" in %s, in a country’s own ways, is %s', (typed, region, e164) => {
    expect(readPhone(typed, region)).toEqual({ e164 });
  });

  test('is one however it is spelled', () => {
    const marks = fc.array(fc.constantFrom('', ' ', '-', '.', ' - ', '\u00a0'), {
      minLength: 10,
      maxLength: 10,
    });
    const prefix = fc.constantFrom('+91', '0091', '+91 (0)', '0', '', '(+91)', '\u202a+91');
    fc.assert(
      fc.property(
        digits(10, '6789'),
        prefix,
        marks,
        fc.constantFrom(...scripts),
        (n, start, between, script) => {
          const spelled = n
            .split('')
            .map((digit, index) => `${between[index] ?? ''}${digit}`)
            .join('');
          const typed = `${start} ${spelled}`.replace(/\d/g, (digit) => script[Number(digit)] ?? '');
          expect(readPhone(typed, 'IN')).toEqual({ e164: `+91${n}` });
        },
      ),
    );
  });

  test('is read in the digits of every script', () => {
    expect(scripts.length).toBeGreaterThan(50);
    for (const script of scripts) {
      expect(readPhone([9, 8, 1, 2, 3, 4, 5, 6, 7, 0].map((n) => script[n]).join(''), 'IN')).toEqual({
        e164: '+919812345670',
      });
    }
  });

  test.each(['', 'call me', '123', '+999999999999999999'])('says why "%s" is none', (typed) => {
    expect(readPhone(typed, 'IN')).toHaveProperty('unreadable');
  });

  test('is total', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (typed, region) => {
        expect(readPhone(typed, region)).toBeDefined();
      }),
    );
  });
});

test('a number tells its country', () => {
  expect(regionOf('+919812345678')).toBe('IN');
  expect(regionOf('+1')).toBeUndefined();
});

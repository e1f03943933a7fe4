import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskText } from './index.ts';

describe('masked text hides', () => {
  test.each([
    ['my card 4111 1111 1111 1111 exp 12/29', 'my card •••• •••• •••• •••• exp 12/29'],
    ['5555-5555-5555-4444', '••••-••••-••••-••••'],
    ['PAN ABCDE1234F please', 'PAN •••••••••• please'],
    ['aadhaar 2341 2341 2346', 'aadhaar •••• •••• ••••'],
    ['Your OTP is 482913', 'Your OTP is ••••••'],
    ['482913 is your verification code', '•••••• is your verification code'],
    ['otp bhejo: 4829', 'otp bhejo: ••••'],
    ['ओटीपी 482913', 'ओटीपी ••••••'],
  ])('%j', (text, masked) => {
    expect(maskText(text)).toBe(masked);
  });
});

describe('masked text leaves readable', () => {
  test.each([
    'call me on +91 98123 45678',
    '9812345678 is my number',
    'order 2024-000123 for Rs 12,500',
    '4111 1111 1111 1112 is no card',
    'the code review is at 5',
    'Pinky paid 4500',
  ])('%j', (text) => {
    expect(maskText(text)).toBe(text);
  });
});

test('every number with the right check digit is hidden, and its length kept', () => {
  const luhnDigit = (digits: string): number => {
    for (let digit = 0; digit < 10; digit += 1) {
      const sum = Array.from(`${digits}${String(digit)}`)
        .toReversed()
        .reduce((total, one, place) => {
          const value = Number(one) * (place % 2 === 1 ? 2 : 1);
          return total + (value > 9 ? value - 9 : value);
        }, 0);
      if (sum % 10 === 0) return digit;
    }
    return 0;
  };
  fc.assert(
    fc.property(fc.stringMatching(/^[1-9]\d{14}$/), (digits) => {
      const card = `${digits}${String(luhnDigit(digits))}`;
      expect(maskText(`pay with ${card}`)).toBe(`pay with ${'•'.repeat(16)}`);
    }),
  );
});

import { expect, test } from 'vitest';
import { phoneCandidates } from './index.ts';

test.each([
  ['Mexico with and without its 1', '+525512345678', ['+525512345678', '+5215512345678']],
  ['Mexico as WhatsApp once wrote it', '+5215512345678', ['+525512345678', '+5215512345678']],
  ['Brazil with and without its ninth digit', '+5511987654321', ['+5511987654321', '+551187654321']],
  ['Argentina with and without its 9', '+5491123456789', ['+5491123456789', '+541123456789']],
  ['India as it is', '+919812345678', ['+919812345678']],
])('a subscriber is looked for in every spelling: %s', (_name, phone, candidates) => {
  expect(phoneCandidates(phone)).toEqual(candidates);
});

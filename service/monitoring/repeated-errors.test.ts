import { beforeEach, expect, test } from 'vitest';
import { createLogger } from './logger.ts';
import { createRepeatedErrors, type RepeatedErrors } from './repeated-errors.ts';

/** Which errors are told as one that repeats. */

let lines: string[];
let errors: RepeatedErrors;
beforeEach(() => {
  lines = [];
  errors = createRepeatedErrors(createLogger('info', { write: (line) => void lines.push(line) }));
});

const what = 'a tick failed';
const here = (message: string, code?: string): Error => Object.assign(new Error(message), { code });

test('the same from the same place is told once, whatever row its message names', () => {
  for (const row of ['1', '2', '3']) errors.tell(what, here(`No row ${row}.`), { step: 'apply' });
  expect(lines).toHaveLength(1);
});

test('the same words of another step, code, type or place are told too', () => {
  const elsewhere = new Error('It failed.');
  for (const error of [
    here('It failed.'),
    here('It failed.', '42P01'),
    new TypeError('It failed.'),
    elsewhere,
  ]) {
    errors.tell(what, error, { step: 'apply' });
  }
  errors.tell(what, elsewhere, { step: 'reconcile' });
  expect(lines).toHaveLength(5);
});

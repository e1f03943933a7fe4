import { expect, test } from 'vitest';
import { sendErrorOf } from '../whatsapp/index.ts';
import { type Aftermath, afterError, type FailedTry } from './after-error.ts';

const now = Date.parse('2026-11-27T12:00:00Z');
const second = 1000;

const after = (code: number, change: Partial<FailedTry> = {}): Aftermath =>
  afterError({
    now,
    code,
    rule: sendErrorOf(code),
    details: undefined,
    afterMs: undefined,
    atOnce: true,
    attempts: 1,
    triedAt: now,
    cappedAt: null,
    asMarketing: false,
    mediumRenewed: false,
    rests: 0,
    ...change,
  });

test.each([
  [0, 6],
  [1, 24],
  [2, 96],
  [9, 3600],
])('131056 after %i rests: that person is left alone for %i s', (rests, seconds) => {
  expect(after(131_056, { rests }).dueAt).toBe(now + seconds * second);
});

test('what could not be done just then waits as long as WhatsApp says, if that is longer than ours', () => {
  expect(after(131_016).dueAt).toBe(now + 2 * second);
  expect(after(131_016, { afterMs: 30 * second }).dueAt).toBe(now + 30 * second);
});

test('what WhatsApp held back to limit marketing goes once more', () => {
  expect(after(131_049)).toMatchObject({ next: 'queued', cappedAt: now });
  expect(after(131_049, { cappedAt: now - second })).toMatchObject({ next: 'ended' });
});

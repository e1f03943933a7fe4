import type { Retry, SangamError } from '../errors.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** Waits between tries of one record, docs/design.md §4; about 45 hours in all. */
const itemWaitsMs = [
  5 * second,
  30 * second,
  2 * minute,
  10 * minute,
  30 * minute,
  2 * hour,
  6 * hour,
  12 * hour,
  24 * hour,
];

/**
 * Waits between tries of an account that does not answer: a try costs one call, and its end should be noticed soon. The
 * first are repeated: while a fifth of all calls fail, three ticks in a row do often, ten hardly ever.
 */
const breakerWaitsMs = [
  ...[1, 1, 1, 5, 5, 5, 30, 30, 30].map((seconds) => seconds * second),
  2 * minute,
  2 * minute,
  5 * minute,
];

/** The longest a vendor is heard that asks to be left alone. */
const longestAskedMs = 15 * minute;
/** So often in a row is a vendor's word alone obeyed; then it is left alone as long as this at most, whatever it says. */
const inVain = 3;
const longestInVainMs = 30 * second;
/** What a vendor calls by the name of a day ends within one. */
const longestDailyMs = 24 * hour;

/** When one record may be tried again after so many tries; undefined: it has been tried often enough. */
export function itemWaitMs(retry: Retry, attempts: number): number | undefined {
  const wait = itemWaitsMs[attempts - 1];
  if (wait === undefined) return undefined;
  return typeof retry === 'object' ? asked(retry.afterMs, longestAskedMs) : jittered(wait);
}

/**
 * How long to leave an account alone after so many failed ticks. Its own word wins, up to 15 minutes; up to a day where
 * it names a daily limit, code `daily_limit`. Of one that is obeyed again and again in vain, longer: a tick is several calls,
 * and may be made again each time there is room for the first of them alone.
 */
export function breakerWaitMs(
  { code, retry }: Pick<SangamError, 'code' | 'retry'>,
  failedAttempts: number,
): number {
  const ownMs = jittered(breakerWaitsMs[Math.min(failedAttempts, breakerWaitsMs.length) - 1] ?? second);
  if (typeof retry !== 'object') return ownMs;
  const askedMs = asked(retry.afterMs, code === 'daily_limit' ? longestDailyMs : longestAskedMs);
  return failedAttempts <= inVain ? askedMs : Math.max(askedMs, Math.min(ownMs, longestInVainMs));
}

/** "At once" is no wait: nobody is to be asked in a loop. */
function asked(afterMs: number, longestMs: number): number {
  return Math.min(Math.max(afterMs, second), longestMs);
}

/** ±20 %, against herds. */
function jittered(waitMs: number): number {
  return Math.round(waitMs * (0.8 + Math.random() * 0.4));
}

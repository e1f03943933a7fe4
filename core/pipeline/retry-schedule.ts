import type { Retry } from '../errors.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** Waits between tries of one record, facts/peers.md §4; about 45 hours in all. */
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

/** Waits between tries of an account that does not answer: a try costs one call, and its end should be noticed soon. */
const breakerWaitsMs = [1 * second, 5 * second, 30 * second, 2 * minute, 5 * minute];

/** When one record may be tried again after so many tries; undefined: it has been tried often enough. */
export function itemWaitMs(retry: Retry, attempts: number): number | undefined {
  const wait = itemWaitsMs[attempts - 1];
  if (wait === undefined) return undefined;
  return typeof retry === 'object' ? retry.afterMs : jittered(wait);
}

/** How long to leave an account alone after so many failed calls. Its own word wins. */
export function breakerWaitMs(retry: Retry, failedAttempts: number): number {
  if (typeof retry === 'object') return retry.afterMs;
  return jittered(breakerWaitsMs[Math.min(failedAttempts, breakerWaitsMs.length) - 1] ?? second);
}

/** ±20 %, against herds. */
function jittered(waitMs: number): number {
  return Math.round(waitMs * (0.8 + Math.random() * 0.4));
}

import type { Retry } from '../../errors.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** Waits between tries of a failing CRM, facts/peers.md §4; the last one repeats. */
const waitsMs = [
  1 * second,
  5 * second,
  30 * second,
  2 * minute,
  10 * minute,
  30 * minute,
  2 * hour,
  6 * hour,
];

/** How long to leave a CRM alone after this many failed tries. The CRM's own word wins; ±20 % against herds. */
export function retryAfterMs(retry: Retry, failedAttempts: number): number {
  if (typeof retry === 'object') return retry.afterMs;
  const wait = waitsMs[Math.min(failedAttempts, waitsMs.length) - 1] ?? second;
  return Math.round(wait * (0.8 + Math.random() * 0.4));
}

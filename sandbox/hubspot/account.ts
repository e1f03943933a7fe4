import type { SandboxClock } from '../clock.ts';
import type { Answer } from '../http.ts';
import { answerError, expiredToken, noCredentials, rateLimited } from './errors.ts';
import type { HubspotRules } from './rules.ts';

/** What stands before every operation: the token, then the limit of calls. */
export interface Account {
  /** What is answered instead of the operation, or the headers its answer carries. */
  enter(
    authorization: string | undefined,
  ): { refused: Answer } | { headers: Readonly<Record<string, string>> };
  setToken(change: { expired?: boolean | undefined; accessToken?: string | undefined }): { expired: boolean };
}

export function createAccount(accessToken: string, clock: SandboxClock, rules: () => HubspotRules): Account {
  let token = accessToken;
  let expired = false;
  /** Times of the calls let through within the interval, oldest first from `oldest` on. */
  let times: number[] = [];
  let oldest = 0;

  /** facts/hubspot.md §4.8: so many calls in any ten seconds, and headers that say where one stands. */
  const limit = (): { refused: Answer } | { headers: Readonly<Record<string, string>> } => {
    const { rateLimitMax: max, rateLimitIntervalMs: intervalMs } = rules();
    if (max === 0) return { headers: {} };
    const now = clock.now();
    while ((times[oldest] ?? Infinity) <= now - intervalMs) oldest += 1;
    if (oldest > 1_000) {
      times = times.slice(oldest);
      oldest = 0;
    }
    const allowed = times.length - oldest < max;
    if (allowed) times.push(now);
    const headers = {
      'X-HubSpot-RateLimit-Max': String(max),
      'X-HubSpot-RateLimit-Remaining': String(Math.max(0, max - (times.length - oldest))),
      'X-HubSpot-RateLimit-Interval-Milliseconds': String(intervalMs),
    };
    return allowed ? { headers } : { refused: { ...rateLimited(), headers } };
  };

  return {
    enter(authorization) {
      if (authorization !== `Bearer ${token}`) return { refused: answerError(noCredentials) };
      if (expired) return { refused: answerError(expiredToken) };
      return limit();
    },
    setToken(change) {
      token = change.accessToken ?? token;
      expired = change.expired ?? expired;
      return { expired };
    },
  };
}

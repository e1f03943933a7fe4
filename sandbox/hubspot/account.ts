import type { SandboxClock } from '../clock.ts';
import type { Answer } from '../http.ts';
import { answerError, expiredToken, noCredentials, rateLimited } from './errors.ts';
import { createBudget, createRollingLimit } from '../shared/limits.ts';
import { portal } from './portal.ts';
import type { HubspotRules } from './rules.ts';

type Entered = { refused: Answer } | { headers: Readonly<Record<string, string>> };

/** What stands before every operation: the token, then the limit of calls. */
export interface Account {
  /** What is answered instead of the operation, or the headers its answer carries. */
  enter(authorization: string | undefined, operation: string): Entered;
  setToken(change: { expired?: boolean | undefined; accessToken?: string | undefined }): { expired: boolean };
}

export function createAccount(
  accessToken: string,
  clock: SandboxClock,
  rules: () => HubspotRules,
  /** Tokens given by OAuth. */
  oauth: (accessToken: string) => 'valid' | 'expired' | undefined,
): Account {
  let token = accessToken;
  let expired = false;
  const calls = createRollingLimit(clock, () => {
    const { rateLimitMax: max, rateLimitIntervalMs: intervalMs } = rules();
    return { max, intervalMs };
  });
  const searches = createRollingLimit(clock, () => {
    const { searchLimitMax: max, searchLimitIntervalMs: intervalMs } = rules();
    return { max, intervalMs };
  });

  const day = createBudget(clock, () => ({
    max: rules().dailyLimitMax,
    offsetMs: portal.utcOffsetMilliseconds,
  }));

  /** docs/vendors/hubspot.md §4.8: so many calls in any ten seconds, and headers that say where one stands. */
  const enterCall = (): Entered => {
    const taken = calls.take();
    if (taken === undefined) return { headers: {} };
    const { rateLimitMax, rateLimitIntervalMs } = rules();
    const headers = {
      'X-HubSpot-RateLimit-Max': String(rateLimitMax),
      'X-HubSpot-RateLimit-Remaining': String(taken.left),
      'X-HubSpot-RateLimit-Interval-Milliseconds': String(rateLimitIntervalMs),
    };
    return taken.allowed ? { headers } : { refused: { ...rateLimited(), headers } };
  };

  /** docs/vendors/hubspot.md §4.3: a limit of its own that no header tells of. */
  const enterSearch = (): Entered =>
    searches.take()?.allowed === false ? { refused: rateLimited('SECONDLY') } : { headers: {} };

  return {
    enter(authorization, operation) {
      const given = /^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? '';
      const state = given === token ? (expired ? 'expired' : 'valid') : oauth(given);
      if (state === undefined) return { refused: answerError(noCredentials) };
      if (state === 'expired') return { refused: answerError(expiredToken) };
      if (day.spend()?.allowed === false) return { refused: rateLimited('DAILY') };
      return operation.endsWith('/search') ? enterSearch() : enterCall();
    },
    setToken(change) {
      token = change.accessToken ?? token;
      expired = change.expired ?? expired;
      return { expired };
    },
  };
}

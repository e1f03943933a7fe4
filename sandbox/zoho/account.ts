import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import type { Answer } from '../http.ts';
import { createConcurrencyLimit, createRollingLimit } from '../shared/limits.ts';
import type { OauthServer } from '../shared/oauth.ts';
import { coqlBody } from './coql-operation.ts';
import { readQuery } from './coql-query.ts';
import { answerError, tooManyRequests, zohoError } from './errors.ts';
import type { Found } from './operation.ts';
import { editions, users } from './org.ts';
import type { ZohoRules } from './rules.ts';
import { allows } from './scopes.ts';

const dayMs = 24 * 60 * 60 * 1_000;

/** What stands before every call: the token and what it may, then credits. docs/vendors/zoho.md §1.2, §2.3. */
export interface Account {
  /** What is answered instead of the operation, or the headers its answer carries. */
  enter(
    authorization: string | undefined,
    found: Found | undefined,
    body: unknown,
  ): { refused: Answer } | { headers: Readonly<Record<string, string>> };
  /** Of a call under way; undefined = too many are. */
  begin(): (() => void) | undefined;
  setToken(change: { expired?: boolean | undefined; accessToken?: string | undefined }): { expired: boolean };
}

export function createAccount(
  accessToken: string,
  clock: SandboxClock,
  rules: () => ZohoRules,
  oauth: Pick<OauthServer, 'stateOf' | 'scopesOf'>,
): Account {
  let token = accessToken;
  let expired = false;
  const creditsMax = (): number => {
    const { edition, creditsMax: max } = rules();
    const { credits, aUser, atMost } = editions[edition];
    return max ?? Math.min(atMost, credits + aUser * users.length);
  };
  const credits = createRollingLimit(clock, () => ({ max: creditsMax(), intervalMs: dayMs }));
  const calls = createRollingLimit(clock, () => {
    const { rateLimitMax: max, rateLimitIntervalMs: intervalMs } = rules();
    return { max, intervalMs };
  });
  const atOnce = createConcurrencyLimit(() => rules().concurrencyMax ?? editions[rules().edition].atOnce);

  const dead = (): Answer => {
    const { deadTokenCode: code } = rules();
    return answerError(
      zohoError(code, code === 'INVALID_TOKEN' ? 'invalid oauth token' : 'Authentication failed', {}, 401),
    );
  };

  return {
    enter(authorization, found, body) {
      const given = /^Zoho-oauthtoken (.+)$/.exec(authorization ?? '')?.[1];
      if (given === undefined) {
        return {
          refused: answerError(zohoError('AUTHENTICATION_FAILURE', 'Authentication failed', {}, 401)),
        };
      }
      const own = given === token;
      const state = own ? (expired ? 'expired' : 'valid') : oauth.stateOf(given);
      if (state !== 'valid') return { refused: dead() };
      if (!own && found !== undefined && !allows(oauth.scopesOf(given), found)) {
        return {
          refused: answerError(
            zohoError('OAUTH_SCOPE_MISMATCH', 'invalid oauth scope to access this URL', {}, 401),
          ),
        };
      }
      if (calls.take()?.allowed === false) return { refused: answerError(tooManyRequests) };
      const spent = credits.take(costOf(found, body));
      if (spent === undefined) return { headers: {} };
      // Told only once half is spent.
      const headers: Record<string, string> =
        spent.left < creditsMax() / 2 ? { 'X-API-CREDITS-REMAINING': String(spent.left) } : {};
      return spent.allowed ? { headers } : { refused: { ...answerError(tooManyRequests), headers } };
    },
    begin: () => atOnce.begin(),
    setToken(change) {
      token = change.accessToken ?? token;
      expired = change.expired ?? expired;
      return { expired };
    },
  };
}

const rows = z.object({ data: z.array(z.unknown()) });

/** docs/vendors/zoho.md §2.3. */
function costOf(found: Found | undefined, body: unknown): number {
  switch (found?.template) {
    case 'POST /{module}':
    case 'PUT /{module}':
    case 'POST /{module}/upsert':
      return Math.max(1, Math.ceil((rows.safeParse(body).data?.data.length ?? 0) / 10));
    case 'POST /Leads/{id}/actions/convert':
      return 5;
    case 'POST /settings/modules':
      return 500;
    case 'POST /coql': {
      const query = readQuery(coqlBody.safeParse(body).data?.select_query ?? '');
      const limit = 'limit' in query ? query.limit : 0;
      return limit > 1_000 ? 3 : limit > 200 ? 2 : 1;
    }
    default:
      return 1;
  }
}

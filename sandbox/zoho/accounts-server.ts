import type { SandboxClock } from '../clock.ts';
import type { Answer } from '../http.ts';
import type { Append } from '../journal.ts';
import { createRollingLimit, type RollingLimit } from '../shared/limits.ts';
import { createOauthServer, type OauthServer, type TokenRefusal } from '../shared/oauth.ts';
import type { ZohoRules } from './rules.ts';

/** docs/vendors/zoho.md §1.2. */
const accessSeconds = 3_600;
const mostRefreshTokens = 20;
const mostAccessTokens = 10;
const accessTokensWithinMs = 10 * 60 * 1_000;
/** From memory, as in the vendor's console. */
const codeMs = 2 * 60 * 1_000;

/** Where the sandbox's org lives. docs/vendors/zoho.md §1.1. */
export const location = 'in';

const refusals: Readonly<Record<TokenRefusal, string>> = {
  'no form': 'invalid_request',
  'unknown client': 'invalid_client',
  'bad code': 'invalid_code',
  'bad refresh token': 'invalid_code',
};

/** Zoho's accounts server, in one with the API. docs/vendors/zoho.md §1. */
export function createAccountsServer(
  app: { readonly clientId: string; readonly clientSecret: string },
  frame: { clock: SandboxClock; written: () => Promise<void>; append: Append },
  rules: () => ZohoRules,
): OauthServer {
  const refreshes = new Map<string, RollingLimit>();
  const limitOf = (refreshToken: string): RollingLimit => {
    let limit = refreshes.get(refreshToken);
    if (limit === undefined) {
      limit = createRollingLimit(frame.clock, () => ({
        max: mostAccessTokens,
        intervalMs: accessTokensWithinMs,
      }));
      refreshes.set(refreshToken, limit);
    }
    return limit;
  };

  return createOauthServer({
    ...frame,
    app,
    name: 'zoho app',
    authorizePath: '/oauth/v2/auth',
    codeMs,
    accessMs: accessSeconds * 1_000,
    refreshTokens: 'kept',
    replayEndsAll: false,
    pkce: 'optional',
    mostGrants: mostRefreshTokens,
    comesBackWith: (base) => ({ location, 'accounts-server': base }),
    withholdsRefresh: ({ access_type: access, prompt }, again) =>
      access !== 'offline' || (again && prompt !== 'consent'),
    refusesRefresh: (refreshToken) =>
      limitOf(refreshToken).take()?.allowed === false ? tooOften(rules()) : undefined,
    answer: ({ accessToken, refreshToken, scopes }) => ({
      access_token: accessToken,
      ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
      scope: scopes.join(' '),
      token_type: 'Bearer',
      expires_in: accessSeconds,
    }),
    // What failed is in the body of a 200. docs/vendors/zoho.md §1.2.
    refuse: (reason) => ({ status: 200, body: { error: refusals[reason] } }),
  });
}

function tooOften({ tokenLimitStatus: status }: ZohoRules): Answer {
  return {
    status,
    body: {
      error: 'Access Denied',
      error_description: 'You have made too many requests continuously. Please try again after some time.',
      status: 'failure',
    },
  };
}

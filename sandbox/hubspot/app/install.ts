import type { SandboxClock } from '../../clock.ts';
import type { Answer } from '../../http.ts';
import type { Append } from '../../journal.ts';
import { createOauthServer, type OauthServer, type TokenRefusal } from '../../shared/oauth.ts';
import { portal } from '../portal.ts';

/** The app a business installs, as HubSpot knows it. */
export interface AppFacts {
  readonly appId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

const accessSeconds = 1_800;
const codeMs = 10 * 60 * 1_000;
const userId = 2_000_001;

/** HubSpot's words for a refusal. docs/vendors/hubspot.md §5. */
const refusals: Readonly<Record<TokenRefusal, readonly [error: string, status: string, message: string]>> = {
  'no form': ['invalid_request', 'BAD_REQUEST', 'a form body is needed'],
  'unknown client': ['invalid_client', 'BAD_CLIENT_ID', 'unknown client, or a wrong secret'],
  'bad code': ['invalid_grant', 'BAD_AUTH_CODE', 'unknown, used or expired auth code'],
  'bad refresh token': ['invalid_grant', 'BAD_REFRESH_TOKEN', 'missing or invalid refresh token'],
};

/** OAuth as HubSpot does it, docs/vendors/hubspot.md §5. Whether refresh tokens rotate: [V3]. */
export function createInstall(
  app: AppFacts,
  frame: { clock: SandboxClock; written: () => Promise<void>; append: Append },
): OauthServer {
  return createOauthServer({
    ...frame,
    app,
    name: 'hubspot app',
    authorizePath: '/oauth/authorize',
    codeMs,
    accessMs: accessSeconds * 1_000,
    refreshTokens: 'kept',
    replayEndsAll: false,
    pkce: 'optional',
    answer: ({ accessToken, refreshToken, scopes }) => ({
      token_type: 'bearer',
      token_use: 'access_token',
      access_token: accessToken,
      refresh_token: refreshToken,
      expires_in: accessSeconds,
      hub_id: portal.portalId,
      user_id: userId,
      scopes,
    }),
    refuse(reason): Answer {
      const [error, status, message] = refusals[reason];
      return { status: 400, body: { error, error_description: message, status, message } };
    },
  });
}

import { Router } from 'express';
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { SandboxClock } from '../../clock.ts';
import { type Answer, answering, mustBeAdmitted, ok, readBody, readInput } from '../../http.ts';
import type { Operations } from '../operation.ts';
import { portal } from '../portal.ts';
import type { Grant, Grants } from './grants.ts';

/** The app a business installs, as HubSpot knows it. */
export interface AppFacts {
  readonly appId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** OAuth as HubSpot does it, docs/vendors/hubspot.md §5. */
export interface Oauth {
  /** By operation, as the simulator's others; none needs a token. */
  readonly operations: Operations;
  /** The page where the installing user agrees, which they do at once. */
  readonly page: Router;
  readonly controls: Router;
  /** Undefined: no token of this app. */
  stateOf(accessToken: string): 'valid' | 'expired' | undefined;
}

const accessSeconds = 1_800;
const codeMs = 10 * 60 * 1_000;
const userId = 2_000_001;

const consentBody = z.strictObject({
  consent: z.enum(['granted', 'denied']).optional(),
  /** Whether a refresh gives another refresh token, and ends the one before. docs/vendors/hubspot.md §5, [V3]. */
  refreshTokens: z.enum(['kept', 'rotated']).optional(),
});
const pageQuery = z.looseObject({
  client_id: z.string(),
  redirect_uri: z.url(),
  scope: z.string().min(1),
  state: z.string().optional(),
});

export function createOauth(
  app: AppFacts,
  grants: Grants,
  clock: SandboxClock,
  written: () => Promise<void>,
): Oauth {
  const settings = { consent: 'granted', refreshTokens: 'kept' };
  const codes = new Map<string, { until: number; redirectUri: string; scopes: readonly string[] }>();
  const accesses = new Map<string, number>();

  const draw = (kind: 'access' | 'code'): string => `${kind}-${randomBytes(24).toString('base64url')}`;
  const answerTokens = (grant: Grant): Answer => {
    const accessToken = draw('access');
    accesses.set(accessToken, clock.now() + accessSeconds * 1_000);
    return {
      status: 200,
      body: {
        token_type: 'bearer',
        token_use: 'access_token',
        access_token: accessToken,
        refresh_token: grant.refreshToken,
        expires_in: accessSeconds,
        hub_id: portal.portalId,
        user_id: userId,
        scopes: grant.scopes,
      },
    };
  };

  const token = (body: unknown): Answer => {
    const form = body instanceof URLSearchParams ? body : undefined;
    if (form === undefined) return refusal(400, 'invalid_request', 'BAD_REQUEST', 'a form body is needed');
    if (form.get('client_id') !== app.clientId || form.get('client_secret') !== app.clientSecret) {
      return refusal(400, 'invalid_client', 'BAD_CLIENT_ID', 'unknown client, or a wrong secret');
    }
    if (form.get('grant_type') === 'authorization_code') {
      const code = codes.get(form.get('code') ?? '');
      codes.delete(form.get('code') ?? '');
      if (code === undefined || code.until < clock.now() || code.redirectUri !== form.get('redirect_uri')) {
        return refusal(400, 'invalid_grant', 'BAD_AUTH_CODE', 'unknown, used or expired auth code');
      }
      return answerTokens(grants.give(code.scopes));
    }
    const grant = grants.of(form.get('refresh_token') ?? '');
    if (form.get('grant_type') !== 'refresh_token' || grant === undefined) {
      return refusal(400, 'invalid_grant', 'BAD_REFRESH_TOKEN', 'missing or invalid refresh token');
    }
    return answerTokens(settings.refreshTokens === 'rotated' ? grants.rotate(grant) : grant);
  };

  const uninstall = (): void => {
    grants.end();
    accesses.clear();
  };

  const page = Router();
  page.get('/oauth/authorize', async (request, response) => {
    await mustBeAdmitted(response);
    const query = readInput(pageQuery, request.query);
    if (query.client_id !== app.clientId) {
      response.status(400).json({ error: { code: 'unknown_client', message: 'There is no such app.' } });
      return;
    }
    const back = new URL(query.redirect_uri);
    if (settings.consent === 'denied') back.searchParams.set('error', 'access_denied');
    else {
      const code = draw('code');
      const scopes = query.scope.split(' ');
      codes.set(code, { until: clock.now() + codeMs, redirectUri: query.redirect_uri, scopes });
      back.searchParams.set('code', code);
    }
    if (query.state !== undefined) back.searchParams.set('state', query.state);
    response.redirect(302, back.href);
  });

  const controls = Router();
  controls.put(
    '/app',
    answering(written, (request) => {
      const change = readBody(consentBody, request);
      Object.assign(settings, change);
      return ok(settings);
    }),
  );
  controls.post(
    '/app/uninstall',
    answering(written, () => {
      uninstall();
      return { status: 204 };
    }),
  );

  return {
    operations: {
      'POST /oauth/token': ({ body }) => token(body),
      'DELETE /appinstalls/external-install': () => {
        uninstall();
        return { status: 204 };
      },
    },
    page,
    controls,
    stateOf(accessToken) {
      const until = accesses.get(accessToken);
      if (until === undefined) return undefined;
      return until > clock.now() ? 'valid' : 'expired';
    },
  };
}

function refusal(status: number, error: string, code: string, message: string): Answer {
  return { status, body: { error, error_description: message, status: code, message } };
}

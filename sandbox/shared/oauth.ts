import { createHash, randomBytes } from 'node:crypto';
import { Router } from 'express';
import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import { type Answer, answering, mustBeAdmitted, ok, readBody, readInput, refuse, send } from '../http.ts';
import type { Append, JournalPart } from '../journal.ts';
import { createGrants, type Granted } from './grants.ts';

/** What was given for a code or a refresh token. */
export interface Tokens {
  readonly accessToken: string;
  /** Undefined: none is given this time. */
  readonly refreshToken: string | undefined;
  readonly scopes: readonly string[];
}

/** Why none was given. */
export type TokenRefusal = 'no form' | 'unknown client' | 'bad code' | 'bad refresh token';

/** OAuth's code flow as a vendor plays it (RFC 6749, RFC 7636). Grants outlive the process, access tokens do not. */
export interface OauthServer {
  readonly journal: JournalPart;
  /** The page where the installing user agrees, which they do at once, and the controls below `/app`. */
  readonly routes: Router;
  /** Answers a request for tokens; `authorization`: the app's name and secret, where they are not in the form. */
  token(form: unknown, authorization?: string): Answer;
  /** A code nobody came back with: the app's owner drew it for themselves. */
  drawCode(scopes: readonly string[], forMs: number): string;
  /** Undefined: no token of this app. */
  stateOf(accessToken: string): 'valid' | 'expired' | undefined;
  /** What an access token may be used for; none where it is none. */
  scopesOf(accessToken: string): readonly string[];
  /** Ends what this refresh token was given for. Whether there was such a one. */
  revoke(refreshToken: string): boolean;
  /** The customer or the app itself ended all that was granted. */
  uninstall(): void;
  /** Nobody has uninstalled the app since it was first there. */
  installed(): boolean;
}

const settingsBody = z.strictObject({
  consent: z.enum(['granted', 'denied']).optional(),
  /** Whether a refresh gives another refresh token, and ends the one before. */
  refreshTokens: z.enum(['kept', 'rotated']).optional(),
});
const pageQuery = z.looseObject({
  client_id: z.string(),
  redirect_uri: z.url(),
  scope: z.string().min(1),
  state: z.string().optional(),
  code_challenge: z.string().optional(),
  code_challenge_method: z.literal('S256').optional(),
});

interface Code {
  readonly until: number;
  /** Undefined: nobody comes back with it. */
  readonly redirectUri: string | undefined;
  readonly scopes: readonly string[];
  readonly challenge: string | undefined;
  readonly withoutRefresh: boolean;
}

export function createOauthServer(vendor: {
  app: { readonly clientId: string; readonly clientSecret: string };
  clock: SandboxClock;
  written: () => Promise<void>;
  append: Append;
  /** Of its journal. */
  name: string;
  /** Where the user agrees, below the vendor's base path. */
  authorizePath: string;
  codeMs: number;
  /** Infinity = until the grant ends. */
  accessMs: number;
  refreshTokens: 'kept' | 'rotated';
  /** Whether a refresh token that was rotated away ends, when it is used again, all that came of the same agreement. */
  replayEndsAll: boolean;
  /** Whether a code is given only against a challenge. One that was given against a challenge always wants its verifier. */
  pkce: 'required' | 'optional';
  answer: (tokens: Tokens) => object;
  refuse: (reason: TokenRefusal) => Answer;
  /** What the user comes back with beside the code; `base`: the vendor's address, as it was asked. */
  comesBackWith?: (base: string) => Readonly<Record<string, string>>;
  /** Whether a code from a page with this query brings no refresh token; `again`: the app has one already. */
  withholdsRefresh?: (query: Readonly<Record<string, unknown>>, again: boolean) => boolean;
  /** Refresh tokens that live at once; the oldest goes for another. */
  mostGrants?: number;
  /** Asked before a refresh token is used: too often. */
  refusesRefresh?: (refreshToken: string) => Answer | undefined;
}): OauthServer {
  const { app, clock, written } = vendor;
  const settings = { consent: 'granted', refreshTokens: vendor.refreshTokens };
  const grants = createGrants(vendor.name, vendor.append, vendor.replayEndsAll, vendor.mostGrants);
  const codes = new Map<string, Code>();
  const accesses = new Map<
    string,
    { readonly until: number; readonly family: string; readonly scopes: readonly string[] }
  >();

  const draw = (kind: 'access' | 'code'): string => `${kind}-${randomBytes(24).toString('base64url')}`;
  const accessTo = (family: string, scopes: readonly string[]): string => {
    const accessToken = draw('access');
    accesses.set(accessToken, { until: clock.now() + vendor.accessMs, family, scopes });
    return accessToken;
  };
  const give = ({ refreshToken, scopes, family }: Granted): Answer => ({
    status: 200,
    body: vendor.answer({ accessToken: accessTo(family, scopes), refreshToken, scopes }),
  });

  const isOurApp = (form: URLSearchParams, authorization: string | undefined): boolean => {
    const basic = Buffer.from(`${app.clientId}:${app.clientSecret}`).toString('base64');
    if (authorization !== undefined) return authorization === `Basic ${basic}`;
    return form.get('client_id') === app.clientId && form.get('client_secret') === app.clientSecret;
  };

  const exchange = (form: URLSearchParams): Answer => {
    const given = form.get('code') ?? '';
    const code = codes.get(given);
    codes.delete(given);
    const foreign = code?.redirectUri !== undefined && code.redirectUri !== form.get('redirect_uri');
    if (code === undefined || code.until < clock.now() || foreign) return vendor.refuse('bad code');
    const { challenge, scopes } = code;
    if (challenge !== undefined && challenge !== challengeOf(form.get('code_verifier') ?? '')) {
      return vendor.refuse('bad code');
    }
    if (!code.withoutRefresh) return give(grants.give(scopes));
    const accessToken = accessTo(given, scopes);
    return { status: 200, body: vendor.answer({ accessToken, refreshToken: undefined, scopes }) };
  };

  const endFamily = (ended: string | undefined): void => {
    for (const [token, { family }] of accesses) if (family === ended) accesses.delete(token);
  };

  const refresh = (form: URLSearchParams): Answer => {
    const given = form.get('refresh_token') ?? '';
    const grant = grants.of(given);
    const refused = grant === undefined ? undefined : vendor.refusesRefresh?.(given);
    if (refused !== undefined) return refused;
    if (form.get('grant_type') === 'refresh_token' && grant !== undefined) {
      return give(settings.refreshTokens === 'rotated' ? grants.rotate(grant) : grant);
    }
    endFamily(grants.replayed(given));
    return vendor.refuse('bad refresh token');
  };

  const uninstall = (): void => {
    grants.end();
    accesses.clear();
  };

  const routes = Router();
  routes.get(vendor.authorizePath, async (request, response) => {
    await mustBeAdmitted(response);
    const query = readInput(pageQuery, request.query);
    if (query.client_id !== app.clientId) {
      send(response, refuse(400, 'unknown_client', 'There is no such app.'));
      return;
    }
    const { code_challenge: challenge, redirect_uri: redirectUri, scope, state } = query;
    const back = new URL(redirectUri);
    if (settings.consent === 'denied') back.searchParams.set('error', 'access_denied');
    else if (challenge === undefined && vendor.pkce === 'required') {
      back.searchParams.set('error', 'invalid_request');
    } else {
      const code = draw('code');
      const until = clock.now() + vendor.codeMs;
      const withoutRefresh = vendor.withholdsRefresh?.(query, grants.any()) ?? false;
      codes.set(code, { until, redirectUri, scopes: scope.split(/[ ,]+/), challenge, withoutRefresh });
      back.searchParams.set('code', code);
      const base = `${request.protocol}://${request.get('host') ?? ''}${request.baseUrl}`;
      for (const [name, value] of Object.entries(vendor.comesBackWith?.(base) ?? {})) {
        back.searchParams.set(name, value);
      }
    }
    if (state !== undefined) back.searchParams.set('state', state);
    response.redirect(302, back.href);
  });
  routes.put(
    '/app',
    answering(written, (request) => {
      Object.assign(settings, readBody(settingsBody, request));
      return ok(settings);
    }),
  );
  routes.post(
    '/app/uninstall',
    answering(written, () => {
      uninstall();
      return { status: 204 };
    }),
  );

  return {
    journal: grants.journal,
    routes,
    token(form, authorization) {
      if (!(form instanceof URLSearchParams)) return vendor.refuse('no form');
      if (!isOurApp(form, authorization)) return vendor.refuse('unknown client');
      return form.get('grant_type') === 'authorization_code' ? exchange(form) : refresh(form);
    },
    stateOf(accessToken) {
      const access = accesses.get(accessToken);
      if (access === undefined) return undefined;
      return access.until > clock.now() ? 'valid' : 'expired';
    },
    drawCode(scopes, forMs) {
      const code = draw('code');
      const until = clock.now() + forMs;
      codes.set(code, { until, redirectUri: undefined, scopes, challenge: undefined, withoutRefresh: false });
      return code;
    },
    scopesOf: (accessToken) => accesses.get(accessToken)?.scopes ?? [],
    revoke(refreshToken) {
      const grant = grants.of(refreshToken);
      if (grant === undefined) return false;
      grants.revoke(grant);
      endFamily(grant.family);
      return true;
    },
    uninstall,
    installed: () => grants.installed(),
  };
}

function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

import type { IncomingMessage } from 'node:http';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Clock } from '@sangam/core/clock';
import type { MemberRole } from '@sangam/core/store';
import { bearerOf } from '../secrets/same-secret.ts';
import { type Member, sessionLivesMs, type Sessions } from '../members/sessions.ts';
import { type Route, route } from './api.ts';
import { answerError, otherMethods } from './errors.ts';
import { pagePolicy } from './security-headers.ts';

/** By https under a name that no neighbouring domain can set. */
const cookieName = (publicUrl: string): string =>
  publicUrl.startsWith('https:') ? '__Host-sangam_session' : 'sangam_session';

/**
 * Trades the one-time link for a session: a cookie for browsers, JSON for scripts that ask for it. Opening the link spends
 * nothing, as chat programs and mail filters open links too: the button of its page does.
 */
export function signInRoutes(sessions: Sessions, publicUrl: () => string): Router {
  const router = Router();
  router.use((_request, response, next) => {
    // Not 'no-referrer', under which a browser's form does not say where it comes from.
    response.set('Cache-Control', 'no-store').set('Referrer-Policy', 'same-origin');
    next();
  });
  router.get('/enter/:token', (_request, response) => {
    sendPage(response, 200, signInPage);
  });
  router.post('/enter/:token', async (request, response) => {
    // A page of somebody else's could sign people in to its owner's workspace.
    if (!isOwnPage(request, publicUrl())) {
      refuse(request, response, {
        status: 403,
        code: 'foreign_page',
        message: `Open the link itself: it signs in from its own page at ${publicUrl()} only.`,
        page: `<p>Open the link as it was printed, at <b>${publicUrl()}</b>: it signs in from its own page there only.</p>`,
      });
      return;
    }
    const session = await sessions.enter(request.params.token);
    if (session === undefined) {
      refuse(request, response, {
        status: 410,
        code: 'link_used',
        message: 'This link was used or has expired. `npm run admin-link` makes a new one.',
        page:
          '<p>This link was used or has expired: it is good once, for a day.</p>' +
          '<p><code>npm run admin-link</code> makes a new one, on the machine and in the folder Sangam runs in.</p>',
      });
      return;
    }
    response.cookie(cookieName(publicUrl()), session, {
      ...cookieOptions(publicUrl()),
      maxAge: sessionLivesMs,
    });
    if (wantsJson(request)) response.json({ session });
    else response.redirect(303, `${publicUrl()}/`);
  });
  router.all('/enter/:token', otherMethods('GET', 'POST'));
  return router;
}

const wantsJson = (request: Request): boolean => request.accepts(['html', 'json']) === 'json';

/** A person reads a page, a script the error. */
function refuse(
  request: Request,
  response: Response,
  refusal: {
    readonly status: number;
    readonly code: string;
    readonly message: string;
    readonly page: string;
  },
): void {
  const { status, code, message, page } = refusal;
  if (wantsJson(request)) answerError(response, status, code, message);
  else sendPage(response, status, page);
}

function sendPage(response: Response, status: number, content: string): void {
  response
    .status(status)
    .set('Content-Security-Policy', pagePolicy("'self'"))
    .type('html')
    .send(pageOf(content));
}

const signInPage = `<p>This link is good once. Signing in keeps this browser signed in for seven days.</p>
<form method="post"><button autofocus>Sign in</button></form>`;

const pageOf = (content: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in to Sangam</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 30rem; margin: 15vh auto; padding: 0 1.25rem; }
  button { font: inherit; padding: 0.6rem 1.4rem; border-radius: 0.5rem; border: 0; cursor: pointer;
           color: light-dark(#fff, #06231c); background: light-dark(#0b5d4b, #7fd6c0); }
</style>
</head>
<body>
<h1>Sign in to Sangam</h1>
${content}
</body>
</html>
`;

function cookieOptions(publicUrl: string): {
  httpOnly: true;
  sameSite: 'strict';
  secure: boolean;
  path: '/';
} {
  return { httpOnly: true, sameSite: 'strict', secure: publicUrl.startsWith('https:'), path: '/' };
}

/** Ends the member's session, or all their sessions wherever they are signed in. */
export function sessionRoutes(dependencies: {
  sessions: Sessions;
  clock: Clock;
  publicUrl: () => string;
}): Route[] {
  const { sessions, clock, publicUrl } = dependencies;
  return [
    route('DELETE', '/session', 'read-only', async (request, response) => {
      const token = tokenOf(request, publicUrl());
      if (token !== undefined) await sessions.end(response.locals.member, token, clock.now());
      response.clearCookie(cookieName(publicUrl()), cookieOptions(publicUrl())).status(204).end();
    }),
    route('DELETE', '/session/all', 'read-only', async (_request, response) => {
      await sessions.endAll(response.locals.member, clock.now());
      response.clearCookie(cookieName(publicUrl()), cookieOptions(publicUrl())).status(204).end();
    }),
  ];
}

/** Who asks, by cookie or bearer token; undefined: nobody who is signed in. */
export async function memberAsking(
  sessions: Sessions,
  request: IncomingMessage,
  publicUrl: string,
): Promise<Member | undefined> {
  const token = tokenOf(request, publicUrl);
  return token === undefined ? undefined : sessions.memberOf(token);
}

/** From the least to the most. */
const roles: readonly MemberRole[] = ['read-only', 'rep', 'admin'];

/** Lets members through who are at least that. */
export function requireMember(sessions: Sessions, may: MemberRole, publicUrl: () => string): RequestHandler {
  return async (request, response, next) => {
    const member = await memberAsking(sessions, request, publicUrl());
    if (member === undefined) {
      answerError(
        response,
        401,
        'not_signed_in',
        'Open the admin link that Sangam printed when it started, or make one with `npm run admin-link`.',
      );
    } else if (roles.indexOf(member.role) < roles.indexOf(may)) {
      if (may === 'admin')
        answerError(response, 403, 'not_admin', 'Only an admin may do this: ask one of your workspace.');
      else answerError(response, 403, 'read_only', 'You may read here, and change nothing: ask an admin.');
    } else {
      response.locals['member'] = member;
      next();
    }
  };
}

function tokenOf({ headers }: IncomingMessage, publicUrl: string): string | undefined {
  const bearer = bearerOf(headers);
  if (bearer !== undefined) return bearer;
  // A cookie travels by itself: only our own pages may use it.
  if (!isOwnPage({ headers }, publicUrl)) return undefined;
  const name = `${cookieName(publicUrl)}=`;
  const cookies = (headers.cookie ?? '').split(/; */);
  return cookies.find((cookie) => cookie.startsWith(name))?.slice(name.length);
}

/** Whether no page sent it, or one of ours. */
function isOwnPage({ headers }: Pick<IncomingMessage, 'headers'>, publicUrl: string): boolean {
  return headers.origin === undefined || headers.origin === new URL(publicUrl).origin;
}

import type { IncomingMessage } from 'node:http';
import { type NextFunction, type Request, type RequestHandler, type Response, Router } from 'express';
import type { Member, Sessions } from '../sessions.ts';
import { answerError } from './errors.ts';
import { pagePolicy } from './security-headers.ts';

const cookieName = 'sangam_session';

/**
 * Trades the one-time link for a session: a cookie for browsers, JSON for scripts that ask for it. Opening the link spends
 * nothing, as chat programs and mail filters open links too: the button of its page does.
 */
export function adminEntrance(sessions: Sessions, publicUrl: () => string): Router {
  const router = Router();
  router.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store').set('Referrer-Policy', 'no-referrer');
    next();
  });
  router.get('/enter/:token', (_request, response) => {
    response.set('Content-Security-Policy', pagePolicy("'self'")).type('html').send(entrancePage);
  });
  router.post('/enter/:token', async (request, response) => {
    const session = await sessions.enter(request.params.token);
    if (session === undefined) {
      answerError(
        response,
        410,
        'link_used',
        'This link was used or has expired. `npm run admin-link` makes a new one.',
      );
      return;
    }
    response.cookie(cookieName, session, cookieOptions(publicUrl()));
    if (request.accepts(['html', 'json']) === 'json') response.json({ session });
    else response.redirect(303, `${publicUrl()}/`);
  });
  return router;
}

const entrancePage = `<!doctype html>
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
<p>This link is good once. Signing in keeps this browser signed in for seven days.</p>
<form method="post"><button autofocus>Sign in</button></form>
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
export function sessionRoutes(sessions: Sessions, publicUrl: () => string): Router {
  const router = Router();
  router.delete('/', async (request, response) => {
    const token = tokenOf(request, publicUrl());
    if (token !== undefined) await sessions.end(token);
    response.clearCookie(cookieName, cookieOptions(publicUrl())).status(204).end();
  });
  router.delete('/all', async (_request, response: Response<unknown, MemberLocals>) => {
    const { workspaceId, memberId } = response.locals.member;
    await sessions.endAll(workspaceId, memberId);
    response.clearCookie(cookieName, cookieOptions(publicUrl())).status(204).end();
  });
  return router;
}

export interface MemberLocals {
  member: Member;
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

/** Methods that change nothing. */
const reading: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** `allowed`: whoever may do what the method does, so that who may only read changes nothing. */
export type Need = 'signed in' | 'allowed' | 'admin';

/** Lets members through. */
export function requireMember(sessions: Sessions, need: Need, publicUrl: () => string): RequestHandler {
  return async (request: Request, response: Response, next: NextFunction) => {
    const member = await memberAsking(sessions, request, publicUrl());
    if (member === undefined) {
      answerError(
        response,
        401,
        'not_signed_in',
        'Open the admin link that Sangam printed when it started, or make one with `npm run admin-link`.',
      );
      return;
    }
    if (need === 'admin' && member.role !== 'admin') {
      answerError(response, 403, 'not_admin', 'Only an admin may do this.');
      return;
    }
    if (need === 'allowed' && member.role === 'read-only' && !reading.has(request.method)) {
      answerError(response, 403, 'read_only', 'You may read here, and change nothing: ask an admin.');
      return;
    }
    response.locals['member'] = member;
    next();
  };
}

function tokenOf({ headers }: IncomingMessage, publicUrl: string): string | undefined {
  const bearer = /^Bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  // A cookie travels by itself: only our own pages may use it.
  if (headers.origin !== undefined && headers.origin !== new URL(publicUrl).origin) return undefined;
  const cookies = (headers.cookie ?? '').split(/; */);
  return cookies.find((cookie) => cookie.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
}

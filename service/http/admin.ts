import { type NextFunction, type Request, type RequestHandler, type Response, Router } from 'express';
import type { Member, Sessions } from '../sessions.ts';
import { answerError } from './errors.ts';

const cookieName = 'sangam_session';

/** Trades the one-time link for a session: a cookie for browsers, JSON for scripts that ask for it. */
export function adminEntrance(sessions: Sessions): Router {
  const router = Router();
  router.get('/enter/:token', async (request, response) => {
    const session = await sessions.enter(request.params.token);
    if (session === undefined) {
      answerError(
        response,
        410,
        'link_used',
        'This link was used or has expired. Restart Sangam to get a new one.',
      );
      return;
    }
    response.set('Cache-Control', 'no-store').set('Referrer-Policy', 'no-referrer');
    response.cookie(cookieName, session, { httpOnly: true, sameSite: 'strict', path: '/' });
    if (request.accepts(['html', 'json']) === 'json') response.json({ session });
    else response.redirect(303, '/');
  });
  return router;
}

export interface MemberLocals {
  member: Member;
}

/** Lets members through, by cookie or bearer token; `admin` routes only admins. */
export function requireMember(sessions: Sessions, need: 'any' | 'admin'): RequestHandler {
  return async (request: Request, response: Response, next: NextFunction) => {
    const token = tokenOf(request);
    const member = token === undefined ? undefined : await sessions.memberOf(token);
    if (member === undefined) {
      answerError(response, 401, 'not_signed_in', 'Open the admin link that Sangam printed when it started.');
      return;
    }
    if (need === 'admin' && member.role !== 'admin') {
      answerError(response, 403, 'not_admin', 'Only an admin may do this.');
      return;
    }
    response.locals['member'] = member;
    next();
  };
}

function tokenOf(request: Request): string | undefined {
  const bearer = /^Bearer (.+)$/.exec(request.get('authorization') ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  // A cookie travels by itself: only our own pages may use it to change something.
  const origin = request.get('origin');
  if (origin !== undefined && new URL(origin).host !== request.get('host')) return undefined;
  const cookies = (request.get('cookie') ?? '').split(/; */);
  return cookies.find((cookie) => cookie.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
}

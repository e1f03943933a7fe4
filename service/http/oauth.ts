import { type Request, type Response, Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { Refusal, SangamError } from '@sangam/core/errors';
import type { Connecting } from '../connecting.ts';
import { otherMethods } from './errors.ts';

const cookieName = 'sangam_oauth';

/** A `Lax` cookie comes back with the CRM's redirect, where the session's own, being `Strict`, does not. */
export function keepBinder(response: Response, binder: string, publicUrl: string): void {
  response.cookie(cookieName, binder, {
    httpOnly: true,
    sameSite: 'lax',
    secure: publicUrl.startsWith('https:'),
    path: cookiePath(publicUrl),
    maxAge: 10 * 60 * 1000,
  });
}

/** docs/vendors/hubspot.md §5; `error` where the admin did not agree. */
const callbackQuery = z.looseObject({
  state: z.string().max(4_096).default(''),
  code: z.string().max(4_096).optional(),
  error: z.string().max(4_096).optional(),
});

/** Where a CRM sends an admin back who agreed, or did not. Browsers are shown the start page with a note. */
export function oauthRoutes(connecting: Connecting, publicUrl: () => string, logger: Logger): Router {
  const router = Router();
  router.get('/hubspot/callback', async (request, response) => {
    response.set('Cache-Control', 'no-store').set('Referrer-Policy', 'no-referrer');
    response.clearCookie(cookieName, { path: cookiePath(publicUrl()) });
    const json = request.accepts(['html', 'json']) === 'json';
    try {
      const query = callbackQuery.safeParse(request.query);
      if (!query.success || query.data.code === undefined) throw notAgreed();
      const { state, code } = query.data;
      const connected = await connecting.finish({ state, binder: binderOf(request) }, code);
      if (json) response.json(connected);
      else response.redirect(303, `${publicUrl()}/?note=${connected.fresh ? 'connected' : 'reconnected'}`);
    } catch (error) {
      const known = error instanceof Refusal || (error instanceof SangamError && error.origin === 'crm');
      if (json || !known) throw error;
      // The page has a sentence for what people do, and sends them here for the rest.
      logger.warn({ code: error.code, reason: error.message }, 'an account could not be connected');
      response.redirect(303, `${publicUrl()}/?note=${error.code}`);
    }
  });
  router.all('/hubspot/callback', otherMethods('GET'));
  return router;
}

/** Where the world sees our callback, which may be below a path of a proxy's. */
function cookiePath(publicUrl: string): string {
  return `${new URL(publicUrl).pathname.replace(/\/$/, '')}/oauth`;
}

function notAgreed(): Refusal {
  return new Refusal('invalid', 'not_agreed', 'HubSpot did not give its agreement: nothing was connected.');
}

function binderOf(request: Request): string {
  const cookies = (request.get('cookie') ?? '').split(/; */);
  return cookies.find((cookie) => cookie.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1) ?? '';
}

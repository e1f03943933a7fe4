import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { Refusal, SangamError } from '@sangam/core/errors';
import type { Connecting } from '../accounts/connecting.ts';
import type { Crms } from '../accounts/crms.ts';
import { asItCame } from './crm-webhooks.ts';
import { answerError, otherMethods } from './errors.ts';

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

/** What no CRM's answer is longer than. */
const longestPart = z.string().max(4_096);
/** `error` where the admin did not agree; what else a CRM adds is its own. */
const callbackQuery = z.object({ state: longestPart.default(''), code: longestPart });
/** A CRM tells of an account, and no more. */
const mostBytes = 64 * 1024;

/**
 * Where a CRM sends an admin back who agreed, or did not, and where some say that our app was taken out of an account.
 * Browsers are shown the start page with a note.
 */
export function oauthRoutes(
  crms: Crms,
  dependencies: {
    connecting: Connecting;
    readBody: (mostBytes: number) => RequestHandler;
    publicUrl: () => string;
    logger: Logger;
  },
): Router {
  const { connecting, readBody, publicUrl, logger } = dependencies;
  const router = Router();
  for (const { traits, oauth } of crms.all) {
    if (oauth === undefined) continue;
    const { crm } = traits;
    const path = `/${crm}/callback`;
    router.get(path, async (request, response) => {
      response.set('Cache-Control', 'no-store').set('Referrer-Policy', 'no-referrer');
      response.clearCookie(cookieName, { path: cookiePath(publicUrl()) });
      const json = request.accepts(['html', 'json']) === 'json';
      try {
        const { state, ...query } = agreement(request, traits.label);
        const connected = await connecting.finish(crm, { state, binder: binderOf(request) }, query);
        if (json) response.json(connected);
        else
          response.redirect(303, notePage(publicUrl(), connected.fresh ? 'connected' : 'reconnected', crm));
      } catch (error) {
        const known = error instanceof Refusal || (error instanceof SangamError && error.origin === 'crm');
        if (json || !known) throw error;
        // The page has a sentence for what people do, and sends them here for the rest.
        logger.warn({ code: error.code, reason: error.message }, 'an account could not be connected');
        response.redirect(303, notePage(publicUrl(), error.code, crm));
      }
    });
    if (oauth.uninstalled === undefined) {
      router.all(path, otherMethods('GET'));
      continue;
    }
    router.delete(path, readBody(mostBytes), async (request, response) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      if (await connecting.uninstalled(crm, asItCame(request, body, publicUrl()))) response.status(200).end();
      else
        answerError(response, 401, 'bad_signature', `${traits.label} did not send this, or to another app.`);
    });
    router.all(path, otherMethods('GET', 'DELETE'));
  }
  return router;
}

function notePage(publicUrl: string, note: string, crm: string): string {
  return `${publicUrl}/?${new URLSearchParams({ note, crm }).toString()}`;
}

/** All that the admin came back with; a name that comes twice says nothing. */
function agreement(
  request: Request,
  label: string,
): { readonly state: string; readonly code: string } & Readonly<Record<string, string>> {
  const single = Object.fromEntries(
    Object.entries(request.query).filter(([, value]) => longestPart.safeParse(value).success),
  );
  const query = callbackQuery.catchall(longestPart).safeParse(single);
  if (query.success) return query.data;
  throw new Refusal('invalid', 'not_agreed', `${label} did not give its agreement: nothing was connected.`);
}

/** Where the world sees our callback, which may be below a path of a proxy's. */
function cookiePath(publicUrl: string): string {
  return `${new URL(publicUrl).pathname.replace(/\/$/, '')}/oauth`;
}

function binderOf(request: Request): string {
  const cookies = (request.get('cookie') ?? '').split(/; */);
  return cookies.find((cookie) => cookie.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1) ?? '';
}

import { type RequestHandler, Router } from 'express';
import type { Crm } from '@sangam/connectors/registry';
import type { Clock } from '@sangam/core/clock';
import type { NoSession, ShownSessions } from '../accounts/shown-sessions.ts';
import { asItCame } from './crm-webhooks.ts';
import { answerError, answerUnread, otherMethods } from './errors.ts';

const unsigned = { status: 401, code: 'bad_signature' } as const;
const refusals: Readonly<
  Record<Exclude<NoSession, 'unsigned'>, { status: number; code: string; says: string }>
> = {
  nobody: {
    status: 400,
    code: 'nobody_named',
    says: 'The request does not say, once and for all, whose account it is and who looks.',
  },
  'foreign account': {
    status: 403,
    code: 'foreign_account',
    says: 'This account is not connected here: an admin connects it first.',
  },
};

/** `/session`: who looks at our page within a CRM, asked by that page through the CRM, which signs. */
export function crmSessions(
  crm: Crm,
  dependencies: {
    shownSessions: ShownSessions;
    readBody: (mostBytes: number) => RequestHandler;
    clock: Clock;
    publicUrl: () => string;
  },
): Router {
  const { shownSessions, readBody, clock, publicUrl } = dependencies;
  const { session, traits } = crm;
  const router = Router();
  if (session === undefined) return router;

  const mayBeSigned: RequestHandler = (request, response, next) => {
    if (session.maySign(request.headers, clock.now())) next();
    else answerUnread(response, unsigned.status, unsigned.code, session.badSignature);
  };
  const answer: RequestHandler = async (request, response) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const shown = await shownSessions(session, traits.crm, asItCame(request, body, publicUrl()));
    response.set('Cache-Control', 'no-store');
    if (shown === 'unsigned') {
      answerError(response, unsigned.status, unsigned.code, session.badSignature);
    } else if (typeof shown === 'string') {
      const { status, code, says } = refusals[shown];
      answerError(response, status, code, says);
    } else {
      response.json(shown);
    }
  };
  const taking = [mayBeSigned, readBody(session.mostBytes), answer];
  router.get('/session', ...taking);
  router.post('/session', ...taking);
  router.all('/session', otherMethods('GET', 'POST'));
  return router;
}

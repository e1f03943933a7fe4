import { isUtf8 } from 'node:buffer';
import { finished } from 'node:stream';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { Refusal, type RefusalKind, SangamError, type WrongField } from '@sangam/core/errors';
import { requestIdOf } from './request-id.ts';

/** What went wrong and what to do, as every route answers it. `fields`: which inputs were wrong. */
export function answerError(
  response: Response,
  status: number,
  code: string,
  message: string,
  fields: readonly WrongField[] = [],
): void {
  response.status(status).json({ error: { code, message, ...(fields.length > 0 ? { fields } : {}) } });
}

/**
 * The same, at once, while the body is still being sent and nobody will read it. The rest is let go by until the request's
 * deadline: a connection closed under the sender's hands takes the answer with it, and a proxy makes a 502 of that.
 */
export function answerUnread(response: Response, status: number, code: string, message: string): void {
  const answer = Buffer.from(JSON.stringify({ error: { code, message } }));
  response.status(status).type('json').set('Content-Length', String(answer.length)).write(answer);
  finished(response.req.resume(), () => response.end());
}

const statusOf: Readonly<Record<RefusalKind, number>> = { invalid: 400, missing: 404, conflict: 409 };

/** What a 413 says. `limit`: bytes. */
export function tooLarge(limit: number): string {
  return `The body is larger than ${String(limit / 1024 / 1024)} MB (${String(limit)} bytes): send less in one request.`;
}

/** The last handler but one: nothing of this address. */
export const notFound: RequestHandler = (_request, response) =>
  answerError(
    response,
    404,
    'not_found',
    'There is nothing at this address: those of the API begin with /api/v1, and docs/api.md lists them.',
  );

/** What a refusal that knows no addresses leaves out, by its code: where to see what there is, and what to ask. */
const addresses: Readonly<Record<string, string>> = {
  disconnected:
    'POST /api/v1/connections does by an access token, GET /api/v1/connections/CRM/authorize by OAuth.',
  no_check: 'POST /api/v1/connections/ID/check starts one.',
  replayable:
    'POST /api/v1/dead-letters/ID/replay sends it on its way, GET /api/v1/dead-letters?setAside=true lists those that rest.',
  no_such_connection: 'GET /api/v1/connections lists those there are.',
  no_such_parked_field: 'GET /api/v1/connections/ID lists them as parkedFields.',
  no_such_channel: 'GET /api/v1/channels lists those there are.',
  no_such_contact: 'GET /api/v1/contacts?phone=… finds one by phone.',
  no_such_member: 'GET /api/v1/members lists those there are.',
  no_such_conflict: 'GET /api/v1/conflicts?state=open lists those there are.',
  no_such_open_conflict: 'GET /api/v1/conflicts?state=open lists those there are.',
  no_such_decision: 'GET /api/v1/decisions lists those there are.',
  no_such_alert: 'GET /api/v1/alerts?state=open lists those there are.',
  no_such_open_alert: 'GET /api/v1/alerts?state=open lists those there are.',
  no_such_dead_letter: 'GET /api/v1/dead-letters lists those there are.',
  no_such_medium: 'GET /api/v1/media?contactId=… lists those of a person.',
  no_such_kept_event: 'GET /api/v1/kept-events lists those there are.',
};

/** Closes a route whose methods are these. */
export function otherMethods(...methods: readonly string[]): RequestHandler {
  const allow = methods.includes('GET') ? ['HEAD', ...methods] : methods;
  return (_request, response) => {
    const allowed = allow.toSorted().join(', ');
    response.set('Allow', allowed);
    answerError(response, 405, 'method_not_allowed', `This address takes ${allowed}.`);
  };
}

/** What Express and its body reader throw. */
const httpError = z.object({
  status: z.number().int().min(400).max(499),
  /** Of the body reader alone. */
  type: z.string().optional(),
  limit: z.number().optional(),
});

/** By what the body reader calls it. */
const unreadableBody: Readonly<Record<string, string>> = {
  'entity.parse.failed':
    'The body is no valid JSON object, such as {"name": "value"}: look for a missing comma or brace; names and texts stand in ' +
    'double quotes.',
  'charset.unsupported':
    'The body must be in UTF-8: send content-type: application/json without another charset.',
  'charset.mistaken':
    'The body is not in UTF-8: a byte in it begins no character. Encode it anew, or write what is not ASCII as \\u and four digits.',
  'encoding.unsupported':
    'The content-encoding is not known here: send the body without one, or as gzip, deflate or br.',
  'request.size.invalid': 'The body is not as long as its content-length says: send it whole.',
  'request.aborted': 'The body ended before it was whole: send it again.',
};
/** Unpacking has no name there. */
const badlyPacked = 'The body is not what its content-encoding says: send it without one, or packed so.';

/** For the body reader, which by itself takes UTF-16 too, and reads half a character as U+FFFD. */
export function mustBeUtf8(_request: unknown, _response: unknown, body: Buffer, charset: string): void {
  if (charset !== 'utf-8') throw unreadable(415, 'charset.unsupported');
  if (!isUtf8(body)) throw unreadable(400, 'charset.mistaken');
}

function unreadable(status: number, type: string): Error {
  return Object.assign(new Error(type), { status, type });
}

/** The last handler: no stack trace ever leaves. */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    if (error instanceof Refusal) {
      const message = [error.message, addresses[error.code] ?? []].flat().join(' ');
      answerError(response, statusOf[error.kind], error.code, message, error.fields);
      return;
    }
    if (error instanceof SangamError && error.origin !== 'us') {
      answerVendorError(response, error);
      return;
    }
    const unreadable = httpError.safeParse(error);
    if (unreadable.success) {
      const { status, type = '', limit = 0 } = unreadable.data;
      if (status === 413) answerError(response, 413, 'too_large', tooLarge(limit));
      else if (error instanceof URIError) {
        const message = 'The address could not be read: send UTF-8 in percent-encoding.';
        answerError(response, status, 'bad_request', message);
      } else answerError(response, status, 'bad_request', unreadableBody[type] ?? badlyPacked);
      return;
    }
    const id = requestIdOf(response);
    logger.error({ err: error, method: request.method, requestId: id }, 'a request failed');
    answerError(
      response,
      500,
      'internal',
      `Something went wrong on our side. Try again; if it lasts, name the request ${id}, by which the log tells why.`,
    );
  };
}

/** What a CRM or WhatsApp said to a call an admin waits for: 503 passes with time, 409 needs a person. */
function answerVendorError(response: Response, { code, message, retry }: SangamError): void {
  if (typeof retry === 'object') response.set('Retry-After', String(Math.ceil(retry.afterMs / 1000)));
  answerError(response, retry === 'never' ? 409 : 503, code, message);
}

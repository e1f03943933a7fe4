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

/** The last handler but one: nothing of this address. */
export const notFound: RequestHandler = (_request, response) =>
  answerError(response, 404, 'not_found', 'There is nothing here.');

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

/** The last handler: no stack trace ever leaves. */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    if (error instanceof Refusal) {
      answerError(response, statusOf[error.kind], error.code, error.message, error.fields);
      return;
    }
    if (error instanceof SangamError && error.origin !== 'us') {
      answerVendorError(response, error);
      return;
    }
    const unreadable = httpError.safeParse(error);
    if (unreadable.success) {
      const { status, type, limit } = unreadable.data;
      if (status === 413) {
        answerError(response, 413, 'too_large', `The body is larger than ${String(limit)} bytes.`);
      } else {
        const what = type === undefined ? 'address' : 'body';
        const how = type === undefined ? 'UTF-8 in percent-encoding' : 'valid JSON';
        answerError(response, status, 'bad_request', `The ${what} could not be read: send ${how}.`);
      }
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

import type { ErrorRequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { SangamError } from '@sangam/core/errors';
import { Refusal } from '../refusal.ts';
import { requestIdOf } from './request-id.ts';

/** What went wrong and what to do, as every route answers it. */
export function answerError(response: Response, status: number, code: string, message: string): void {
  response.status(status).json({ error: { code, message } });
}

/** The body as the schema has it; answers 400 and returns undefined when it is not. */
export function readBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
  response: Response,
): z.infer<Schema> | undefined {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  answerError(response, 400, 'bad_request', z.prettifyError(result.error));
  return undefined;
}

const httpStatus = z.object({ status: z.number().int().min(400).max(499), type: z.string().optional() });

/** The last handler: no stack trace ever leaves. */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    if (error instanceof Refusal) {
      answerError(response, error.status, error.code, error.message);
      return;
    }
    if (error instanceof SangamError && error.origin === 'crm') {
      answerCrmError(response, error);
      return;
    }
    const client = httpStatus.safeParse(error);
    if (client.success) {
      const tooLarge = client.data.status === 413;
      answerError(
        response,
        client.data.status,
        client.data.type ?? 'bad_request',
        tooLarge ? 'The body is larger than 4 MB.' : 'The request could not be read: send valid JSON.',
      );
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

/** What a CRM said to a call an admin waits for: 503 passes with time, 409 needs a person. */
function answerCrmError(response: Response, { code, message, retry }: SangamError): void {
  if (typeof retry === 'object') response.set('Retry-After', String(Math.ceil(retry.afterMs / 1000)));
  answerError(response, retry === 'never' ? 409 : 503, code, message);
}

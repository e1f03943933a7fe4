import type { ServerResponse } from 'node:http';
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import { isAdmitted } from './admission.ts';

const largestBody = '5mb';

/** An HTTP answer before it is written. `body` is JSON; undefined = none. `bytes` go out as they are instead. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly bytes?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export function ok(body: unknown): Answer {
  return { status: 200, body };
}

/** The control API's error. */
export function refuse(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message } } };
}

/** Thrown while a control request is read; answered as it says. */
export class ControlError extends Error {
  readonly answer: Answer;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.answer = refuse(status, code, message);
  }
}

/** Written past Express's `json()`, which hashes every body for an ETag nobody asks for. */
export function send(response: ServerResponse, { status, body, bytes: raw, headers }: Answer): void {
  if (raw !== undefined) {
    response.writeHead(status, { 'Content-Length': raw.length, ...headers }).end(raw);
    return;
  }
  if (body === undefined) {
    response.writeHead(status, headers).end();
    return;
  }
  const bytes = Buffer.from(JSON.stringify(body));
  response
    .writeHead(status, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': bytes.length,
      ...headers,
    })
    .end(bytes);
}

/** Bodies stay bytes until their reader parses them, so that each vendor words its own complaint. */
export function rawBodies(largest = largestBody): RequestHandler {
  return express.raw({ limit: largest, type: () => true });
}

export function bodyBytes(request: Request): Buffer {
  const body: unknown = request.body;
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

/** The body's text; '' where there is none. */
export function bodyText(request: Request): string {
  return bodyBytes(request).toString('utf8');
}

/** The parsed text, or undefined for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A control request's body as the schema has it. Throws `ControlError` 400. */
export function readBody<Output>(schema: z.ZodType<Output>, request: Request): Output {
  const text = bodyText(request);
  const body = text === '' ? {} : parseJson(text);
  if (body === undefined) throw new ControlError(400, 'malformed_json', 'The body is not valid JSON.');
  return readInput(schema, body);
}

/** Query or body as the schema has it. Throws `ControlError` 400. */
export function readInput<Output>(schema: z.ZodType<Output>, input: unknown): Output {
  const read = schema.safeParse(input);
  if (!read.success) throw new ControlError(400, 'bad_request', z.prettifyError(read.error));
  return read.data;
}

const changes = z.record(z.string(), z.unknown());

/** `current` with what the body says otherwise. Throws `ControlError` 400. */
export function readChanges<Output extends object>(
  schema: z.ZodType<Output>,
  current: Output,
  request: Request,
): Output {
  return readInput(schema, { ...current, ...readBody(changes, request) });
}

type Handler = (request: Request) => Answer | Promise<Answer>;

/** A route of the sandbox's own, for those who are admitted. Answers once all that the handler changed is in the journal. */
export function answering(written: () => Promise<void>, handler: Handler): RequestHandler {
  return async (request, response) => {
    await mustBeAdmitted(response);
    const answer = await handler(request);
    await written();
    send(response, answer);
  };
}

/** Throws `ControlError` 401. */
export async function mustBeAdmitted(response: Response): Promise<void> {
  if (await isAdmitted(response)) return;
  throw new ControlError(
    401,
    'not_admitted',
    "This is the sandbox's own, not the vendor's: present its token as a bearer (sandbox/token in the data folder), or " +
      'open the admin link first.',
  );
}

const clientError = z.object({ status: z.int().min(400).max(499) });

/** The last handler: no stack trace leaves. */
export const errorHandler: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (response.headersSent) {
    next(error);
    return;
  }
  send(response, answerTo(error));
};

function answerTo(error: unknown): Answer {
  if (error instanceof ControlError) return error.answer;
  const client = clientError.safeParse(error);
  if (!client.success) return refuse(500, 'internal', 'Something went wrong inside the sandbox.');
  return client.data.status === 413
    ? refuse(413, 'too_large', 'The body is larger than 5 MB.')
    : refuse(client.data.status, 'bad_request', 'The request could not be read.');
}

import { Client } from '@hubspot/api-client';
import { SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import { readRefusal, type Refusal } from './errors.ts';
import { parseJson } from './json.ts';

export interface HubspotCall {
  readonly method: 'GET' | 'POST' | 'PATCH';
  /** From the base path on, with its dated version: `/crm/objects/2026-03/contacts/batch/read`. */
  readonly path: string;
  readonly body?: object;
}

export type HubspotAnswer<Body> =
  { readonly ok: true; readonly body: Body } | { readonly ok: false; readonly refusal: Refusal };

/** One HubSpot account's API, one HTTP request a call: retries and limits belong to the engine. */
export interface HubspotClient {
  /**
   * Throws `SangamError`: `unreachable`, `timeout` or `unreadable_answer` (later; the call may have had its effect),
   * `reconnect` (never) for a token that cannot be one.
   */
  call<Body>(call: HubspotCall, schema: z.ZodType<Body>): Promise<HubspotAnswer<Body>>;
}

export interface HubspotClientOptions {
  /** Without a slash at the end. */
  readonly basePath: string;
  /** Asked before every call, so that a refreshed token is used at once. */
  readonly accessToken: () => Promise<string>;
  readonly timeoutMs: number;
}

export function createHubspotClient({
  basePath,
  accessToken,
  timeoutMs,
}: HubspotClientOptions): HubspotClient {
  // The SDK's retries and limiter are off unless asked for, but live in one list for the whole process: any
  // `new Client` elsewhere with `numberOfApiCallRetries` or `limiterOptions` would switch them on here too.
  const sdk = new Client({ basePath });

  const send = async (call: HubspotCall, token: string): Promise<{ response: Response; text: string }> => {
    const response = await sdk.apiRequest({ ...call, headers: { Authorization: `Bearer ${token}` } });
    return { response, text: await response.text() };
  };

  return {
    async call(call, schema) {
      const token = await accessToken();
      if (!isToken(token)) throw noToken();
      const { response, text } = await within(timeoutMs, send(call, token));
      const body = parseJson(text);
      if (!response.ok) return { ok: false, refusal: readRefusal(response.status, response.headers, body) };
      const read = schema.safeParse(body);
      if (!read.success) throw unreadable(response.status);
      return { ok: true, body: read.data };
    },
  };
}

/**
 * Stops waiting after `timeoutMs`. `apiRequest` takes no signal, so the request itself goes on until its socket ends;
 * its late answer is dropped. The engine repeats only calls that may safely happen twice.
 */
async function within<Answer>(timeoutMs: number, answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(failure('timeout', `HubSpot did not answer within ${timeoutMs / 1000} s`));
    }, timeoutMs);
  });
  try {
    return await Promise.race([answer, deadline]);
  } catch (error) {
    throw error instanceof SangamError ? error : unreachable(error);
  } finally {
    clearTimeout(timer);
  }
}

/** What may stand in an Authorization header. Anything else would come back inside fetch's own error message. */
function isToken(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}

function noToken(): SangamError {
  return new SangamError({
    code: 'reconnect',
    origin: 'crm',
    retry: 'never',
    message: 'The HubSpot access token is empty or holds a character no token has: enter it again.',
  });
}

/** fetch says only "fetch failed"; the cause beneath names the network's error. */
function unreachable(error: unknown): SangamError {
  const cause = error instanceof Error ? error.cause : undefined;
  const reason = z.looseObject({ code: z.string() }).safeParse(cause);
  return failure(
    'unreachable',
    `HubSpot could not be reached${reason.success ? ` (${reason.data.code})` : ''}`,
    cause,
  );
}

function unreadable(status: number): SangamError {
  return failure(
    'unreadable_answer',
    `HubSpot answered ${status} with something that is not the expected JSON`,
  );
}

function failure(code: string, message: string, cause?: unknown): SangamError {
  return new SangamError({ code, origin: 'crm', retry: 'later', message: `${message}.`, cause });
}

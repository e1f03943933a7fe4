import { Client } from '@hubspot/api-client';
import { SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import { parseJson } from './json.ts';

/** One HTTP request to HubSpot and its answer, whatever it says. */

export interface HubspotRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** From the base path on, with its dated version: `/crm/objects/2026-03/contacts/batch/read`. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
  /** Sent as a form, in place of `body`. */
  readonly form?: Readonly<Record<string, string>>;
}

export interface HubspotResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; undefined for what is none, an empty body too. */
  readonly body: unknown;
}

export interface Transport {
  /**
   * Throws `SangamError` `unreachable` or `timeout` (later; the request may have had its effect), `reconnect` (never)
   * for a token that cannot be one.
   */
  send(request: HubspotRequest, accessToken?: string): Promise<HubspotResponse>;
}

export function createTransport(basePath: string, timeoutMs: number): Transport {
  // The SDK's retries and limiter are off unless asked for, but live in one list for the whole process: any
  // `new Client` elsewhere with `numberOfApiCallRetries` or `limiterOptions` would switch them on here too.
  const sdk = new Client({ basePath });

  const exchange = async (
    { form, ...request }: HubspotRequest,
    accessToken: string | undefined,
  ): Promise<HubspotResponse> => {
    const asForm = form === undefined ? {} : { body: new URLSearchParams(form), defaultJson: false as const };
    const headers = {
      ...(form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
      ...(accessToken === undefined ? {} : { Authorization: `Bearer ${accessToken}` }),
    };
    const response = await sdk.apiRequest({ ...request, ...asForm, headers });
    const { ok, status } = response;
    return { ok, status, headers: response.headers, body: parseJson(await response.text()) };
  };

  return {
    async send(request, accessToken) {
      if (accessToken !== undefined && !isToken(accessToken)) throw noToken();
      return within(timeoutMs, exchange(request, accessToken));
    },
  };
}

/** An answer without a shape that can be read. */
export function unreadable(status: number): SangamError {
  return failure(
    'unreadable_answer',
    `HubSpot answered ${status} with something that is not the expected JSON`,
  );
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

function failure(code: string, message: string, cause?: unknown): SangamError {
  return new SangamError({ code, origin: 'crm', retry: 'later', message: `${message}.`, cause });
}

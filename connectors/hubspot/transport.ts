import { SangamError } from '@sangam/core/errors';
import { exchange, isToken, mostAnswerBytes } from '../shared/http.ts';
import { parseJson } from '../shared/json.ts';

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
   * Throws `SangamError` as `exchange` does (later; the request may have had its effect), `reconnect` (never) for a token
   * that cannot be one.
   */
  send(request: HubspotRequest, accessToken?: string): Promise<HubspotResponse>;
}

export function createTransport(basePath: string, timeoutMs: number): Transport {
  return {
    async send({ method, path, body, form }, accessToken) {
      if (accessToken !== undefined && !isToken(accessToken)) throw noToken();
      const content = form === undefined ? asJson(body) : new URLSearchParams(form).toString();
      const { status, headers, text } = await exchange(
        {
          method,
          url: `${basePath}${path}`,
          headers: {
            Accept: 'application/json',
            'Content-Type': form === undefined ? 'application/json' : 'application/x-www-form-urlencoded',
            ...(accessToken === undefined ? {} : { Authorization: `Bearer ${accessToken}` }),
          },
          ...(content === undefined ? {} : { body: content }),
        },
        { vendor: 'HubSpot', origin: 'crm', timeoutMs, mostBytes: mostAnswerBytes },
      );
      return { ok: status >= 200 && status < 300, status, headers, body: parseJson(text) };
    },
  };
}

function asJson(body: object | undefined): string | undefined {
  return body === undefined ? undefined : JSON.stringify(body);
}

/** An answer without a shape that can be read. */
export function unreadable(status: number): SangamError {
  return new SangamError({
    code: 'unreadable_answer',
    origin: 'crm',
    retry: 'later',
    message: `HubSpot answered ${String(status)} with something that is not the expected JSON.`,
  });
}

function noToken(): SangamError {
  return new SangamError({
    code: 'reconnect',
    origin: 'crm',
    retry: 'never',
    message: 'The HubSpot access token is empty or holds a character no token has: enter it again.',
  });
}

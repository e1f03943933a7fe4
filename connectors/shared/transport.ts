import { SangamError } from '@sangam/core/errors';
import { exchange, type HttpRequest, isToken, mostBytesOf } from './http.ts';
import { parseJson } from './json.ts';

/** One HTTP request to a CRM and its answer, whatever it says. */

export interface VendorRequest {
  readonly method: HttpRequest['method'];
  /** From the base path on. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
  /** Sent as a form, in place of `body`. */
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** What its answer brings: it is read no further than such an answer goes. One thing unless said. */
  readonly answer?: keyof typeof mostBytesOf;
}

export interface VendorResponse {
  /** Of the status alone: some vendors fail with 200. */
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
  send(request: VendorRequest, accessToken?: string): Promise<VendorResponse>;
}

export interface TransportOptions {
  /** What people call the vendor. */
  readonly vendor: string;
  /** Without a slash at the end. */
  readonly basePath: string;
  /** For the whole answer; shorter than a lease (docs/design.md §4). */
  readonly timeoutMs: number;
  /** How a call shows its token. */
  readonly authorization: (accessToken: string) => Readonly<Record<string, string>>;
}

export function createTransport({ vendor, basePath, timeoutMs, authorization }: TransportOptions): Transport {
  return {
    async send({ method, path, body, form, headers: own, answer = 'one' }, accessToken) {
      if (accessToken !== undefined && !isToken(accessToken)) throw noToken(vendor);
      const content = form === undefined ? asJson(body) : new URLSearchParams(form).toString();
      const response = await exchange(
        {
          method,
          url: `${basePath}${path}`,
          headers: {
            Accept: 'application/json',
            'Content-Type': form === undefined ? 'application/json' : 'application/x-www-form-urlencoded',
            ...(accessToken === undefined ? {} : authorization(accessToken)),
            ...own,
          },
          ...(content === undefined ? {} : { body: content }),
        },
        { vendor, origin: 'crm', timeoutMs, mostBytes: mostBytesOf[answer] },
      );
      const { status } = response;
      return {
        ok: status >= 200 && status < 300,
        status,
        headers: response.headers,
        body: parseJson(response.body.toString('utf8')),
      };
    },
  };
}

function asJson(body: object | undefined): string | undefined {
  return body === undefined ? undefined : JSON.stringify(body);
}

/** An answer without a shape that can be read. */
export function unreadable(vendor: string, status: number): SangamError {
  return new SangamError({
    code: 'unreadable_answer',
    origin: 'crm',
    retry: 'later',
    message: `${vendor} answered ${String(status)} with something that is not the expected JSON.`,
  });
}

function noToken(vendor: string): SangamError {
  return new SangamError({
    code: 'reconnect',
    origin: 'crm',
    retry: 'never',
    message: `The ${vendor} access token is empty or holds a character no token has: enter it again.`,
  });
}

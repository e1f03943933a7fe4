import { exchange, type HttpBounds, type HttpRequest, isToken } from '../shared/http.ts';
import { parseJson } from '../shared/json.ts';
import { failure, refusedToken } from './graph-errors.ts';

/** One call of Meta's Graph API. docs/vendors/whatsapp.md §3.1. */

export interface GraphAccess {
  /** From `graphBasePath`. */
  readonly basePath: string;
  /** Such as `v26.0`. */
  readonly version: string;
  readonly accessToken: string;
}

export interface GraphRequest {
  readonly method: HttpRequest['method'];
  /** Behind the version, such as `/106540352242922/messages`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface GraphAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; undefined for what is none. */
  readonly body: unknown;
}

/** Throws as `exchange` does, and `token_refused` without a call for what can be no token. */
export async function callGraph(
  { basePath, version, accessToken }: GraphAccess,
  { method, path, query, headers, body }: GraphRequest,
  bounds: Pick<HttpBounds, 'timeoutMs' | 'mostBytes' | 'beginBy'>,
): Promise<GraphAnswer> {
  if (!isToken(accessToken)) throw failure('token_refused', 'never', refusedToken);
  const asked = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
  const response = await exchange(
    {
      method,
      url: `${basePath}/${version}${path}${asked}`,
      headers: { Accept: 'application/json', Authorization: `Bearer ${accessToken}`, ...headers },
      ...(body === undefined ? {} : { body }),
    },
    { vendor: 'WhatsApp', origin: 'whatsapp', ...bounds },
  );
  return {
    status: response.status,
    get headers() {
      return response.headers;
    },
    body: parseJson(response.body.toString('utf8')),
  };
}

export const isSuccess = ({ status }: { readonly status: number }): boolean => status >= 200 && status < 300;

export const asJson = (body: object): Pick<GraphRequest, 'headers' | 'body'> => ({
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});

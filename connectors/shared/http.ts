import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { type ErrorOrigin, SangamError } from '@sangam/core/errors';
import { Agent, type Dispatcher } from 'undici';
import { z } from 'zod';

/** One HTTP request to a vendor and its whole answer, whatever it says: the one way out for every connector and WhatsApp. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

export interface HttpBounds {
  /** What the vendor is called in errors. */
  readonly vendor: string;
  readonly origin: Exclude<ErrorOrigin, 'us'>;
  /** For the whole answer; shorter than a lease (docs/design.md §4). */
  readonly timeoutMs: number;
  /** Longest answer that is read. */
  readonly mostBytes: number;
  /** On the monotonic clock: what is not written by then does not leave, as `not_connected`. */
  readonly beginBy?: number | undefined;
}

/** More than an answer about one thing has, and more than one about a batch or a page of records has. */
export const mostBytesOf = { one: 1024 * 1024, many: 16 * 1024 * 1024 } as const;

/**
 * undici itself in place of `fetch`, which is built on it: measured, one small POST and its answer costs 0.05 ms of CPU
 * instead of 0.27, and it is known whether a request left at all. Deadlines are ours.
 */
const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

const usualHeaders = { 'User-Agent': 'Sangam', 'Accept-Encoding': 'gzip' };

/**
 * Sends a request once. It is aborted at its deadline and when its answer grows too long; a redirect is not followed, for it
 * would carry tokens and people's names to wherever it says (304, *not modified*, is none). Throws `SangamError`, all `later`:
 * `not_connected`, where nothing of the request left; and since it may have had its effect, `timeout`, `unreachable`,
 * `redirected`, `answer_too_long`. None holds a header, an address or a body.
 */
export async function exchange(request: HttpRequest, bounds: HttpBounds): Promise<HttpResponse> {
  const { status, headers, body } = await dispatch(request, bounds);
  return {
    status,
    get headers() {
      return asHeaders(headers);
    },
    body: headers['content-encoding'] === 'gzip' ? await unzipped(body, bounds) : body,
  };
}

interface Answer {
  readonly status: number;
  readonly headers: RawHeaders;
  readonly body: Buffer;
}
type RawHeaders = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

function dispatch({ method, url, headers, body }: HttpRequest, bounds: HttpBounds): Promise<Answer> {
  const { vendor, origin, timeoutMs, mostBytes, beginBy = Infinity } = bounds;
  const { origin: server, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    /** Undefined until the request is written. */
    let controller: Dispatcher.DispatchController | undefined;
    let stopped: SangamError | undefined;
    let head: Omit<Answer, 'body'> | undefined;
    const chunks: Buffer[] = [];
    let bytes = 0;

    const stop = (code: string, message: string): void => {
      stopped = failure(origin, code, message);
      controller?.abort(stopped);
    };
    const deadline = setTimeout(() => {
      const within = `within ${String(timeoutMs / 1000)} s`;
      if (controller !== undefined) return stop('timeout', `${vendor} did not answer ${within}`);
      stop('not_connected', `${vendor} could not be reached ${within}`);
      reject(stopped);
    }, timeoutMs);

    agent.dispatch(
      {
        origin: server,
        path: `${pathname}${search}`,
        method,
        headers: { ...usualHeaders, ...headers },
        ...(body === undefined ? {} : { body }),
      },
      {
        onRequestStart(started) {
          controller = started;
          // It is asked here, with the connection made: nothing of the request is written before.
          if (performance.now() > beginBy) stop('not_connected', `${vendor} could not be reached in time`);
          if (stopped !== undefined) started.abort(stopped);
        },
        onResponseStart(_controller, status, answered) {
          head = { status, headers: answered };
          if (status >= 300 && status < 400 && status !== 304) {
            stop(
              'redirected',
              `${vendor} answered ${String(status)} and sent us elsewhere, where we do not go`,
            );
          }
        },
        onResponseData(_controller, chunk) {
          bytes += chunk.length;
          if (bytes > mostBytes) stop('answer_too_long', tooLong(bounds));
          else chunks.push(chunk);
        },
        onResponseEnd() {
          clearTimeout(deadline);
          if (head !== undefined) resolve({ ...head, body: Buffer.concat(chunks) });
        },
        onResponseError(_controller, error) {
          clearTimeout(deadline);
          reject(stopped ?? unreachable(bounds, error, controller !== undefined));
        },
      },
    );
  });
}

const gunzipped = promisify(gunzip);

async function unzipped(body: Buffer, bounds: HttpBounds): Promise<Buffer> {
  try {
    return await gunzipped(body, { maxOutputLength: bounds.mostBytes });
  } catch (error) {
    if (codeOf(error) !== 'ERR_BUFFER_TOO_LARGE') throw unreachable(bounds, error, true);
    throw failure(bounds.origin, 'answer_too_long', tooLong(bounds));
  }
}

function asHeaders(raw: RawHeaders): Headers {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(raw)) {
    for (const value of [values].flat()) headers.append(name, value);
  }
  return headers;
}

function tooLong({ vendor, mostBytes }: HttpBounds): string {
  return `${vendor} answered with more than ${String(mostBytes)} bytes`;
}

function unreachable({ vendor, origin }: HttpBounds, error: unknown, left: boolean): SangamError {
  const code = codeOf(error);
  return failure(
    origin,
    left ? 'unreachable' : 'not_connected',
    `${vendor} could not be reached${code === undefined ? '' : ` (${code})`}`,
    error,
  );
}

/** The network's own word. */
function codeOf(error: unknown): string | undefined {
  const read = z.looseObject({ code: z.string() }).safeParse(error);
  return read.success ? read.data.code : undefined;
}

function failure(origin: ErrorOrigin, code: string, message: string, cause?: unknown): SangamError {
  return new SangamError({ code, origin, retry: 'later', message: `${message}.`, cause });
}

/** What may stand in an Authorization header. Anything else would come back inside an error's message. */
export function isToken(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}

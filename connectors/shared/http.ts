import { type ErrorOrigin, SangamError } from '@sangam/core/errors';
import { z } from 'zod';

/** One HTTP request to a vendor and its whole answer, whatever it says: the one way out for every connector and WhatsApp. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface HttpBounds {
  /** What the vendor is called in errors. */
  readonly vendor: string;
  readonly origin: Exclude<ErrorOrigin, 'us'>;
  /** For the whole answer; shorter than a lease (docs/design.md §4). */
  readonly timeoutMs: number;
  /** Longest answer that is read. */
  readonly mostBytes: number;
}

/** More than an answer about one thing has, and more than one about a batch or a page of records has. */
export const mostBytesOf = { one: 1024 * 1024, many: 16 * 1024 * 1024 } as const;

/**
 * Sends a request once. It is aborted at its deadline and when its answer grows too long; a redirect is not followed, for it
 * would carry tokens and people's names to wherever it says (304, *not modified*, is none). Throws `SangamError`, all `later` since the request may have
 * had its effect: `timeout`, `unreachable`, `redirected`, `answer_too_long`. None holds a header, an address or a body.
 */
export async function exchange(
  { method, url, headers, body }: HttpRequest,
  bounds: HttpBounds,
): Promise<HttpResponse> {
  const { vendor, origin, timeoutMs } = bounds;
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      redirect: 'manual',
      signal: deadline,
    });
    const { status } = response;
    if (status >= 300 && status < 400 && status !== 304) {
      await response.body?.cancel();
      throw failure(
        origin,
        'redirected',
        `${vendor} answered ${String(status)} and sent us elsewhere, where we do not go`,
      );
    }
    return { status, headers: response.headers, text: await readText(response, bounds) };
  } catch (error) {
    if (error instanceof SangamError) throw error;
    if (deadline.aborted) {
      throw failure(origin, 'timeout', `${vendor} did not answer within ${String(timeoutMs / 1000)} s`);
    }
    throw unreachable(bounds, error);
  }
}

async function readText(response: Response, { vendor, origin, mostBytes }: HttpBounds): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.length;
    // Leaving the loop cancels the rest.
    if (bytes > mostBytes) {
      throw failure(
        origin,
        'answer_too_long',
        `${vendor} answered with more than ${String(mostBytes)} bytes`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** fetch says only "fetch failed"; the cause beneath names the network's error. */
function unreachable({ vendor, origin }: HttpBounds, error: unknown): SangamError {
  const cause = error instanceof Error ? error.cause : undefined;
  const reason = z.looseObject({ code: z.string() }).safeParse(cause);
  return failure(
    origin,
    'unreachable',
    `${vendor} could not be reached${reason.success ? ` (${reason.data.code})` : ''}`,
    cause,
  );
}

function failure(origin: ErrorOrigin, code: string, message: string, cause?: unknown): SangamError {
  return new SangamError({ code, origin, retry: 'later', message: `${message}.`, cause });
}

/** What may stand in an Authorization header. Anything else would come back inside fetch's own error message. */
export function isToken(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}

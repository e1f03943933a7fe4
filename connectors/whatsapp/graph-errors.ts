import { type Retry, SangamError } from '@sangam/core/errors';
import { type ProviderError, sendErrorOf } from '@sangam/core/whatsapp';
import { z } from 'zod';
import { parseJson } from '../shared/json.ts';
import { retryAfter } from '../shared/refusals.ts';

/** What Graph says when it refuses. docs/vendors/whatsapp.md §3.6. */

/**
 * Its own form, whole: what stands between Meta and us answers with a code as well, and its word is not that a message was not
 * taken in.
 */
const graphError = z.looseObject({
  error: z.looseObject({
    message: z.string(),
    type: z.string(),
    code: z.int(),
    error_subcode: z.int().optional().catch(undefined),
    error_data: z.looseObject({ details: z.string() }).optional().catch(undefined),
    error_user_msg: z.string().optional().catch(undefined),
  }),
});

/** Such as `{"2001": [{"type": "messages", "estimated_time_to_regain_access": 3}]}`, in minutes. */
const usage = z.record(
  z.string(),
  z.array(z.looseObject({ estimated_time_to_regain_access: z.number().default(0) })),
);

const mostDetails = 500;
/** However long Meta says: an obeyed number has a ceiling. */
const longestMs = 24 * 60 * 60_000;

/** Undefined: this is not Graph's word. `accessToken`: what it must not repeat. */
export function graphErrorIn(
  { headers, body }: { readonly headers: Headers; readonly body: unknown },
  accessToken: string,
): ProviderError | undefined {
  const read = graphError.safeParse(body);
  if (!read.success) return undefined;
  const { message, code, error_subcode: subcode, error_data: data, error_user_msg: said } = read.data.error;
  const details = withoutTokens(data?.details ?? said ?? message, accessToken);
  const afterMs = waitIn(headers);
  return {
    code,
    ...(subcode === undefined ? {} : { subcode }),
    ...(details === undefined ? {} : { details }),
    ...(afterMs === undefined ? {} : { afterMs }),
  };
}

/** Meta repeats a token it does not understand. What is kept has no character PostgreSQL cannot hold. */
function withoutTokens(text: string, accessToken: string): string | undefined {
  if (text.includes(accessToken) || /\bEA[\w-]{6}/.test(text)) return undefined;
  return text.slice(0, mostDetails).toWellFormed().replaceAll('\0', '');
}

function waitIn(headers: Headers): number | undefined {
  const asked = retryAfter(headers);
  const read = usage.safeParse(parseJson(headers.get('x-business-use-case-usage') ?? ''));
  const minutes = read.success
    ? Object.values(read.data).flatMap((uses) => uses.map((one) => one.estimated_time_to_regain_access))
    : [];
  const longest = Math.max(
    typeof asked === 'object' ? asked.afterMs : 0,
    ...minutes.map((one) => one * 60_000),
  );
  return longest > 0 ? Math.min(longest, longestMs) : undefined;
}

const tokenCodes: ReadonlySet<number> = new Set([0, 102, 104, 190]);

export const isTokenRefused = (code: number): boolean => tokenCodes.has(code);

export const isPermissionMissing = (code: number): boolean =>
  code === 3 || code === 10 || code === 131_005 || (code >= 200 && code < 300);

export const refusedToken =
  'WhatsApp does not accept the access token: it is mistyped, expired or withdrawn. Make one for a system user in Meta’s ' +
  'business settings and enter that';
export const missingPermission =
  'The access token may not read this WhatsApp Business account: give its system user the account, and the token ' +
  'whatsapp_business_management and whatsapp_business_messaging';

/** Why Graph did not do what was asked, of anything but a send; `error` undefined: it was not its word. */
export function graphFailure(status: number, error: ProviderError | undefined): SangamError {
  if (error === undefined) {
    return failure('whatsapp_unavailable', 'later', `WhatsApp could not answer just now (${String(status)})`);
  }
  const { code, details, afterMs } = error;
  if (isTokenRefused(code)) return failure('token_refused', 'never', refusedToken);
  if (isPermissionMissing(code)) return failure('permission_missing', 'never', missingPermission);
  const { action } = sendErrorOf(code);
  const passes = action === 'try again' || action === 'slow down';
  const retry = !passes ? 'never' : afterMs === undefined ? 'later' : { afterMs };
  const why = [`code ${String(code)}`, details].filter((part) => part !== undefined).join(': ');
  return passes
    ? failure('whatsapp_unavailable', retry, `WhatsApp could not answer just now (${why})`)
    : failure('whatsapp_refused', retry, `WhatsApp refused it (${why})`);
}

export function failure(code: string, retry: Retry, message: string): SangamError {
  return new SangamError({ code, origin: 'whatsapp', retry, message: `${message}.` });
}

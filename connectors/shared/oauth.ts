import { SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import type { Grant } from './crm.ts';
import { unreadable, type VendorResponse } from './transport.ts';

/** Asking a CRM for tokens: a form is posted, and what is refused is looked up in a table. */

/**
 * What a refused token request means, `reconnect`: the admin has to agree again, `client_config`: our app is set up wrongly,
 * `too_many_tokens`: it was asked too often.
 */
export type TokenMeaning = { readonly says: string } & (
  | { readonly code: 'reconnect' | 'client_config' }
  | { readonly code: 'too_many_tokens'; readonly afterMs: number }
);

export interface TokenEndpoint {
  /** What people call the vendor. */
  readonly vendor: string;
  /** Posts the form, secrets in it or in a header: never in an address, which is logged on the way. */
  readonly post: (form: Readonly<Record<string, string>>) => Promise<VendorResponse>;
  /** By `error`, or another code its answers carry. */
  readonly meanings: Readonly<Record<string, TokenMeaning>>;
  /** Where those codes stand, `error` among them unless said; the first known decides. */
  readonly codesIn?: (body: unknown) => readonly (string | undefined)[];
  /** What is said in place of the table's words when a code is refused, of which nothing was accepted before. */
  readonly codeNotTaken: string;
  /** What passes with time. */
  readonly unavailable: (response: VendorResponse) => SangamError;
  /** How long to leave it alone after a refusal nobody can explain, where the vendor counts how often it is asked. */
  readonly unexplainedAfterMs?: number;
}

const tokens = z.looseObject({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional(),
  /** Seconds. */
  expires_in: z.number().positive().optional(),
});
const said = z.looseObject({ error: z.string().optional().catch(undefined) });

/**
 * What the form is answered with; `body` holds what else the vendor says. Throws `SangamError`: `reconnect` and
 * `client_config` (never), and what passes with time as `later` or `{afterMs}`.
 */
export async function askForTokens(
  endpoint: TokenEndpoint,
  form: { readonly grant_type: string } & Readonly<Record<string, string>>,
): Promise<{ readonly grant: Grant; readonly body: unknown }> {
  const askedAt = Date.now();
  const response = await endpoint.post(form);
  const { body } = response;
  const read = tokens.safeParse(body);
  // Some refuse with 200: what holds no token is no grant, whatever its status.
  if (!response.ok || !read.success) {
    throw refused(endpoint, response, form.grant_type === 'authorization_code');
  }
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: seconds } = read.data;
  return {
    grant: {
      accessToken,
      ...(refreshToken === undefined ? {} : { refreshToken }),
      ...(seconds === undefined ? {} : { expiresAt: askedAt + seconds * 1_000 }),
    },
    body,
  };
}

function refused(endpoint: TokenEndpoint, response: VendorResponse, first: boolean): SangamError {
  const { vendor, meanings, codesIn = errorIn, codeNotTaken, unexplainedAfterMs } = endpoint;
  const { ok, status, body } = response;
  if (status === 429 || status >= 500) return endpoint.unavailable(response);
  const known = codesIn(body).find((code) => code !== undefined && Object.hasOwn(meanings, code));
  const meaning = known === undefined ? undefined : meanings[known];
  if (meaning === undefined) {
    if (ok && unexplainedAfterMs === undefined) return unreadable(vendor, status);
    return new SangamError({
      code: 'token_refused',
      origin: 'crm',
      retry: unexplainedAfterMs === undefined ? 'later' : { afterMs: unexplainedAfterMs },
      message: `${vendor} gave no token and did not say why (status ${String(status)}).`,
    });
  }
  const says = first && meaning.code === 'reconnect' ? codeNotTaken : meaning.says;
  return new SangamError({
    code: meaning.code,
    origin: 'crm',
    retry: meaning.code === 'too_many_tokens' ? { afterMs: meaning.afterMs } : 'never',
    message: `${says} (status ${String(status)}).`,
  });
}

function errorIn(body: unknown): readonly (string | undefined)[] {
  const read = said.safeParse(body);
  return read.success ? [read.data.error] : [];
}

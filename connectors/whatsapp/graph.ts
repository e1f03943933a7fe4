import type { SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import { basePathOf } from '../shared/host.ts';
import type { GraphAccess, GraphAnswer } from './graph-call.ts';
import {
  failure,
  isPermissionMissing,
  isTokenRefused,
  missingPermission,
  refusedToken,
} from './graph-errors.ts';
import { graphPages } from './graph-pages.ts';

/** Whose a number is, by Meta's Graph API. docs/vendors/whatsapp.md §3.1, §3.6. */

export const apiOrigin = 'https://graph.facebook.com';
/** For the whole answer: somebody waits for it. */
const timeoutMs = 10_000;
const mostBytes = 1024 * 1024;
/** More pages than any account has. */
const mostPages = 50;

/** Where a workspace's WhatsApp is reached: `wanted` is the sandbox's. Throws as `basePathOf` does. */
export function graphBasePath(workspace: 'live' | 'sandbox', wanted?: string): string {
  return basePathOf(apiOrigin, workspace, wanted);
}

/** A number as Meta tells it to who holds a token of its account. */
export interface OwnNumber {
  readonly phoneNumberId: string;
  readonly wabaId: string;
  /** As people write it, with its country code: `+91 80471 00000`. */
  readonly displayPhoneNumber: string;
}

export interface OwnNumberQuestion extends GraphAccess {
  readonly wabaId: string;
  readonly phoneNumberId: string;
}

const shown = z.looseObject({ id: z.string(), display_phone_number: z.string() });

/**
 * The number, if this token shows it under this account. It is looked for in the account's list, which is documented; that a
 * number would name its account is not. Throws `SangamError` (origin whatsapp): `token_refused`, `permission_missing`,
 * `number_not_shown` (never), and what passes with time as `exchange` does. None holds the token or Meta's own words, which
 * may repeat it.
 */
export async function ownNumber(question: OwnNumberQuestion): Promise<OwnNumber> {
  const { wabaId, phoneNumberId } = question;
  const asked = { path: `/${wabaId}/phone_numbers`, query: { fields: 'id,display_phone_number' } };
  const options = { item: shown, mostPages, timeoutMs, mostBytes, refused };
  for await (const numbers of graphPages(question, asked, options)) {
    const found = numbers.find(({ id }) => id === phoneNumberId);
    if (found !== undefined) return { phoneNumberId, wabaId, displayPhoneNumber: found.display_phone_number };
  }
  throw failure('number_not_shown', 'never', notShown);
}

const notShown =
  'Meta shows no such number under this WhatsApp Business account to who holds this access token: check the phone number ' +
  'id and the account id, and that the token’s system user has the account';

const graphError = z.looseObject({ error: z.looseObject({ code: z.number() }) });

/** Only what Meta says in its own form is its word about the token; anything else is an outage of the moment. */
function refused({ status, body }: GraphAnswer): SangamError {
  const said = graphError.safeParse(body);
  const code = said.success ? said.data.error.code : undefined;
  if (code !== undefined && isTokenRefused(code)) return failure('token_refused', 'never', refusedToken);
  if (code !== undefined && isPermissionMissing(code)) {
    return failure('permission_missing', 'never', missingPermission);
  }
  if (code === 33 || code === 100 || code === 803) return failure('number_not_shown', 'never', notShown);
  const detail = code === undefined ? String(status) : `${String(status)}, code ${String(code)}`;
  return failure('whatsapp_unavailable', 'later', `WhatsApp could not answer just now (${detail})`);
}

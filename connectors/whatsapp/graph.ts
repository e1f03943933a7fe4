import { type Retry, SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import { basePathOf } from '../shared/host.ts';
import { exchange, isToken } from '../shared/http.ts';
import { parseJson } from '../shared/json.ts';

/** Meta's Graph API, as far as it tells whose a number is. docs/vendors/whatsapp.md §3.1, §3.6. */

const apiOrigin = 'https://graph.facebook.com';
/** For the whole answer: somebody waits for it. */
const timeoutMs = 10_000;
const mostBytes = 1024 * 1024;
/** Meta's own most for one page of an account's numbers. */
const pageSize = 100;
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

export interface OwnNumberQuestion {
  /** From `graphBasePath`. */
  readonly basePath: string;
  /** Such as `v26.0`. */
  readonly version: string;
  readonly accessToken: string;
  readonly wabaId: string;
  readonly phoneNumberId: string;
}

const page = z.looseObject({
  data: z.array(z.looseObject({ id: z.string(), display_phone_number: z.string() })),
  paging: z
    .looseObject({
      next: z.string().optional(),
      cursors: z.looseObject({ after: z.string().optional() }).optional(),
    })
    .optional(),
});

/**
 * The number, if this token shows it under this account. It is looked for in the account's list, which is documented; that a
 * number would name its account is not. Throws `SangamError` (origin whatsapp): `token_refused`, `permission_missing`,
 * `number_not_shown` (never), and what passes with time as `exchange` does. None holds the token or Meta's own words, which
 * may repeat it.
 */
export async function ownNumber(question: OwnNumberQuestion): Promise<OwnNumber> {
  const { wabaId, phoneNumberId } = question;
  let after: string | undefined;
  for (let pages = 0; pages < mostPages; pages += 1) {
    const { data, paging } = await readPage(question, after);
    const found = data.find(({ id }) => id === phoneNumberId);
    if (found !== undefined) return { phoneNumberId, wabaId, displayPhoneNumber: found.display_phone_number };
    // `next` itself is an address with the token in it.
    after = paging?.next === undefined ? undefined : paging.cursors?.after;
    if (after === undefined) break;
  }
  throw failure('number_not_shown', 'never', notShown);
}

async function readPage(
  { basePath, version, accessToken, wabaId }: OwnNumberQuestion,
  after: string | undefined,
): Promise<z.infer<typeof page>> {
  if (!isToken(accessToken)) throw failure('token_refused', 'never', refusedToken);
  const query = new URLSearchParams({
    fields: 'id,display_phone_number',
    limit: String(pageSize),
    ...(after === undefined ? {} : { after }),
  });
  const answer = await exchange(
    {
      method: 'GET',
      url: `${basePath}/${version}/${wabaId}/phone_numbers?${query.toString()}`,
      headers: { Accept: 'application/json', Authorization: `Bearer ${accessToken}` },
    },
    { vendor: 'WhatsApp', origin: 'whatsapp', timeoutMs, mostBytes },
  );
  const { status } = answer;
  const body = parseJson(answer.body.toString('utf8'));
  if (status < 200 || status >= 300) throw refusal(status, body);
  const read = page.safeParse(body);
  if (read.success) return read.data;
  throw failure(
    'unreadable_answer',
    'later',
    `WhatsApp answered ${String(status)} with something that is not the expected JSON`,
  );
}

const refusedToken =
  'WhatsApp does not accept the access token: it is mistyped, expired or withdrawn. Make one for a system user in Meta’s ' +
  'business settings and enter that';
const missingPermission =
  'The access token may not read this WhatsApp Business account: give its system user the account, and the token ' +
  'whatsapp_business_management and whatsapp_business_messaging';
const notShown =
  'Meta shows no such number under this WhatsApp Business account to who holds this access token: check the phone number ' +
  'id and the account id, and that the token’s system user has the account';

const graphError = z.looseObject({ error: z.looseObject({ code: z.number() }) });

/** Only what Meta says in its own form is its word about the token; anything else is an outage of the moment. */
function refusal(status: number, body: unknown): SangamError {
  const said = graphError.safeParse(body);
  const code = said.success ? said.data.error.code : undefined;
  if (code === 0 || code === 102 || code === 104 || code === 190) {
    return failure('token_refused', 'never', refusedToken);
  }
  if (code === 3 || code === 10 || (code !== undefined && code >= 200 && code < 300)) {
    return failure('permission_missing', 'never', missingPermission);
  }
  if (code === 33 || code === 100 || code === 803) return failure('number_not_shown', 'never', notShown);
  const detail = code === undefined ? String(status) : `${String(status)}, code ${String(code)}`;
  return failure('whatsapp_unavailable', 'later', `WhatsApp could not answer just now (${detail})`);
}

function failure(code: string, retry: Retry, message: string): SangamError {
  return new SangamError({ code, origin: 'whatsapp', retry, message: `${message}.` });
}

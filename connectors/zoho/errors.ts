import { type Retry, SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import { type Meaning, meaningOf, type RefusalTable, retryAfter } from '../shared/refusals.ts';
import { spentWaitMs, tooManyWaitMs } from './vendor.ts';

/** A call Zoho answered with something other than success. */
export interface Refusal {
  readonly status: number;
  readonly code: RefusalCode;
  /** Zoho's own; undefined: it said none. */
  readonly said: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly retry: Retry;
  /** For a person: what was wrong and what to do. Holds no value of a customer and no secret. */
  readonly explanation: string;
}

/**
 * `batch_refused` = these contents, so halving the batch finds the culprit; `query_refused` = a query names what is not there;
 * `no_such_module`: as it says; `missing_scope` needs a person; the rest passes with time.
 */
type RefusalCode =
  | 'batch_refused'
  | 'query_refused'
  | 'no_such_module'
  | 'missing_scope'
  | 'rate_limited'
  | 'daily_limit'
  | 'token_doubted'
  | 'access_doubted'
  | 'unavailable'
  | 'unexpected_answer';

const refusedContents: Meaning<RefusalCode> = {
  code: 'batch_refused',
  retry: 'never',
  says: 'Zoho CRM refused what was written',
};
const lacksPermission: Meaning<RefusalCode> = {
  code: 'missing_scope',
  retry: 'never',
  says: 'The user who connected Zoho CRM lacks a permission, or the edition lacks what was asked for: check their profile',
};
const lacksScope: Meaning<RefusalCode> = {
  code: 'missing_scope',
  retry: 'never',
  says: 'The connection to Zoho CRM lacks a scope: connect it again, and agree to all that is asked for',
};
const deadToken: Meaning<RefusalCode> = {
  code: 'token_doubted',
  retry: 'later',
  says: 'Zoho CRM refuses the access token: if that lasts, connect again',
};
const badQuery: Meaning<RefusalCode> = {
  code: 'query_refused',
  retry: 'later',
  says: 'Zoho CRM did not take a query',
};
const tooMany: Meaning<RefusalCode> = {
  code: 'rate_limited',
  retry: { afterMs: tooManyWaitMs },
  says: 'Zoho CRM wants fewer calls',
};
const noModule: Meaning<RefusalCode> = {
  code: 'no_such_module',
  retry: 'later',
  says: 'A module Sangam uses is missing in Zoho CRM: let Sangam set up its fields again',
};

/** What Zoho's codes mean, and what a status means when it says no more. docs/vendors/zoho.md §2.2. */
const table: RefusalTable<RefusalCode> = {
  byCode: {
    INVALID_TOKEN: deadToken,
    AUTHENTICATION_FAILURE: deadToken,
    OAUTH_SCOPE_MISMATCH: lacksScope,
    NO_PERMISSION: lacksPermission,
    AUTHORIZATION_FAILED: lacksPermission,
    FEATURE_NOT_SUPPORTED: lacksPermission,
    NOT_SUPPORTED: lacksPermission,
    INVALID_MODULE: noModule,
    INVALID_URL_PATTERN: noModule,
    INVALID_QUERY: badQuery,
    SYNTAX_ERROR: badQuery,
    TOO_MANY_REQUESTS: tooMany,
    INTERNAL_ERROR: { code: 'unavailable', retry: 'later', says: 'Zoho CRM is not available at the moment' },
  },
  byStatus: {
    400: refusedContents,
    401: deadToken,
    403: {
      code: 'access_doubted',
      retry: 'later',
      says: 'Zoho CRM refuses access and names no permission that lacks: if that lasts, ask Zoho',
    },
    413: { ...refusedContents, says: 'Zoho CRM found the request too large' },
    429: tooMany,
  },
  ownWordOnly: new Set([400, 403, 413]),
  unavailable: { code: 'unavailable', retry: 'later', says: 'Zoho CRM is not available at the moment' },
  unexpected: { code: 'unexpected_answer', retry: 'later', says: 'Zoho CRM gave an unexpected answer' },
};

const own = z.looseObject({
  code: z.string().min(1),
  status: z.literal('error'),
  details: z.record(z.string(), z.unknown()).default({}).catch({}),
});

/** Lists of items, each with its own outcome. */
const itemwise = z.union(
  ['data', 'fields', 'modules', 'watch'].map((name) =>
    z.looseObject({ [name]: z.array(z.looseObject({ code: z.string() })).min(1) }),
  ),
);

/** Whether a body says of each item what became of it, whatever the status. */
export function isItemwise(body: unknown): boolean {
  return itemwise.safeParse(body).success;
}

/** A call that was refused as a whole, whatever its status. */
export function isRefusedWhole(body: unknown): boolean {
  return own.safeParse(body).success;
}

/** Zoho's own word that the token has ended, of which it has several. docs/vendors/zoho.md §2.2. */
export function isTokenWord(status: number, body: unknown): boolean {
  const code = own.safeParse(body).data?.code;
  if (code === undefined) return false;
  const meaning = Object.hasOwn(table.byCode, code) ? table.byCode[code] : table.byStatus[status];
  return meaning === deadToken;
}

/** What an unsuccessful answer means. Total: any status with any body, parsed JSON or undefined. */
export function readRefusal(status: number, headers: Headers, body: unknown): Refusal {
  const read = own.safeParse(body);
  const said = read.success ? read.data.code : undefined;
  const spent = status === 429 && headers.get('x-api-credits-remaining') === '0';
  const meaning: Meaning<RefusalCode> = spent
    ? {
        code: 'daily_limit',
        retry: { afterMs: spentWaitMs },
        says: "Zoho CRM's credits of the last 24 hours are used up",
      }
    : meaningOf(table, { status, codes: said === undefined ? [] : [said], isOwnWord: read.success });
  const details = read.success ? read.data.details : {};
  const about = [said, nameIn(details), `status ${String(status)}`].filter((one) => one !== undefined);
  return {
    status,
    code: meaning.code,
    said,
    details,
    retry: meaning.retry === 'later' ? (retryAfter(headers) ?? 'later') : meaning.retry,
    explanation: `${meaning.says} (${about.join('; ')}).`,
  };
}

/** The name of what is refused: never a value. */
function nameIn(details: Readonly<Record<string, unknown>>): string | undefined {
  const { api_name: name, column_name: column, permissions } = details;
  if (Array.isArray(permissions))
    return permissions.filter((one) => typeof one === 'string').join(', ') || undefined;
  return [name, column].find((one) => typeof one === 'string');
}

/** A refusal of the call as a whole. */
export function refusalError({ code, retry, explanation: message }: Refusal): SangamError {
  return new SangamError({ code, origin: 'crm', retry, message });
}

export function notProvisioned(message: string): SangamError {
  return new SangamError({ code: 'not_provisioned', origin: 'crm', retry: 'never', message });
}

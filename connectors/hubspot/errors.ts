import { FieldsMissing } from '@sangam/core/crm';
import { type Retry, SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import { parseJson } from '../shared/json.ts';
import { type Meaning, meaningOf, type RefusalTable, retryAfter } from '../shared/refusals.ts';
import { contactIdProperty } from './properties.ts';
import { dailyLimit, lockedWaitMs, rateLimitWaitMs } from './vendor.ts';

/** One thing HubSpot found wrong: its code, and the properties it speaks of. Never a value. */
interface Problem {
  readonly code: string;
  readonly properties: readonly string[];
}

/** A call HubSpot answered with something other than success. */
export interface Refusal {
  readonly status: number;
  readonly code: RefusalCode;
  readonly retry: Retry;
  /** For a person: what was wrong and what to do. Holds no value of a customer and no secret. */
  readonly explanation: string;
  readonly problems: readonly Problem[];
  /** The record that already holds a value only one may hold. */
  readonly conflict: Conflict | undefined;
}

interface Conflict {
  readonly property: string;
  readonly recordId: string;
}

/**
 * `batch_refused` = these contents, so halving the batch finds the culprit; `fields_missing` = properties that are not
 * there; `not_found` = records that are not; `missing_scope` needs a person; the rest passes with time.
 */
type RefusalCode =
  | 'batch_refused'
  | 'fields_missing'
  | 'not_found'
  | 'missing_scope'
  | 'locked'
  | 'rate_limited'
  | 'daily_limit'
  | 'token_doubted'
  | 'access_doubted'
  | 'moving'
  | 'unavailable'
  | 'unexpected_answer';

/** What HubSpot's codes mean, and what a status means when it says no more. docs/vendors/hubspot.md §4.1, §4.2 and §4.8. */
const table: RefusalTable<RefusalCode> = {
  byCode: {
    PROPERTY_DOESNT_EXIST: {
      code: 'fields_missing',
      retry: 'never',
      says: 'A property Sangam uses is missing in HubSpot: restore it, or map another',
    },
    [dailyLimit]: {
      code: 'daily_limit',
      retry: 'later',
      says: "HubSpot's daily limit of calls is used up until midnight in the time zone of the account",
    },
  },
  byStatus: {
    400: { code: 'batch_refused', retry: 'never', says: 'HubSpot refused what was written' },
    401: {
      code: 'token_doubted',
      retry: 'later',
      says: 'HubSpot refuses the access token: if that lasts, connect again or enter a new one',
    },
    403: {
      code: 'access_doubted',
      retry: 'later',
      says: 'HubSpot refuses access and names no permission that lacks: if that lasts, ask HubSpot',
    },
    404: { code: 'not_found', retry: 'later', says: 'HubSpot found nothing there' },
    409: { code: 'batch_refused', retry: 'never', says: 'HubSpot already holds this under another record' },
    413: { code: 'batch_refused', retry: 'never', says: 'HubSpot found the request too large' },
    423: {
      code: 'locked',
      retry: { afterMs: lockedWaitMs },
      says: 'HubSpot has locked these records for a moment',
    },
    429: { code: 'rate_limited', retry: 'later', says: "HubSpot's limit of calls is used up" },
    477: { code: 'moving', retry: 'later', says: 'HubSpot is moving this account to another data centre' },
  },
  ownWordOnly: new Set([400, 403, 404, 409]),
  unavailable: {
    code: 'unavailable',
    retry: 'later',
    says: 'HubSpot is not available at the moment',
  },
  unexpected: {
    code: 'unexpected_answer',
    retry: 'later',
    says: 'HubSpot gave an unexpected answer',
  },
};

const optionalText = z.string().optional().catch(undefined);

/** HubSpot's error body; every field may be missing. docs/vendors/hubspot.md §4.2. */
const errorBody = z.looseObject({
  message: optionalText,
  correlationId: optionalText,
  policyName: optionalText,
  category: optionalText,
  errors: z
    .array(
      z.looseObject({
        code: optionalText,
        message: optionalText,
        context: z
          .looseObject({
            propertyName: z.unknown().optional(),
            requiredGranularScopes: z.unknown().optional(),
          })
          .optional()
          .catch(undefined),
      }),
    )
    .catch([])
    .default([]),
});

/** What an unsuccessful answer means. Total: any status with any body, parsed JSON or undefined. */
export function readRefusal(status: number, headers: Headers, body: unknown): Refusal {
  const said = errorBody.catch({ errors: [] }).parse(body);
  const { message = '', correlationId, policyName, errors } = said;
  const problems = [
    ...problemsInMessage(message),
    ...errors.flatMap((error) => [
      ...problemsInMessage(error.message ?? ''),
      ...(error.code === undefined
        ? []
        : [{ code: error.code, properties: texts(error.context?.propertyName) }]),
    ]),
  ];
  const conflict = readConflict(message);
  const meaning = meaningOfSaid(status, said, problems, conflict !== undefined);
  return {
    status,
    code: meaning.code,
    retry: meaning.retry === 'later' ? (waitOf(status, headers, policyName) ?? 'later') : meaning.retry,
    explanation: explain(status, meaning, problems, conflict, correlationId),
    problems,
    conflict,
  };
}

/** Whether an unsuccessful answer's body is in HubSpot's own form. docs/vendors/hubspot.md §4.2. */
export function isOwnWord(body: unknown): boolean {
  return isOwn(errorBody.catch({ errors: [] }).parse(body));
}

function isOwn({ category, correlationId }: z.infer<typeof errorBody>): boolean {
  return category !== undefined || correlationId !== undefined;
}

function meaningOfSaid(
  status: number,
  said: z.infer<typeof errorBody>,
  problems: readonly Problem[],
  conflicts: boolean,
): Meaning<RefusalCode> {
  const { category, policyName = '', errors } = said;
  const codes = problems.map(({ code }) => code);
  const scopes = errors.flatMap(({ context }) => texts(context?.requiredGranularScopes));
  const lacksScope = status === 403 && (category === 'MISSING_SCOPES' || scopes.length > 0);
  if (lacksScope && !codes.some(isOfMissingField)) return missingScope(scopes);
  return meaningOf(table, {
    status,
    codes: status === 429 ? [...codes, policyName] : codes,
    // A word about a value is its own, too.
    isOwnWord: isOwn(said) || problems.length > 0 || conflicts,
  });
}

function isOfMissingField(code: string): boolean {
  return table.byCode[code]?.code === 'fields_missing';
}

function missingScope(scopes: readonly string[]): Meaning<RefusalCode> {
  const named = scopes.length === 0 ? 'a permission' : `the permission ${scopes.join(', ')}`;
  return {
    code: 'missing_scope',
    retry: 'never',
    says: `The access token lacks ${named}: check its scopes`,
  };
}

/** A refusal of the call as a whole. `FieldsMissing` names the properties; without our key nothing can go on. */
export function refusalError(refusal: Refusal): SangamError {
  const { code, retry, explanation: message } = refusal;
  if (code !== 'fields_missing') return new SangamError({ code, origin: 'crm', retry, message });
  const fields = missingIn(refusal);
  return fields.length === 0 || fields.includes(contactIdProperty)
    ? notProvisioned('never', message)
    : new FieldsMissing({ message, fields });
}

/** Properties HubSpot says it does not have. */
export function missingIn({ problems }: Refusal): string[] {
  const missing = problems.filter(({ code }) => isOfMissingField(code));
  return [...new Set(missing.flatMap(({ properties }) => properties))];
}

export function notProvisioned(retry: Retry, message: string): SangamError {
  return new SangamError({ code: 'not_provisioned', origin: 'crm', retry, message });
}

/**
 * `Retry-After` where HubSpot or its edge sends it, in seconds or as a date, else the wait of the limit it names.
 * docs/vendors/hubspot.md §4.8.
 */
function waitOf(status: number, headers: Headers, policyName: string | undefined): Retry | undefined {
  const asked = retryAfter(headers);
  if (asked !== undefined) return asked;
  const afterMs = status === 429 && policyName !== undefined ? rateLimitWaitMs[policyName] : undefined;
  return afterMs === undefined ? undefined : { afterMs };
}

const problemList = z.array(z.looseObject({ error: z.string(), name: optionalText }));

/**
 * Validation errors come as JSON inside the message: `Property values were not valid: [{"error":…,"name":…}]`.
 * Source: HubSpot's changelog "Property Validations Rules will be enforced for APIs", July 2023.
 */
function problemsInMessage(message: string): Problem[] {
  const start = message.indexOf('[{');
  if (start === -1) {
    const missing = /^Property \W?(\w+)\W? does(?: not|n't) exist/.exec(message)?.[1];
    return missing === undefined ? [] : [{ code: 'PROPERTY_DOESNT_EXIST', properties: [missing] }];
  }
  const list = problemList.safeParse(parseJson(message.slice(start, message.lastIndexOf(']') + 1)));
  if (!list.success) return [];
  return list.data.map(({ error, name }) => ({ code: error, properties: texts(name) }));
}

/** The two shapes of "only one record may hold this value". docs/vendors/hubspot.md §4.2. */
function readConflict(message: string): Conflict | undefined {
  const taken = /^Contact already exists\. Existing ID: (\d+)/.exec(message)?.[1];
  if (taken !== undefined) return { property: 'email', recordId: taken };
  // The first record named is the one being written, the second already holds the value, which may contain anything.
  const held = /propertyName=(\w+),.* on \d+\. (\d+) already has that value/s.exec(message);
  return held?.[1] === undefined || held[2] === undefined
    ? undefined
    : { property: held[1], recordId: held[2] };
}

function explain(
  status: number,
  meaning: Meaning<RefusalCode>,
  problems: readonly Problem[],
  conflict: Conflict | undefined,
  correlationId: string | undefined,
): string {
  const found = problems.map(({ code, properties }) =>
    [properties.join(', '), code].filter(Boolean).join(': '),
  );
  if (conflict !== undefined) {
    found.push(`record ${conflict.recordId} already holds this value of ${conflict.property}`);
  }
  const details = [
    ...new Set(found),
    `status ${status}`,
    ...(correlationId === undefined ? [] : [`HubSpot's reference ${correlationId}`]),
  ];
  return `${meaning.says} (${details.join('; ')}).`;
}

function texts(context: unknown): string[] {
  return [context].flat().filter((one) => typeof one === 'string');
}

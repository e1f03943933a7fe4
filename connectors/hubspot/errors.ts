import { FieldsMissing } from '@sangam/core/crm';
import { type Retry, SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import { parseJson } from './json.ts';
import { contactIdProperty } from './properties.ts';
import { lockedWaitMs, rateLimitWaitMs } from './vendor.ts';

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
 * there; `not_found` = records that are not; `reconnect` and `missing_scope` need a person; the rest passes with time.
 */
type RefusalCode =
  | 'batch_refused'
  | 'fields_missing'
  | 'not_found'
  | 'reconnect'
  | 'missing_scope'
  | 'locked'
  | 'rate_limited'
  | 'moving'
  | 'unavailable'
  | 'unexpected_answer';

interface Meaning {
  readonly code: RefusalCode;
  readonly retry: Retry;
  readonly says: string;
}

/** What a status means when no code says more. facts/hubspot.md §4.2 and §4.8. */
const byStatus: Readonly<Record<number, Meaning>> = {
  400: { code: 'batch_refused', retry: 'never', says: 'HubSpot refused what was written' },
  401: {
    code: 'reconnect',
    retry: 'never',
    says: 'HubSpot no longer accepts the access token: connect it again',
  },
  403: {
    code: 'missing_scope',
    retry: 'never',
    says: 'The access token lacks a permission: check its scopes',
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
};

/** What a problem's code means, whatever the status. Codes: facts/hubspot.md §4.1 and HubSpot's own messages. */
const byProblem: Readonly<Record<string, Meaning>> = {
  PROPERTY_DOESNT_EXIST: {
    code: 'fields_missing',
    retry: 'never',
    says: 'A property Sangam uses is missing in HubSpot: restore it, or map another',
  },
};

const unavailable: Meaning = {
  code: 'unavailable',
  retry: 'later',
  says: 'HubSpot is not available at the moment',
};
const unexpected: Meaning = {
  code: 'unexpected_answer',
  retry: 'later',
  says: 'HubSpot gave an unexpected answer',
};

const optionalText = z.string().optional().catch(undefined);

/** HubSpot's error body; every field may be missing. facts/hubspot.md §4.2. */
const errorBody = z.looseObject({
  message: optionalText,
  correlationId: optionalText,
  policyName: optionalText,
  errors: z
    .array(
      z.looseObject({
        code: optionalText,
        message: optionalText,
        context: z.looseObject({ propertyName: z.unknown() }).optional().catch(undefined),
      }),
    )
    .catch([])
    .default([]),
});

/** What an unsuccessful answer means. Total: any status with any body, parsed JSON or undefined. */
export function readRefusal(status: number, headers: Headers, body: unknown): Refusal {
  const { message = '', correlationId, policyName, errors } = errorBody.catch({ errors: [] }).parse(body);
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
  const meaning =
    problems.map(({ code }) => byProblem[code]).find((known) => known !== undefined) ??
    byStatus[status] ??
    (status >= 500 ? unavailable : unexpected);
  return {
    status,
    code: meaning.code,
    retry: meaning.retry === 'later' ? (waitOf(status, headers, policyName) ?? 'later') : meaning.retry,
    explanation: explain(status, meaning, problems, conflict, correlationId),
    problems,
    conflict,
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
  const missing = problems.filter(({ code }) => byProblem[code]?.code === 'fields_missing');
  return [...new Set(missing.flatMap(({ properties }) => properties))];
}

export function notProvisioned(retry: Retry, message: string): SangamError {
  return new SangamError({ code: 'not_provisioned', origin: 'crm', retry, message });
}

/** `Retry-After` in seconds where HubSpot sends it, else the wait of the limit it names. facts/hubspot.md §4.8. */
function waitOf(status: number, headers: Headers, policyName: string | undefined): Retry | undefined {
  const retryAfter = headers.get('retry-after') ?? '';
  if (/^\d{1,6}$/.test(retryAfter)) return { afterMs: Number(retryAfter) * 1000 };
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

/** The two shapes of "only one record may hold this value". facts/hubspot.md §4.2. */
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
  meaning: Meaning,
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

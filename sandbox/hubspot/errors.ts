import { randomUUID } from 'node:crypto';
import type { Answer } from '../http.ts';

/** HubSpot's error body. docs/vendors/hubspot.md §4.2. */
export interface HubspotError {
  readonly status: number;
  readonly category: string;
  readonly message: string;
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** One value HubSpot does not take. Codes of docs/vendors/hubspot.md §4.1; the others from memory of its answers. */
export interface Problem {
  readonly code:
    | 'PROPERTY_DOESNT_EXIST'
    | 'READ_ONLY_VALUE'
    | 'INVALID_OPTION'
    | 'INVALID_LONG'
    | 'INVALID_DATE'
    | 'INVALID_NUMBER'
    | 'INVALID_EMAIL'
    | 'VALUE_TOO_LONG'
    | 'INVALID_LIFECYCLE_STAGE'
    | 'MISSING_REQUIRED_PROPERTY';
  readonly property: string;
  readonly message: string;
}

export function answerError({ status, category, message, extra }: HubspotError): Answer {
  return {
    status,
    body: { status: 'error', message, correlationId: randomUUID(), category, ...extra },
  };
}

export function validationError(message: string, extra?: Readonly<Record<string, unknown>>): HubspotError {
  return { status: 400, category: 'VALIDATION_ERROR', message, ...(extra === undefined ? {} : { extra }) };
}

/** The problems stand as JSON inside the message, and in `errors` as docs/vendors/hubspot.md §4.2 lists them. */
export function invalidProperties(problems: readonly Problem[]): HubspotError {
  const inMessage = problems.map(({ code, property, message }) => ({
    isValid: false,
    message,
    error: code,
    name: property,
  }));
  return validationError(`Property values were not valid: ${JSON.stringify(inMessage)}`, {
    errors: problems.map(({ code, property, message }) => ({
      message,
      code,
      context: { propertyName: [property] },
    })),
  });
}

export function missingProperties(names: readonly string[]): HubspotError {
  return invalidProperties(
    names.map((property) => ({
      code: 'MISSING_REQUIRED_PROPERTY',
      property,
      message: `Property "${property}" is required to create a record`,
    })),
  );
}

export function emailTaken(holderId: string): HubspotError {
  return { status: 409, category: 'CONFLICT', message: `Contact already exists. Existing ID: ${holderId}` };
}

/** Names two records: the one being written, then the holder. docs/vendors/hubspot.md §4.2. */
export function uniqueTaken(conflict: {
  portalId: number;
  property: string;
  value: string;
  id: string;
  holderId: string;
}): HubspotError {
  const { portalId, property, value, id, holderId } = conflict;
  return validationError(
    `Cannot set PropertyValueCoordinates{portalId=${String(portalId)}, propertyName=${property}, value=${value}} on ${id}. ${holderId} already has that value.`,
  );
}

export function notFound(message = 'resource not found'): HubspotError {
  return { status: 404, category: 'OBJECT_NOT_FOUND', message };
}

export const noCredentials: HubspotError = {
  status: 401,
  category: 'INVALID_AUTHENTICATION',
  message: 'Authentication credentials not found or not valid. This API supports OAuth 2.0 authentication.',
};

export const expiredToken: HubspotError = {
  status: 401,
  category: 'EXPIRED_AUTHENTICATION',
  message: 'The OAuth token used to make this call expired 1 second(s) ago.',
};

/** docs/vendors/hubspot.md §4.8: a body of its own, without a category. `SECONDLY` is search's. */
const policies = {
  TEN_SECONDLY_ROLLING: 'You have reached your ten_secondly_rolling limit.',
  SECONDLY: 'You have reached your secondly limit.',
  DAILY: 'You have reached your daily limit.',
} as const;

export function rateLimited(policyName: keyof typeof policies = 'TEN_SECONDLY_ROLLING'): Answer {
  return {
    status: 429,
    body: {
      status: 'error',
      message: policies[policyName],
      errorType: 'RATE_LIMIT',
      correlationId: randomUUID(),
      policyName,
      requestId: randomUUID(),
    },
  };
}

/** HubSpot's words for what went wrong, each with its usual status. 423 and 477: docs/vendors/hubspot.md §4.2. */
const categories: Readonly<Record<string, readonly [status: number, message: string]>> = {
  VALIDATION_ERROR: [400, 'Invalid input'],
  EXPIRED_AUTHENTICATION: [401, expiredToken.message],
  MISSING_SCOPES: [403, 'This app hasn’t been granted all required scopes to make this call.'],
  OBJECT_NOT_FOUND: [404, 'resource not found'],
  CONFLICT: [409, 'conflict'],
  LOCKED: [423, 'The records are locked.'],
  MIGRATION_IN_PROGRESS: [477, 'migration in progress'],
  INTERNAL_ERROR: [500, 'internal error'],
};

/** What a fault asks for. A code is a limit's policy, a category, or else what is wrong with a value. */
export function failure(asked: {
  readonly status?: number | undefined;
  readonly code?: string | undefined;
}): Answer {
  const { status, code } = asked;
  if (code !== undefined && isPolicy(code)) return { ...rateLimited(code), status: status ?? 429 };
  if (status === 429 && code === undefined) return rateLimited();
  const error = errorOf(asked);
  const answer = answerError(error);
  return error.category === 'MIGRATION_IN_PROGRESS'
    ? { ...answer, headers: { 'Retry-After': '60' } }
    : answer;
}

/** The same as an error, of a call or of one item of it. */
export function errorOf({
  status,
  code,
}: {
  readonly status?: number | undefined;
  readonly code?: string | undefined;
}): HubspotError {
  if (code !== undefined && !Object.hasOwn(categories, code)) {
    const message = 'This value is not accepted.';
    return { ...validationError(message, { errors: [{ message, code }] }), status: status ?? 400 };
  }
  const category = code ?? categoryOf(status ?? 500);
  const [usual = 400, message = 'unknown'] = categories[category] ?? [];
  return {
    status: status ?? usual,
    category,
    message,
    ...(category === 'MISSING_SCOPES' ? { extra: { errors: [scopesMissing] } } : {}),
  };
}

function categoryOf(status: number): string {
  const named = Object.entries(categories).find(([, [usual]]) => usual === status)?.[0];
  return named ?? (status >= 500 ? 'INTERNAL_ERROR' : 'VALIDATION_ERROR');
}

function isPolicy(code: string): code is keyof typeof policies {
  return Object.hasOwn(policies, code);
}

const scopesMissing = {
  message: 'One or more of the following scopes are required.',
  context: { requiredGranularScopes: ['crm.objects.contacts.write'] },
};

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

const limits = {
  TEN_SECONDLY_ROLLING: 'You have reached your ten_secondly_rolling limit.',
  SECONDLY: 'You have reached your secondly limit.',
} as const;

/** docs/vendors/hubspot.md §4.8: a body of its own, without a category. `SECONDLY` is search's. */
export function rateLimited(policyName: keyof typeof limits = 'TEN_SECONDLY_ROLLING'): Answer {
  return {
    status: 429,
    body: {
      status: 'error',
      message: limits[policyName],
      errorType: 'RATE_LIMIT',
      correlationId: randomUUID(),
      policyName,
      requestId: randomUUID(),
    },
  };
}

/** Any status a fault asks for. 423 and 477: docs/vendors/hubspot.md §4.2. */
export function failure(status: number): Answer {
  if (status === 401) return answerError(expiredToken);
  if (status === 429) return rateLimited();
  if (status === 477) {
    const answer = answerError({
      status,
      category: 'MIGRATION_IN_PROGRESS',
      message: 'migration in progress',
    });
    return { ...answer, headers: { 'Retry-After': '60' } };
  }
  const extra = status === 403 ? { errors: [scopesMissing] } : {};
  const [category, message] = failures[status] ?? (status >= 500 ? failures[500] : failures[400]) ?? [];
  return answerError({ status, category: category ?? 'UNKNOWN', message: message ?? 'unknown', extra });
}

const scopesMissing = {
  message: 'One or more of the following scopes are required.',
  context: { requiredGranularScopes: ['crm.objects.contacts.write'] },
};

const failures: Readonly<Record<number, readonly [category: string, message: string]>> = {
  400: ['VALIDATION_ERROR', 'Invalid input'],
  403: ['MISSING_SCOPES', 'This app hasn’t been granted all required scopes to make this call.'],
  404: ['OBJECT_NOT_FOUND', 'resource not found'],
  409: ['CONFLICT', 'conflict'],
  423: ['LOCKED', 'The records are locked.'],
  500: ['INTERNAL_ERROR', 'internal error'],
};

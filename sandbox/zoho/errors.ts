import type { Answer } from '../http.ts';

/** Zoho's error, of a call or of one record of it. docs/vendors/zoho.md §2.2. */
export interface ZohoError {
  readonly httpStatus: number;
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** All that is wrong, where it stands beside the details. */
  readonly errors?: readonly object[];
}

export function zohoError(
  code: string,
  message: string,
  details: ZohoError['details'] = {},
  httpStatus = 400,
): ZohoError {
  return { httpStatus, code, message, details };
}

export function isError(value: object): value is ZohoError {
  return 'httpStatus' in value;
}

export function toItem({ code, message, details, errors }: ZohoError): object {
  return { code, details, message, status: 'error', ...(errors === undefined ? {} : { errors }) };
}

export function answerError(error: ZohoError): Answer {
  return { status: error.httpStatus, body: toItem(error) };
}

/** Where in a body something is: `$.data[0].Email`. */
export interface Place {
  readonly api_name: string;
  readonly json_path: string;
}

export function place(path: string, name: string): Place {
  return { api_name: name, json_path: `$.${path}.${name}` };
}

export function mandatoryMissing(at: Place): ZohoError {
  return zohoError('MANDATORY_NOT_FOUND', 'required field not found', { ...at });
}

export function invalidData(at: Place, more: ZohoError['details'] = {}, message = 'invalid data'): ZohoError {
  return zohoError('INVALID_DATA', message, { ...more, ...at });
}

export const notFoundUrl = zohoError(
  'INVALID_URL_PATTERN',
  'Please check if the URL trying to access is a correct one',
  {},
  404,
);

export function noPermission(message: string, permissions: readonly string[] = []): ZohoError {
  return zohoError('NO_PERMISSION', message, { permissions }, 403);
}

export const tooManyRequests = zohoError(
  'TOO_MANY_REQUESTS',
  'You have made too many requests in a short while. Please try again after some time.',
  {},
  429,
);

export function paramMissing(name: string): ZohoError {
  return zohoError('REQUIRED_PARAM_MISSING', 'One of the expected parameter is missing', {
    param_name: name,
  });
}

export function limitExceeded(limit: number, details: ZohoError['details'] = {}): ZohoError {
  return zohoError('LIMIT_EXCEEDED', 'the limit is exceeded', { limit, ...details });
}

export const invalidId = 'the id given seems to be invalid';

/** Zoho's words, each with its usual status. docs/vendors/zoho.md §2.2. */
const usual: Readonly<Record<string, readonly [status: number, message: string]>> = {
  INVALID_DATA: [400, 'invalid data'],
  MANDATORY_NOT_FOUND: [400, 'required field not found'],
  DUPLICATE_DATA: [400, 'duplicate data'],
  RECORD_LOCKED: [400, 'the record cannot be changed as the record is locked'],
  RECORD_IN_BLUEPRINT: [400, 'the record is in a blueprint'],
  NOT_APPROVED: [400, 'the record is not approved yet'],
  AUTHORIZATION_FAILED: [400, 'user does not have sufficient privilege'],
  INVALID_TOKEN: [401, 'invalid oauth token'],
  AUTHENTICATION_FAILURE: [401, 'Authentication failed'],
  OAUTH_SCOPE_MISMATCH: [401, 'invalid oauth scope to access this URL'],
  NO_PERMISSION: [403, 'permission denied'],
  INVALID_URL_PATTERN: [404, notFoundUrl.message],
  ALREADY_MODIFIED: [412, 'the record has been modified already'],
  REQUEST_ENTITY_TOO_LARGE: [413, 'the request is too large'],
  TOO_MANY_REQUESTS: [429, tooManyRequests.message],
  INTERNAL_ERROR: [500, 'Internal Server Error'],
};

/** What a fault asks for, by status, by a code of Zoho's, or both. */
export function errorOf({
  status,
  code,
}: {
  readonly status?: number | undefined;
  readonly code?: string | undefined;
}): ZohoError {
  const named = code ?? Object.entries(usual).find(([, [usualStatus]]) => usualStatus === status)?.[0];
  const name = named ?? ((status ?? 500) >= 500 ? 'INTERNAL_ERROR' : 'INVALID_DATA');
  const [usualStatus, message] = usual[name] ?? [400, 'the record cannot be processed'];
  return zohoError(name, message, {}, status ?? usualStatus);
}

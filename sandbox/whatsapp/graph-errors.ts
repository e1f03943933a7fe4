import { randomBytes } from 'node:crypto';
import type { Answer } from '../http.ts';
import { graphCodes } from './graph-codes.ts';

/** Graph's errors. Shape and codes: docs/vendors/whatsapp.md §3.6; wording from memory. */

/** Why Meta does not take something: one of its codes, and what is wrong with this very request. */
export interface Refusal {
  readonly code: number;
  readonly details?: string;
}

export function graphError(
  { code, details }: Refusal,
  given: {
    status?: number | undefined;
    message?: string;
    type?: string;
    subcode?: number;
    userMessage?: string;
  } = {},
): Answer {
  const { status: usual = 400, title = 'Unknown error', isTransient } = graphCodes.get(code) ?? {};
  const {
    status = usual,
    message = `(#${String(code)}) ${title}`,
    type = 'OAuthException',
    subcode,
    userMessage,
  } = given;
  return {
    status,
    body: {
      error: {
        message,
        type,
        code,
        ...(subcode === undefined ? {} : { error_subcode: subcode }),
        ...(details === undefined ? {} : { error_data: { messaging_product: 'whatsapp', details } }),
        ...(isTransient === undefined ? {} : { is_transient: isTransient }),
        ...(userMessage === undefined ? {} : { error_user_title: title, error_user_msg: userMessage }),
        fbtrace_id: `A${randomBytes(16).toString('base64url')}`,
      },
    },
  };
}

/** What looks like one of Meta's tokens and is none is repeated to whoever sent it. From memory. */
export function badToken(authorization: string | undefined): Answer {
  const token = /^Bearer +(EA.*)$/.exec(authorization ?? '')?.[1];
  const message =
    token === undefined
      ? 'Invalid OAuth access token - Cannot parse access token'
      : `Malformed access token ${token}`;
  return graphError({ code: 190 }, { message });
}

export const badParameter = (details: string): Answer => graphError({ code: 100, details });

export const unknownObject = (id: string): Answer =>
  graphError(
    { code: 33 },
    { message: `Unsupported request. Object with ID '${id}' does not exist or cannot be loaded.` },
  );

/** A read of what is not there, or not for this token. From memory. */
export const unknownNode = (id: string, method = 'get'): Answer =>
  graphError(
    { code: 100 },
    {
      message:
        `Unsupported ${method} request. Object with ID '${id}' does not exist, cannot be loaded due to missing ` +
        'permissions, or does not support this operation.',
      type: 'GraphMethodException',
      subcode: 33,
    },
  );

/** The same as a status carries it. docs/vendors/whatsapp.md §1.7, §3.6. */
export function statusError({ code, details }: Refusal): object {
  const { title = 'Unknown error' } = graphCodes.get(code) ?? {};
  return { code, title, message: title, error_data: { details: details ?? title } };
}

import { randomBytes } from 'node:crypto';
import type { Answer } from '../http.ts';

/** Graph's errors. Shape and codes: docs/vendors/whatsapp.md §3.6; wording from memory. */
function graphError(
  status: number,
  code: number,
  message: string,
  { type = 'OAuthException', details, subcode }: { type?: string; details?: string; subcode?: number } = {},
): Answer {
  return {
    status,
    body: {
      error: {
        message,
        type,
        code,
        ...(subcode === undefined ? {} : { error_subcode: subcode }),
        ...(details === undefined ? {} : { error_data: { messaging_product: 'whatsapp', details } }),
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
  return graphError(401, 190, message);
}

export const badParameter = (details: string): Answer =>
  graphError(400, 100, '(#100) Invalid parameter', { details });

export const unknownObject = (id: string): Answer =>
  graphError(400, 33, `Unsupported request. Object with ID '${id}' does not exist or cannot be loaded.`);

/** A read of what is not there, or not for this token. From memory. */
export const unknownNode = (id: string): Answer =>
  graphError(
    400,
    100,
    `Unsupported get request. Object with ID '${id}' does not exist, cannot be loaded due to missing permissions, or does ` +
      'not support this operation.',
    { type: 'GraphMethodException', subcode: 33 },
  );

/** An error a status carries. docs/vendors/whatsapp.md §3.6 and §3.7. */
export const windowClosed = {
  code: 131047,
  title: 'Re-engagement message',
  message: 'Re-engagement message',
  error_data: { details: 'More than 24 hours have passed since the customer last replied to this number.' },
};

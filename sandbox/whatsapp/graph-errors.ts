import { randomBytes } from 'node:crypto';
import type { Answer } from '../http.ts';

/** Graph's errors. Shape and codes: facts/whatsapp.md §3.6; wording from memory. */
function graphError(status: number, code: number, message: string, details?: string): Answer {
  return {
    status,
    body: {
      error: {
        message,
        type: 'OAuthException',
        code,
        ...(details === undefined ? {} : { error_data: { messaging_product: 'whatsapp', details } }),
        fbtrace_id: `A${randomBytes(16).toString('base64url')}`,
      },
    },
  };
}

export const badToken = (): Answer =>
  graphError(401, 190, 'Invalid OAuth access token - Cannot parse access token');

export const badParameter = (details: string): Answer =>
  graphError(400, 100, '(#100) Invalid parameter', details);

export const unknownObject = (id: string): Answer =>
  graphError(400, 33, `Unsupported request. Object with ID '${id}' does not exist or cannot be loaded.`);

/** An error a status carries. facts/whatsapp.md §3.6 and §3.7. */
export const windowClosed = {
  code: 131047,
  title: 'Re-engagement message',
  message: 'Re-engagement message',
  error_data: { details: 'More than 24 hours have passed since the customer last replied to this number.' },
};

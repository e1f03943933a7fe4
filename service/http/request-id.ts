import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';

const header = 'X-Request-Id';
/** What a proxy or a client may call a request; anything else gets a name of ours. */
const wellFormed = /^[A-Za-z0-9._:-]{8,64}$/;

/** Names each request: as whoever sent it did, or anew. Every answer carries the name, and so does what is logged of it. */
export const requestId: RequestHandler = (request, response, next) => {
  const given = request.get(header) ?? '';
  response.set(header, wellFormed.test(given) ? given : randomUUID());
  next();
};

/** The name of the request this answers. */
export function requestIdOf(response: Response): string {
  return response.get(header) ?? '';
}

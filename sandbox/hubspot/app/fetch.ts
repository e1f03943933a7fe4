import { Router } from 'express';
import { z } from 'zod';
import type { MustBeTarget } from '../../targets.ts';
import { type Answer, answering, ControlError, ok, readBody, refuse } from '../../http.ts';
import { createConcurrencyLimit } from '../../shared/limits.ts';
import { portal } from '../portal.ts';
import type { AppFacts } from './install.ts';
import { signV3 } from './signature.ts';

/** What `hubspot.fetch` keeps to. docs/vendors/hubspot.md §2.1. */
const largestBytes = 1_048_576;
const mostAtOnce = 20;
const answerMs = 15_000;
const allowedHeaders: ReadonlySet<string> = new Set(['authorization']);

const fetchBody = z.strictObject({
  url: z.url(),
  method: z.enum(['GET', 'POST', 'PUT', 'DELETE', 'PATCH']).default('GET'),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.record(z.string(), z.unknown()).optional(),
});

/** A card of the app that asks its server through HubSpot: signed, with who asks in the query, and within limits. */
export function fetchControls(
  app: AppFacts,
  now: () => number,
  mustBeTarget: MustBeTarget,
  written: () => Promise<void>,
): Router {
  const router = Router();
  const atOnce = createConcurrencyLimit(() => mostAtOnce);

  const ask = async (asked: z.infer<typeof fetchBody>): Promise<Answer> => {
    const url = new URL(asked.url);
    url.searchParams.set('userId', '2000001');
    url.searchParams.set('portalId', String(portal.portalId));
    url.searchParams.set('userEmail', 'user@portal.example');
    url.searchParams.set('appId', app.appId);
    const body = asked.body === undefined ? '' : JSON.stringify(asked.body);
    if (Buffer.byteLength(body) > largestBytes)
      return refuse(413, 'too_large', 'The body is larger than 1 MB.');
    const { method } = asked;
    const once = (): Promise<Response> =>
      fetch(url, {
        method,
        redirect: 'manual',
        signal: AbortSignal.timeout(answerMs),
        headers: {
          ...asked.headers,
          'content-type': 'application/json',
          ...signV3(app.clientSecret, { method, url: url.href, body }, now()),
        },
        ...(body === '' ? {} : { body }),
      });
    // HubSpot itself asks once more when the server cannot be reached or fails.
    const first = await once().catch(() => undefined);
    const response = first === undefined || first.status >= 500 ? await once().catch(() => undefined) : first;
    if (response === undefined) return refuse(504, 'GATEWAY_TIMEOUT', 'The server did not answer.');
    const text = await response.text();
    if (Buffer.byteLength(text) > largestBytes) {
      return refuse(502, 'BAD_GATEWAY', 'The answer is larger than 1 MB.');
    }
    return ok({ status: response.status, body: text });
  };

  router.post(
    '/fetch',
    answering(written, async (request) => {
      const asked = readBody(fetchBody, request);
      mustBeTarget(asked.url);
      const foreign = Object.keys(asked.headers).filter((name) => !allowedHeaders.has(name.toLowerCase()));
      if (foreign.length > 0) {
        throw new ControlError(
          400,
          'VALIDATION_ERROR',
          `Only Authorization may be sent, not ${foreign.join(', ')}.`,
        );
      }
      const end = atOnce.begin();
      if (end === undefined) throw new ControlError(429, 'RATE_LIMIT', 'Twenty requests are under way.');
      try {
        return await ask(asked);
      } finally {
        end();
      }
    }),
  );
  return router;
}

import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Logger } from 'pino';
import type { Clock } from '@sangam/core/clock';
import type { ChangeReceiver, ChangeRoute } from '@sangam/core/pipeline';
import { readHubspotChanges, verifyHubspotSignature } from '@sangam/connectors/hubspot';
import type { ConnectionSecrets } from '../connection-secrets.ts';
import { keptExecution, readKeptChanges } from '../hubspot-actions.ts';
import type { HubspotApp } from '../hubspot-sites.ts';
import type { Metrics } from '../metrics.ts';
import { answerError } from './errors.ts';

/** A hundred events, each with a property of at most 64 KiB. facts/hubspot.md §3.2. */
const largestBody = '10mb';

/**
 * Where HubSpot tells us what happened: `/` signed by the service's app, `/:connectionId` by an account's own; `/actions/…`
 * below either for workflow actions. HubSpot repeats whatever is not answered 200 (facts/hubspot.md §3.2): only a bad
 * signature is a 401, only what could not be stored a 503.
 */
export function hubspotWebhooks(dependencies: {
  changeReceiver: ChangeReceiver;
  connectionSecrets: ConnectionSecrets;
  app: HubspotApp | undefined;
  clock: Clock;
  publicUrl: () => string;
  metrics: Metrics;
  logger: Logger;
}): Router {
  const { changeReceiver, connectionSecrets, app, clock, publicUrl, metrics, logger } = dependencies;

  const signerOf = async (
    request: Request,
  ): Promise<{ route: ChangeRoute; secrets: readonly string[] } | undefined> => {
    const { connectionId } = request.params;
    if (typeof connectionId !== 'string') {
      if (app === undefined) return undefined;
      const { clientSecret, previousClientSecret: previous } = app;
      return {
        route: { kind: 'service' },
        secrets: previous === undefined ? [clientSecret] : [clientSecret, previous],
      };
    }
    const known = await connectionSecrets.of(connectionId);
    if (known === undefined) return undefined;
    return {
      route: { kind: 'connection', workspaceId: known.workspaceId, connectionId },
      secrets: known.secrets,
    };
  };

  /** `take` is told what was signed; what it answers is sent as JSON. */
  const receiving =
    (
      allow: Parameters<typeof verifyHubspotSignature>[2],
      take: (body: Buffer, route: ChangeRoute, request: Request) => Promise<object | undefined>,
    ): RequestHandler =>
    async (request: Request, response: Response) => {
      const started = performance.now();
      const answered = (status: number): void => {
        metrics.webhooks.inc({ answer: String(status) });
        metrics.webhookSeconds.observe((performance.now() - started) / 1000);
      };
      try {
        const signer = await signerOf(request);
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const signed = {
          method: request.method,
          url: `${publicUrl()}${request.originalUrl}`,
          body,
          headers: request.headers,
        };
        if (signer === undefined || !verifyHubspotSignature(signed, signer.secrets, allow, clock.now())) {
          answerError(
            response,
            401,
            'bad_signature',
            'The signature does not match the body, this address and the secret of the app, or is older than five minutes.',
          );
          answered(401);
          return;
        }
        const answer = await take(body, signer.route, request);
        if (answer === undefined) response.status(200).end();
        else response.json(answer);
        answered(200);
      } catch (error) {
        logger.error({ err: error }, 'a webhook could not be stored; the sender will repeat it');
        answerError(response, 503, 'not_stored', 'The webhook could not be stored just now. Send it again.');
        answered(503);
      }
    };

  const changes = receiving(['v3'], async (body, route) => {
    const { accounts, unread } = readHubspotChanges(body);
    if (unread > 0) logger.warn({ unread }, 'a webhook held events nobody asked for; they were left out');
    await changeReceiver.receive('hubspot', accounts, route, body);
    return undefined;
  });

  const action = receiving(['v3', 'v2'], async (body, route, request) => {
    const kept = keptExecution(String(request.params['action']), body, clock.now());
    if (kept === undefined) return failed('The request holds no callbackId, portal or record.');
    await changeReceiver.receive('hubspot', readKeptChanges(kept), route, kept);
    return { outputFields: { hs_execution_state: 'SUCCESS' } };
  });

  const raw = express.raw({ type: () => true, limit: largestBody });
  const router = Router();
  router.post(['/actions/:action', '/:connectionId/actions/:action'], raw, action);
  router.post(['/', '/:connectionId'], raw, changes);
  return router;
}

/** The workflow goes on and can branch on it; a 4xx would only be a line in its history. facts/hubspot.md §7. */
function failed(message: string): object {
  return { outputFields: { hs_execution_state: 'FAIL_CONTINUE', errorMessage: message } };
}

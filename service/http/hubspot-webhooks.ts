import { type Request, type RequestHandler, Router } from 'express';
import type { Logger } from 'pino';
import type { Clock } from '@sangam/core/clock';
import type { ChangeReceiver, ChangeRoute } from '@sangam/core/pipeline';
import {
  mayBeHubspotSigned,
  readHubspotChanges,
  type SignatureVersion,
  verifyHubspotSignature,
} from '@sangam/connectors/hubspot';
import type { ConnectionSecrets } from '../connection-secrets.ts';
import { keptExecution, readKeptChanges } from '../hubspot-actions.ts';
import type { HubspotApp } from '../hubspot-sites.ts';
import type { Metrics } from '../metrics.ts';
import type { RepeatedErrors } from '../repeated-errors.ts';
import { otherMethods } from './errors.ts';
import { createSignedWebhooks } from './signed-webhooks.ts';

/** A hundred events, each with a property of at most 64 KiB. docs/vendors/hubspot.md §3.2, §4.2. */
const largestBody = 10 * 1024 * 1024;

interface HubspotSigner {
  readonly route: ChangeRoute;
  readonly secrets: readonly string[];
}

/**
 * Where HubSpot tells us what happened: `/` signed by the service's app, `/:connectionId` by an account's own; `/actions/…`
 * below either for workflow actions. HubSpot repeats whatever is not answered 200 (docs/vendors/hubspot.md §3.2): only
 * a bad signature is a 401, only what could not be stored a 503.
 */
export function hubspotWebhooks(dependencies: {
  changeReceiver: ChangeReceiver;
  connectionSecrets: ConnectionSecrets;
  readBody: (mostBytes: number) => RequestHandler;
  app: HubspotApp | undefined;
  clock: Clock;
  publicUrl: () => string;
  metrics: Metrics;
  logger: Logger;
  errors: RepeatedErrors;
}): Router {
  const { changeReceiver, connectionSecrets, readBody, app, clock, publicUrl, metrics, logger, errors } =
    dependencies;

  const signerOf = async (request: Request): Promise<HubspotSigner | undefined> => {
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

  const signed = createSignedWebhooks({ readBody, metrics, errors });
  const receiving = (
    allow: readonly SignatureVersion[],
    take: (body: Buffer, route: ChangeRoute, request: Request) => Promise<object | undefined>,
  ): RequestHandler[] =>
    signed<HubspotSigner>({
      signerOf: async (request) =>
        mayBeHubspotSigned(request.headers, allow, clock.now()) ? await signerOf(request) : undefined,
      isSigned: (body, { method, originalUrl, headers }, { secrets }) =>
        verifyHubspotSignature(
          { method, url: `${publicUrl()}${originalUrl}`, body, headers },
          secrets,
          allow,
          clock.now(),
        ),
      vendor: 'hubspot',
      badSignature:
        'The signature does not match the body, this address and the secret of the app, or is older than five minutes.',
      largestBody,
      take: (body, { route }, request) => take(body, route, request),
    });

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

  const router = Router();
  const actionPaths = ['/actions/:action', '/:connectionId/actions/:action'];
  const changePaths = ['/', '/:connectionId'];
  router.post(actionPaths, ...action);
  router.post(changePaths, ...changes);
  router.all([...actionPaths, ...changePaths], otherMethods('POST'));
  return router;
}

/** The workflow goes on and can branch on it; a 4xx would only be a line in its history. docs/vendors/hubspot.md §7. */
function failed(message: string): object {
  return { outputFields: { hs_execution_state: 'FAIL_CONTINUE', errorMessage: message } };
}

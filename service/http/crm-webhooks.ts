import { type Request, type RequestHandler, Router } from 'express';
import type { Logger } from 'pino';
import type { Crm, CrmApp, CrmRequest } from '@sangam/connectors/registry';
import type { Clock } from '@sangam/core/clock';
import type { ChangeReceiver, ChangeRoute } from '@sangam/core/pipeline';
import type { ConnectionSecrets } from '../accounts/connection-secrets.ts';
import { secretsOf } from '../accounts/crm-apps.ts';
import type { Metrics } from '../monitoring/metrics.ts';
import type { RepeatedErrors } from '../monitoring/repeated-errors.ts';
import { otherMethods } from './errors.ts';
import { createSignedWebhooks } from './signed-webhooks.ts';

interface CrmSigner {
  readonly route: ChangeRoute;
  readonly secrets: readonly string[];
}

type Signed = Pick<Crm['webhooks'], 'maySign' | 'verify' | 'badSignature' | 'mostBytes'>;

/**
 * Where a CRM tells us what happened: `/` signed by the service's app, `/:connectionId` by an account's own; `/actions/…`
 * below either for what its automation calls. CRMs repeat what is not answered 200: only a bad signature is a 401, only
 * what could not be stored a 503.
 */
export function crmWebhooks(
  crm: Crm,
  dependencies: {
    changeReceiver: ChangeReceiver;
    connectionSecrets: ConnectionSecrets;
    readBody: (mostBytes: number) => RequestHandler;
    app: CrmApp | undefined;
    clock: Clock;
    publicUrl: () => string;
    metrics: Metrics;
    logger: Logger;
    errors: RepeatedErrors;
  },
): Router {
  const { changeReceiver, connectionSecrets, readBody, app, clock, publicUrl, metrics, logger, errors } =
    dependencies;
  const name = crm.traits.crm;

  const signerOf = async (request: Request): Promise<CrmSigner | undefined> => {
    const { connectionId } = request.params;
    if (typeof connectionId !== 'string') {
      return app === undefined ? undefined : { route: { kind: 'service' }, secrets: secretsOf(app) };
    }
    const known = await connectionSecrets.of(name, connectionId);
    if (known === undefined) return undefined;
    return {
      route: { kind: 'connection', workspaceId: known.workspaceId, connectionId },
      secrets: known.secrets,
    };
  };

  const signed = createSignedWebhooks({ readBody, metrics, errors });
  const receiving = (
    { maySign, verify, badSignature, mostBytes }: Signed,
    take: (body: Buffer, route: ChangeRoute, request: Request) => Promise<object | undefined>,
  ): RequestHandler[] =>
    signed<CrmSigner>({
      signerOf: async (request) =>
        maySign(request.headers, clock.now()) ? await signerOf(request) : undefined,
      isSigned: (body, request, { secrets }) =>
        verify(asItCame(request, body, publicUrl()), secrets, clock.now()),
      vendor: name,
      badSignature,
      largestBody: mostBytes,
      take: (body, { route }, request) => take(body, route, request),
    });

  const router = Router();
  const { webhooks, actions } = crm;
  if (actions !== undefined) {
    const paths = ['/actions/:action', '/:connectionId/actions/:action'];
    const taking = receiving(actions, async (body, route, request) => {
      const said = actions.read(String(request.params['action']), body, clock.now());
      if (said === undefined) return actions.unreadable;
      await changeReceiver.receive(name, said.accounts, route, said.kept);
      return actions.taken;
    });
    router.post(paths, ...taking);
    router.all(paths, otherMethods('POST'));
  }
  const paths = ['/', '/:connectionId'];
  const taking = receiving(webhooks, async (body, route) => {
    const { accounts, unread } = webhooks.read(body);
    if (unread > 0) logger.warn({ unread }, 'a webhook held events nobody asked for; they were left out');
    await changeReceiver.receive(name, accounts, route, body);
    return webhooks.answer;
  });
  router.post(paths, ...taking);
  // Some ask whether anybody is there before they take an address; it says nothing of what is behind.
  router.head(paths, (_request, response) => void response.status(200).end());
  router.all(paths, otherMethods('HEAD', 'POST'));
  return router;
}

/** A request with the address its sender knows. */
export function asItCame(request: Request, body: Buffer, publicUrl: string): CrmRequest {
  const { method, originalUrl, headers } = request;
  return { method, url: `${publicUrl}${originalUrl}`, headers, body };
}

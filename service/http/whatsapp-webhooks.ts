import { timingSafeEqual } from 'node:crypto';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Logger } from 'pino';
import type { Receiver, Signer } from '@sangam/core/pipeline';
import { isSignatureHeader, verifySignature } from '@sangam/core/whatsapp';
import type { ChannelSecrets } from '../channel-secrets.ts';
import type { Metrics } from '../metrics.ts';
import { answerError } from './errors.ts';

/** Meta sends at most 3 MB (facts/whatsapp.md §1.3). */
const largestBody = 4 * 1024 * 1024;

interface Route {
  readonly signer: Signer;
  readonly secrets: readonly string[];
  readonly verifyToken: string | undefined;
}

interface WebhookLocals {
  route: Route;
  /** On the monotonic clock. */
  started: number;
}

/** Where WhatsApp tells us what happened: `/` for the service's own Meta app, `/:channelId` for a tenant's. */
export function whatsappWebhooks(dependencies: {
  receiver: Receiver;
  channelSecrets: ChannelSecrets;
  readBody: (mostBytes: number) => RequestHandler[];
  serviceApp: { secrets: readonly string[]; verifyToken: string } | undefined;
  metrics: Metrics;
  logger: Logger;
}): Router {
  const { receiver, channelSecrets, readBody, serviceApp, metrics, logger } = dependencies;

  const routeOf = async (request: Request): Promise<Route | undefined> => {
    const { channelId } = request.params;
    if (typeof channelId !== 'string') {
      return serviceApp === undefined ? undefined : { signer: { kind: 'service' }, ...serviceApp };
    }
    const channel = await channelSecrets.of(channelId);
    if (channel === undefined) return undefined;
    return {
      signer: { kind: 'channel', workspaceId: channel.workspaceId, channelId },
      secrets: channel.appSecrets,
      verifyToken: channel.verifyToken,
    };
  };

  const handshake = async (request: Request, response: Response): Promise<void> => {
    const route = await routeOf(request);
    const { 'hub.mode': mode, 'hub.verify_token': token, 'hub.challenge': challenge } = request.query;
    const asked = mode === 'subscribe' && typeof challenge === 'string' && typeof token === 'string';
    if (route?.verifyToken === undefined || !asked || !isSame(token, route.verifyToken)) {
      answerError(
        response,
        403,
        'wrong_verify_token',
        'The verify token is not the one configured for this webhook.',
      );
      return;
    }
    response.type('text/plain').send(challenge);
  };

  const answered = (status: number, started: number): void => {
    metrics.webhooks.inc({ answer: String(status) });
    metrics.webhookSeconds.observe((performance.now() - started) / 1000);
  };
  const refuse = (response: Response, started: number): void => {
    answerError(
      response,
      401,
      'bad_signature',
      'X-Hub-Signature-256 does not match the body and our app secret.',
    );
    answered(401, started);
  };

  /** Before the body is read: somebody who could have signed it, for a route there is. */
  const identify: RequestHandler = async (request, response, next) => {
    const started = performance.now();
    const route = isSignatureHeader(request.get('x-hub-signature-256')) ? await routeOf(request) : undefined;
    if (route === undefined) {
      response.set('Connection', 'close');
      refuse(response, started);
      return;
    }
    Object.assign(response.locals, { route, started });
    next();
  };

  const receive: RequestHandler = async (request, response) => {
    const { route, started } = response.locals as WebhookLocals;
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    if (!verifySignature(body, request.get('x-hub-signature-256'), route.secrets)) {
      refuse(response, started);
      return;
    }
    try {
      await receiver.receive(body, route.signer);
      response.status(200).end();
      answered(200, started);
    } catch (error) {
      logger.error({ err: error }, 'a webhook could not be stored; the sender will repeat it');
      answerError(response, 503, 'not_stored', 'The webhook could not be stored just now. Send it again.');
      answered(503, started);
    }
  };

  const router = Router();
  router.get(['/', '/:channelId'], handshake);
  router.post(['/', '/:channelId'], identify, ...readBody(largestBody), receive);
  return router;
}

/** In constant time. */
function isSame(given: string, wanted: string): boolean {
  const [x, y] = [Buffer.from(given), Buffer.from(wanted)];
  return x.length === y.length && timingSafeEqual(x, y);
}

import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Receiver, Signer } from '@sangam/core/pipeline';
import { isSignatureHeader, verifySignature } from '@sangam/core/whatsapp';
import type { ChannelSecrets } from '../channels/channel-secrets.ts';
import type { Metrics } from '../monitoring/metrics.ts';
import type { RepeatedErrors } from '../monitoring/repeated-errors.ts';
import { isSameSecret } from '../secrets/same-secret.ts';
import { answerError, otherMethods } from './errors.ts';
import { createSignedWebhooks } from './signed-webhooks.ts';

/** Meta sends at most 3 MB (docs/vendors/whatsapp.md §1.3). */
const largestBody = 4 * 1024 * 1024;

interface Route {
  readonly signer: Signer;
  readonly secrets: readonly string[];
  readonly verifyToken: string | undefined;
}

/** Where WhatsApp tells us what happened: `/` for the service's own Meta app, `/:channelId` for a tenant's. */
export function whatsappWebhooks(dependencies: {
  receiver: Receiver;
  channelSecrets: ChannelSecrets;
  readBody: (mostBytes: number) => RequestHandler;
  serviceApp: { secrets: readonly string[]; verifyToken: string } | undefined;
  metrics: Metrics;
  errors: RepeatedErrors;
}): Router {
  const { receiver, channelSecrets, readBody, serviceApp, metrics, errors } = dependencies;

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
    if (mode !== 'subscribe' || typeof challenge !== 'string' || typeof token !== 'string') {
      answerError(
        response,
        400,
        'bad_request',
        'WhatsApp asks here with hub.mode=subscribe, hub.verify_token and hub.challenge: enter this address at Meta.',
      );
      return;
    }
    if (route?.verifyToken === undefined || !isSameSecret(token, route.verifyToken)) {
      answerError(
        response,
        403,
        'wrong_verify_token',
        'The verify token is not the one of this webhook: enter at Meta what the number was connected with here, or ' +
          'META_VERIFY_TOKEN where it runs under the app of this installation.',
      );
      return;
    }
    response.type('text/plain').send(challenge);
  };

  const signed = createSignedWebhooks({ readBody, metrics, errors });
  const receive = signed<Route>({
    signerOf: async (request) =>
      isSignatureHeader(request.get('x-hub-signature-256')) ? await routeOf(request) : undefined,
    isSigned: (body, request, { secrets }) =>
      verifySignature(body, request.get('x-hub-signature-256'), secrets),
    vendor: 'whatsapp',
    badSignature: 'X-Hub-Signature-256 does not match the body and our app secret.',
    largestBody,
    take: async (body, { signer }) => {
      await receiver.receive(body, signer);
      return undefined;
    },
  });

  const router = Router();
  router.get(['/', '/:channelId'], handshake);
  router.post(['/', '/:channelId'], ...receive);
  router.all(['/', '/:channelId'], otherMethods('GET', 'POST'));
  return router;
}

import { z } from 'zod';
import { knownLanguages } from '@sangam/core/consent';
import type { Channels } from '../channels/channels.ts';
import { metaId } from '../channels/meta-id.ts';
import { type Route, route } from './api.ts';
import { bodyOf, idOf, queryOf, secret } from './input.ts';
import { pageOfAll, wholeListQuery } from './paging.ts';

const newChannel = z.strictObject({
  phoneNumberId: metaId('phone number id, which is not the phone number'),
  wabaId: metaId('WhatsApp Business account id'),
  portfolioId: metaId('business portfolio id').optional(),
  displayPhoneNumber: z.string().min(5).max(40).optional(),
  appSecret: secret,
  verifyToken: z.string().min(8).max(256),
  accessToken: secret.optional(),
});
const proof = z.strictObject({ accessToken: secret });
const rotation = z.strictObject({ appSecret: secret });
const settings = z.strictObject({
  optWordLanguages: z
    .array(
      z.enum(knownLanguages, `must be a language Sangam has opt-out words for: ${knownLanguages.join(', ')}`),
    )
    .max(knownLanguages.length),
});

/** The workspace's WhatsApp numbers that run under an app of its own. */
export function channelRoutes(channels: Channels): Route[] {
  return [
    route('GET', '/channels', 'admin', async (request, response) => {
      const query = queryOf(wholeListQuery, request);
      response.json(pageOfAll(await channels.list(response.locals.member.workspaceId), query));
    }),
    route('POST', '/channels', 'admin', async (request, response) => {
      const channel = bodyOf(newChannel, request);
      response.status(201).json(await channels.add(response.locals.member, channel));
    }),
    route('DELETE', '/channels/:channelId', 'admin', async (request, response) => {
      await channels.release(response.locals.member, idOf(request, 'channelId'));
      response.status(204).end();
    }),
    route('PUT', '/channels/:channelId/access-token', 'admin', async (request, response) => {
      const channelId = idOf(request, 'channelId');
      const body = bodyOf(proof, request);
      response.json(await channels.prove(response.locals.member, channelId, body.accessToken));
    }),
    route('POST', '/channels/:channelId/app-secret', 'admin', async (request, response) => {
      const channelId = idOf(request, 'channelId');
      const { appSecret } = bodyOf(rotation, request);
      await channels.rotateAppSecret(response.locals.member, channelId, appSecret);
      response.status(204).end();
    }),
    route('PUT', '/channels/:channelId/settings', 'admin', async (request, response) => {
      const channelId = idOf(request, 'channelId');
      const { optWordLanguages } = bodyOf(settings, request);
      await channels.setOptWordLanguages(response.locals.member, channelId, optWordLanguages);
      response.status(204).end();
    }),
  ];
}

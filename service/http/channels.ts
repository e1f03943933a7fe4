import { type Response, Router } from 'express';
import { z } from 'zod';
import { knownLanguages } from '@sangam/core/consent';
import type { ChannelBook } from '../channel-book.ts';
import type { MemberLocals } from './admin.ts';
import { answerError, readBody } from './errors.ts';

const secret = z.string().min(16, 'must have at least 16 characters');
const accessToken = z.string().min(16, 'must have at least 16 characters');
const newChannel = z.object({
  phoneNumberId: z.string().regex(/^\d+$/, 'is the number Meta shows as phone number id'),
  wabaId: z.string().regex(/^\d+$/, 'is the number Meta shows as WhatsApp Business account id'),
  portfolioId: z.string().regex(/^\d+$/).optional(),
  displayPhoneNumber: z.string().min(5).optional(),
  appSecret: secret,
  verifyToken: z.string().min(8),
  accessToken: accessToken.optional(),
});
const proof = z.object({ accessToken });
const rotation = z.object({ appSecret: secret });
const settings = z.object({
  optWordLanguages: z.array(
    z.enum(knownLanguages, `is no language Sangam has opt-out words for: ${knownLanguages.join(', ')}`),
  ),
});

/** The workspace's WhatsApp numbers that run under an app of its own. */
export function channelRoutes(book: ChannelBook): Router {
  const router = Router();
  router.get('/', async (_request, response: Response<unknown, MemberLocals>) => {
    response.json({ results: await book.list(response.locals.member.workspaceId) });
  });
  router.post('/', async (request, response: Response<unknown, MemberLocals>) => {
    const body = readBody(newChannel, request.body, response);
    if (body === undefined) return;
    response.status(201).json(await book.add(response.locals.member, body));
  });
  router.put('/:channelId/access-token', async (request, response: Response<unknown, MemberLocals>) => {
    const body = readBody(proof, request.body, response);
    if (body === undefined) return;
    const { channelId } = request.params;
    response.json(await book.prove(response.locals.member, channelId, body.accessToken));
  });
  router.delete('/:channelId', async (request, response: Response<unknown, MemberLocals>) => {
    await book.release(response.locals.member, request.params.channelId);
    response.status(204).end();
  });
  router.post('/:channelId/app-secret', async (request, response: Response<unknown, MemberLocals>) => {
    const body = readBody(rotation, request.body, response);
    if (body === undefined) return;
    const rotated = await book.rotateAppSecret(
      response.locals.member,
      request.params.channelId,
      body.appSecret,
    );
    if (!rotated)
      answerError(response, 404, 'no_such_channel', 'There is no such channel with an app of its own.');
    else response.status(204).end();
  });
  router.put('/:channelId/settings', async (request, response: Response<unknown, MemberLocals>) => {
    const body = readBody(settings, request.body, response);
    if (body === undefined) return;
    const saved = await book.setOptWordLanguages(
      response.locals.member,
      request.params.channelId,
      body.optWordLanguages,
    );
    if (!saved) answerError(response, 404, 'no_such_channel', 'There is no such channel.');
    else response.status(204).end();
  });
  return router;
}

import { type Response, Router } from 'express';
import { z } from 'zod';
import type { DeadLetterOffice } from '@sangam/core/pipeline';
import type { MemberLocals } from './admin.ts';
import { answerError, readBody } from './errors.ts';

const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  after: z.uuid().optional(),
  reason: z.string().optional(),
  setAside: z.stringbool().default(false),
});
const setAsideBody = z.object({ reason: z.string().trim().min(1).max(500) });

/** What could not go on, why, and how to send it on its way again. */
export function deadLetterRoutes(office: DeadLetterOffice): Router {
  const router = Router();
  router.get('/', async (request, response: Response<unknown, MemberLocals>) => {
    const query = readBody(listQuery, request.query, response);
    if (query === undefined) return;
    response.json(await office.list(response.locals.member.workspaceId, query));
  });
  router.post('/replay', async (_request, response: Response<unknown, MemberLocals>) => {
    response.json(await office.replayAll(response.locals.member));
  });
  router.post('/:deadLetterId/replay', async (request, response: Response<unknown, MemberLocals>) => {
    const { deadLetterId } = request.params;
    const known = z.uuid().safeParse(deadLetterId).success;
    const replayed = known ? await office.replay(response.locals.member, deadLetterId) : undefined;
    if (replayed === undefined)
      answerError(response, 404, 'no_such_dead_letter', 'There is no such dead letter.');
    else response.json(replayed);
  });
  router.post('/:deadLetterId/set-aside', async (request, response: Response<unknown, MemberLocals>) => {
    const { deadLetterId } = request.params;
    const body = readBody(setAsideBody, request.body, response);
    if (body === undefined) return;
    const known = z.uuid().safeParse(deadLetterId).success;
    const done = known ? await office.setAside(response.locals.member, deadLetterId, body.reason) : undefined;
    if (done === undefined)
      answerError(response, 404, 'no_such_dead_letter', 'There is no such dead letter.');
    else if (done) response.status(204).end();
    else answerError(response, 409, 'replayable', 'It can be replayed, or was set aside already.');
  });
  return router;
}

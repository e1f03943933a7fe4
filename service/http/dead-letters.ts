import { type Response, Router } from 'express';
import { z } from 'zod';
import type { DeadLetterOffice } from '@sangam/core/pipeline';
import type { MemberLocals } from './admin.ts';
import { answerError, readBody } from './errors.ts';

const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  after: z.uuid().optional(),
  reason: z.string().optional(),
});

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
  return router;
}

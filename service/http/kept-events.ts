import { type Response, Router } from 'express';
import { z } from 'zod';
import {
  countKeptEvents,
  type KeptEventRow,
  listKeptEvents,
  readKeptEvent,
  type Store,
} from '@sangam/core/store';
import type { MemberLocals } from './admin.ts';
import { answerError, readBody } from './errors.ts';

const eventId = z.string().regex(/^[0-9a-f]{48}$/, 'is a keptEventId of this list');
const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  after: eventId.optional(),
  kind: z.string().optional(),
});

/** What WhatsApp told that nothing applies, such as account and template updates: a list without what arrived. */
export function keptEventRoutes(store: Store): Router {
  const router = Router();
  router.get('/', async (request, response: Response<unknown, MemberLocals>) => {
    const query = readBody(listQuery, request.query, response);
    if (query === undefined) return;
    const { events, counts } = await store.transact(response.locals.member.workspaceId, async (trx) => ({
      events: await listKeptEvents(trx, query),
      counts: await countKeptEvents(trx),
    }));
    response.json({ results: events.map(viewOf), counts });
  });
  router.get('/:keptEventId', async (request, response: Response<unknown, MemberLocals>) => {
    const id = eventId.safeParse(request.params.keptEventId);
    const event = id.success
      ? await store.transact(response.locals.member.workspaceId, (trx) => readKeptEvent(trx, id.data))
      : undefined;
    if (event === undefined) {
      answerError(response, 404, 'no_such_kept_event', 'There is no such kept event.');
      return;
    }
    response.json({ ...viewOf(event), payload: event.payload.toString('utf8') });
  });
  return router;
}

function viewOf({ keptEventId, kind, channelId, at }: KeptEventRow): object {
  return { keptEventId, kind, channelId, at: new Date(at).toISOString() };
}

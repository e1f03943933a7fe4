import { type Response, Router } from 'express';
import { z } from 'zod';
import type { Clock } from '@sangam/core/clock';
import { type Connectors, type ErasureKeyOf, previewWrites } from '@sangam/core/pipeline';
import { connectionOf, listOccurrences, type Store } from '@sangam/core/store';
import type { MemberLocals } from './admin.ts';
import { answerError, readBody } from './errors.ts';

const previewQuery = z.object({ limit: z.coerce.number().int().min(1).max(100).default(25) });
const occurrenceQuery = z.object({ limit: z.coerce.number().int().min(1).max(500).default(100) });

/** What a connection would write, and what happened to fields in its CRM. */
export function connectionInsightRoutes(dependencies: {
  store: Store;
  clock: Clock;
  connectors: Connectors;
  erasureKeyOf: ErasureKeyOf;
}): Router {
  const { store } = dependencies;
  const router = Router();

  router.get('/:connectionId/preview', async (request, response: Response<unknown, MemberLocals>) => {
    const query = readBody(previewQuery, request.query, response);
    if (query === undefined) return;
    const { workspaceId } = response.locals.member;
    const known = z.uuid().safeParse(request.params.connectionId);
    const connection = known.success
      ? await store.transact(workspaceId, (trx) => connectionOf(trx, known.data))
      : undefined;
    if (connection === undefined) {
      answerError(response, 404, 'no_such_connection', 'There is no such connection.');
      return;
    }
    response.json({ results: await previewWrites(dependencies, connection, query.limit) });
  });

  router.get('/:connectionId/occurrences', async (request, response: Response<unknown, MemberLocals>) => {
    const query = readBody(occurrenceQuery, request.query, response);
    if (query === undefined) return;
    const { workspaceId } = response.locals.member;
    const known = z.uuid().safeParse(request.params.connectionId);
    const results = known.success
      ? await store.transact(workspaceId, (trx) => listOccurrences(trx, known.data, query.limit))
      : [];
    response.json({
      results: results.map(({ changedAt, seenAt, ...occurrence }) => ({
        ...occurrence,
        changedAt: new Date(changedAt).toISOString(),
        seenAt: new Date(seenAt).toISOString(),
      })),
    });
  });
  return router;
}

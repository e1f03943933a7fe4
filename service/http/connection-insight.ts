import { z } from 'zod';
import type { Clock } from '@sangam/core/clock';
import { noSuch } from '@sangam/core/errors';
import { type ErasureKeyOf, previewWrites } from '@sangam/core/pipeline';
import { type Connectors } from '@sangam/core/work';
import { connectionOf, listOccurrences, type Store } from '@sangam/core/store';
import { type Route, route } from './api.ts';
import { idOf, queryOf } from './input.ts';
import { cursorOf, listQuery, pageOf } from './paging.ts';
import { iso } from './times.ts';

const time = z.number().int();
const previewQuery = listQuery(z.tuple([z.number().int(), time, z.string()]), {});
const occurrenceQuery = listQuery(z.tuple([time, time, z.string()]), {});

/** What a connection would write, and what happened to fields in its CRM. */
export function connectionInsightRoutes(dependencies: {
  store: Store;
  clock: Clock;
  connectors: Connectors;
  erasureKeyOf: ErasureKeyOf;
}): Route[] {
  const { store } = dependencies;
  return [
    route('GET', '/connections/:connectionId/preview', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      const { limit, cursor } = queryOf(previewQuery, request);
      const { workspaceId } = response.locals.member;
      const connection = await store.transact(workspaceId, (trx) => connectionOf(trx, connectionId));
      if (connection === undefined) throw noSuch('connection');
      const { results, next } = await previewWrites(dependencies, connection, { limit, after: cursor });
      response.json({ results, next: next === undefined ? null : cursorOf(next) });
    }),
    route('GET', '/connections/:connectionId/occurrences', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      const query = queryOf(occurrenceQuery, request);
      const { workspaceId } = response.locals.member;
      const answer = await pageOf(query, {
        rows: (page) =>
          store.transact(workspaceId, async (trx) => {
            if ((await connectionOf(trx, connectionId)) === undefined) throw noSuch('connection');
            return listOccurrences(trx, connectionId, page);
          }),
        keyOf: ({ seenAt, changedAt, digest }) => [seenAt, changedAt, digest],
        viewOf: ({ changedAt, seenAt, digest: _digest, ...occurrence }) => ({
          ...occurrence,
          changedAt: iso(changedAt),
          seenAt: iso(seenAt),
        }),
      });
      response.json(answer);
    }),
  ];
}

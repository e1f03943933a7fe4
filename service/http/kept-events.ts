import { z } from 'zod';
import { noSuch } from '@sangam/core/errors';
import {
  countKeptEvents,
  type KeptEventRow,
  listKeptEvents,
  readKeptEvent,
  type Store,
} from '@sangam/core/store';
import { type Route, route } from './api.ts';
import { filter, idOf, queryOf } from './input.ts';
import { listQuery, pageOf } from './paging.ts';
import { iso } from './times.ts';

const eventId = z.string().regex(/^[0-9a-f]{48}$/);
const listed = listQuery(z.tuple([z.number().int(), eventId]), { kind: filter.optional() });

/** What WhatsApp told that nothing applies, such as account and template updates: a list without what arrived. */
export function keptEventRoutes(store: Store): Route[] {
  return [
    route('GET', '/kept-events', 'admin', async (request, response) => {
      const query = queryOf(listed, request);
      const { workspaceId } = response.locals.member;
      const answer = await pageOf(query, {
        rows: (page) =>
          store.transact(workspaceId, (trx) => listKeptEvents(trx, { ...page, kind: query.kind })),
        keyOf: ({ at, keptEventId }) => [at, keptEventId],
        viewOf,
      });
      response.json(answer);
    }),
    route('GET', '/kept-events/counts', 'admin', async (_request, response) => {
      const { workspaceId } = response.locals.member;
      response.json({ results: await store.transact(workspaceId, countKeptEvents), next: null });
    }),
    route('GET', '/kept-events/:keptEventId', 'admin', async (request, response) => {
      const keptEventId = idOf(request, 'keptEventId', eventId);
      const { workspaceId } = response.locals.member;
      const event = await store.transact(workspaceId, (trx) => readKeptEvent(trx, keptEventId));
      if (event === undefined) throw noSuch('kept event');
      response.json({ ...viewOf(event), payload: event.payload.toString('utf8') });
    }),
  ];
}

function viewOf({ keptEventId, kind, channelId, at }: KeptEventRow): object {
  return { keptEventId, kind, channelId, at: iso(at) };
}

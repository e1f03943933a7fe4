import { z } from 'zod';
import { auditActions, listAudit, type Store } from '@sangam/core/store';
import { type Route, route } from './api.ts';
import { queryOf, time } from './input.ts';
import { listQuery, pageOf } from './paging.ts';
import { iso } from './times.ts';

const listed = listQuery(z.tuple([z.number().int(), z.uuid()]), {
  action: z.enum(auditActions).optional(),
  from: time.optional(),
  until: time.optional(),
});

/** Who did what, and when. */
export function auditRoutes(store: Store): Route[] {
  return [
    route('GET', '/audit', 'admin', async (request, response) => {
      const { action, from, until, ...query } = queryOf(listed, request);
      const { workspaceId } = response.locals.member;
      const answer = await pageOf(query, {
        rows: (page) =>
          store.transact(workspaceId, (trx) => listAudit(trx, { ...page, action, from, until })),
        keyOf: ({ at, auditId }) => [at, auditId],
        viewOf: ({ at, ...entry }) => ({ ...entry, at: iso(at) }),
      });
      response.json(answer);
    }),
  ];
}

import { type Response, Router } from 'express';
import { z } from 'zod';
import { connectionSettings } from '@sangam/core/crm';
import { readStatement } from '@sangam/core/pipeline';
import type { Store } from '@sangam/core/store';
import { toCsv } from '../csv.ts';
import type { MemberLocals } from './admin.ts';
import { readBody } from './errors.ts';

const query = z.object({
  day: z.iso.date(),
  timeZone: connectionSettings.shape.timeZone,
});

/** The statement of a day: what came in, what became of it, and whether it balances. */
export function statementRoutes(store: Store): Router {
  const router = Router();
  router.get('/', async (request, response: Response<unknown, MemberLocals>) => {
    const asked = readBody(query, request.query, response);
    if (asked === undefined) return;
    const { workspaceId } = response.locals.member;
    const statement = await readStatement(store, workspaceId, asked.day, asked.timeZone);
    response.json(statement);
  });
  router.get('/csv', async (request, response: Response<unknown, MemberLocals>) => {
    const asked = readBody(query, request.query, response);
    if (asked === undefined) return;
    const { workspaceId } = response.locals.member;
    const { events, connections } = await readStatement(store, workspaceId, asked.day, asked.timeZone);
    const rows = [
      { what: 'events', connection: '', total: events.total, ...events.parts, missing: events.missing },
      ...connections.flatMap(({ connectionId, records, timeline }) => [
        {
          what: 'records',
          connection: connectionId,
          total: records.total,
          ...records.parts,
          missing: records.missing,
        },
        {
          what: 'timeline',
          connection: connectionId,
          total: timeline.total,
          ...timeline.parts,
          missing: timeline.missing,
        },
      ]),
    ];
    response.type('text/csv').send(toCsv(rows));
  });
  return router;
}

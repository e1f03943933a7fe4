import { z } from 'zod';
import { connectionSettings } from '@sangam/core/crm';
import { readStatement } from '@sangam/core/corrections';
import type { Store } from '@sangam/core/store';
import { toCsv } from '../csv.ts';
import { type Route, route } from './api.ts';
import { queryOf } from './input.ts';

const query = z.strictObject({
  day: z.iso.date(),
  timeZone: connectionSettings.shape.timeZone,
});

/** The statement of a day: what came in, what became of it, and whether it balances. */
export function statementRoutes(store: Store): Route[] {
  return [
    route('GET', '/statement', 'admin', async (request, response) => {
      const { day, timeZone } = queryOf(query, request);
      response.json(await readStatement(store, response.locals.member.workspaceId, day, timeZone));
    }),
    route('GET', '/statement.csv', 'admin', async (request, response) => {
      const { day, timeZone } = queryOf(query, request);
      const { workspaceId } = response.locals.member;
      const { events, sends, connections } = await readStatement(store, workspaceId, day, timeZone);
      const rows = [
        { what: 'events', connection: '', total: events.total, ...events.parts, missing: events.missing },
        { what: 'sends', connection: '', total: sends.total, ...sends.parts, missing: sends.missing },
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
    }),
  ];
}

import { z } from 'zod';
import type { Clock } from '@sangam/core/clock';
import { noSuch } from '@sangam/core/errors';
import { closeAlert, listAlerts, type Store, writeAudit } from '@sangam/core/store';
import { type Route, route } from './api.ts';
import { idOf, queryOf } from './input.ts';
import { listQuery, pageOf } from './paging.ts';
import { iso } from './times.ts';

const listed = listQuery(z.uuid(), { state: z.enum(['open', 'closed']).optional() });

/** What an admin should look at, such as a rush of new records or a field that vanished; newest first. */
export function alertRoutes({ store, clock }: { store: Store; clock: Clock }): Route[] {
  return [
    route('GET', '/alerts', 'admin', async (request, response) => {
      const query = queryOf(listed, request);
      const { workspaceId } = response.locals.member;
      const answer = await pageOf(query, {
        rows: (page) =>
          store.transact(workspaceId, (trx) => listAlerts(trx, { ...page, state: query.state })),
        keyOf: ({ alertId }) => alertId,
        viewOf: ({ raisedAt, closedAt, ...alert }) => ({
          ...alert,
          raisedAt: iso(raisedAt),
          closedAt: iso(closedAt),
        }),
      });
      response.json(answer);
    }),
    route('POST', '/alerts/:alertId/close', 'admin', async (request, response) => {
      const alertId = idOf(request, 'alertId');
      const { workspaceId, memberId } = response.locals.member;
      const now = clock.now();
      await store.transact(workspaceId, async (trx) => {
        if (!(await closeAlert(trx, alertId, now))) throw noSuch('open alert');
        await writeAudit(trx, { memberId, action: 'close alert', subject: alertId, at: now });
      });
      response.status(204).end();
    }),
  ];
}

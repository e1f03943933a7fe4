import { type Response, Router } from 'express';
import { z } from 'zod';
import type { Clock } from '@sangam/core/clock';
import { closeAlert, listAlerts, type Store, writeAudit } from '@sangam/core/store';
import type { MemberLocals } from './admin.ts';
import { answerError } from './errors.ts';

/** What an admin should look at, such as a rush of new records or a field that vanished; open ones first. */
export function alertRoutes({ store, clock }: { store: Store; clock: Clock }): Router {
  const router = Router();
  router.get('/', async (_request, response: Response<unknown, MemberLocals>) => {
    const alerts = await store.transact(response.locals.member.workspaceId, listAlerts);
    response.json({
      results: alerts.map(({ raisedAt, closedAt, ...alert }) => ({
        ...alert,
        raisedAt: new Date(raisedAt).toISOString(),
        closedAt: closedAt === null ? null : new Date(closedAt).toISOString(),
      })),
    });
  });
  router.post('/:alertId/close', async (request, response: Response<unknown, MemberLocals>) => {
    const { workspaceId, memberId } = response.locals.member;
    const id = z.uuid().safeParse(request.params.alertId);
    const now = clock.now();
    const closed =
      id.success &&
      (await store.transact(workspaceId, async (trx) => {
        if (!(await closeAlert(trx, id.data, now))) return false;
        await writeAudit(trx, { memberId, action: 'close alert', subject: id.data, at: now });
        return true;
      }));
    if (closed) response.status(204).end();
    else answerError(response, 404, 'no_such_alert', 'There is no such open alert.');
  });
  return router;
}

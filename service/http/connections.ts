import { type Response, Router } from 'express';
import { z } from 'zod';
import type { Clock } from '@sangam/core/clock';
import { connectionsOf, recordCall, type Store, writeAudit } from '@sangam/core/store';
import type { MemberLocals } from './admin.ts';
import { answerError } from './errors.ts';

/** The workspace's CRM accounts: whether they take what we write, and trying again after a person put things right. */
export function connectionRoutes(dependencies: {
  store: Store;
  clock: Clock;
  wake: (workspaceId: string) => void;
}): Router {
  const { store, clock, wake } = dependencies;
  const router = Router();
  router.get('/', async (_request, response: Response<unknown, MemberLocals>) => {
    const connections = await store.transact(response.locals.member.workspaceId, connectionsOf);
    response.json({
      results: connections.map(({ connectionId, crm, blockedReason, failedAttempts, nextCallAt }) => ({
        connectionId,
        crm,
        blockedReason,
        failedAttempts,
        nextCallAt: nextCallAt === 0 ? null : new Date(nextCallAt).toISOString(),
      })),
    });
  });
  router.post('/:connectionId/retry', async (request, response: Response<unknown, MemberLocals>) => {
    const { workspaceId, memberId } = response.locals.member;
    const id = z.uuid().safeParse(request.params.connectionId);
    const known =
      id.success &&
      (await store.transact(workspaceId, async (trx) => {
        const connections = await connectionsOf(trx);
        if (!connections.some(({ connectionId }) => connectionId === id.data)) return false;
        await recordCall(trx, id.data, { failedAttempts: 0, nextCallAt: 0, blockedReason: null });
        await writeAudit(trx, { memberId, action: 'retry connection', subject: id.data, at: clock.now() });
        return true;
      }));
    if (!known) {
      answerError(response, 404, 'no_such_connection', 'There is no such connection.');
      return;
    }
    wake(workspaceId);
    response.status(204).end();
  });
  return router;
}

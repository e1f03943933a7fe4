import { type Response, Router } from 'express';
import { z } from 'zod';
import type { Clock } from '@sangam/core/clock';
import { type Store, writeAudit } from '@sangam/core/store';
import type { MemberLocals } from './admin.ts';
import { answerError, readBody } from './errors.ts';

const phoneBody = z.object({
  phone: z
    .string()
    .regex(/^\+\d{7,15}$/, 'must be E.164, such as +919812345678')
    .nullable(),
});

/** The people who work with Sangam. A member's own number never becomes a lead. */
export function memberRoutes({ store, clock }: { store: Store; clock: Clock }): Router {
  const router = Router();
  router.get('/', async (_request, response: Response<unknown, MemberLocals>) => {
    const { workspaceId } = response.locals.member;
    const members = await store.transact(workspaceId, (trx) =>
      trx
        .selectFrom('members')
        .select(['member_id as memberId', 'email', 'role', 'phone'])
        .where('workspace_id', '=', workspaceId)
        .orderBy('email')
        .execute(),
    );
    response.json({ results: members });
  });
  router.put('/:memberId/phone', async (request, response: Response<unknown, MemberLocals>) => {
    const body = readBody(phoneBody, request.body, response);
    if (body === undefined) return;
    const { workspaceId, memberId } = response.locals.member;
    const of = z.uuid().safeParse(request.params.memberId);
    const known =
      of.success &&
      (await store.transact(workspaceId, async (trx) => {
        const updated = await trx
          .updateTable('members')
          .set({ phone: body.phone })
          .where('workspace_id', '=', workspaceId)
          .where('member_id', '=', of.data)
          .executeTakeFirst();
        if (updated.numUpdatedRows === 0n) return false;
        await writeAudit(trx, { memberId, action: 'set member phone', subject: of.data, at: clock.now() });
        return true;
      }));
    if (known) response.status(204).end();
    else answerError(response, 404, 'no_such_member', 'There is no such member.');
  });
  return router;
}

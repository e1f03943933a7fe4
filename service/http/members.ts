import { z } from 'zod';
import type { Clock } from '@sangam/core/clock';
import { listMembers, setMemberPhone, type Store, writeAudit } from '@sangam/core/store';
import { noSuch } from '@sangam/core/errors';
import { type Route, route } from './api.ts';
import { bodyOf, phoneInput, idOf, queryOf } from './input.ts';
import { listQuery, pageOf } from './paging.ts';

const listed = listQuery(z.string(), {});
const phoneBody = z.strictObject({ phone: phoneInput.nullable() });

/** The people who work with Sangam. A member's own number never becomes a lead. */
export function memberRoutes({ store, clock }: { store: Store; clock: Clock }): Route[] {
  return [
    route('GET', '/members', 'admin', async (request, response) => {
      const { workspaceId } = response.locals.member;
      const answer = await pageOf(queryOf(listed, request), {
        rows: (page) => store.transact(workspaceId, (trx) => listMembers(trx, page)),
        keyOf: ({ email }) => email,
        viewOf: (member) => member,
      });
      response.json(answer);
    }),
    route('PUT', '/members/:memberId/phone', 'admin', async (request, response) => {
      const of = idOf(request, 'memberId');
      const { phone } = bodyOf(phoneBody, request);
      const { workspaceId, memberId } = response.locals.member;
      await store.transact(workspaceId, async (trx) => {
        if (!(await setMemberPhone(trx, of, phone))) throw noSuch('member');
        await writeAudit(trx, { memberId, action: 'set member phone', subject: of, at: clock.now() });
      });
      response.status(204).end();
    }),
  ];
}

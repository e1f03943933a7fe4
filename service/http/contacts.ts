import { randomUUID } from 'node:crypto';
import { type Response, Router } from 'express';
import { z } from 'zod';
import { lanes } from '@sangam/core/whatsapp';
import type { Clock } from '@sangam/core/clock';
import { contactFields, type Receiver, type TagChangePayload } from '@sangam/core/pipeline';
import { findContact, type Store } from '@sangam/core/store';
import type { MemberLocals } from './admin.ts';
import { answerError, readBody } from './errors.ts';

const tag = z.string().trim().min(1).max(100);
const tagChange = z
  .object({ add: z.array(tag).max(50).default([]), remove: z.array(tag).max(50).default([]) })
  .refine(({ add, remove }) => add.length + remove.length > 0, 'name at least one tag to add or remove');
const contactQuery = z.object({
  phone: z.string().regex(/^\+\d{7,15}$/, 'must be E.164, such as +919812345678'),
});

/** Contacts as Sangam sees them, and the tags members give their conversations. */
export function contactRoutes(dependencies: { store: Store; receiver: Receiver; clock: Clock }): Router {
  const { store, receiver, clock } = dependencies;
  const router = Router();
  router.get('/', async (request, response: Response<unknown, MemberLocals>) => {
    const query = readBody(contactQuery, request.query, response);
    if (query === undefined) return;
    const fields = await store.transact(response.locals.member.workspaceId, async (trx) => {
      const contactId = await findContact(trx, { value: query.phone });
      return contactId === undefined ? [] : contactFields(trx, [contactId], clock.now());
    });
    response.json({ results: fields });
  });
  router.post('/:contactId/tags', async (request, response: Response<unknown, MemberLocals>) => {
    const change = readBody(tagChange, request.body, response);
    if (change === undefined) return;
    const { workspaceId } = response.locals.member;
    const id = z.uuid().safeParse(request.params.contactId);
    const contactId = id.success
      ? await store.transact(workspaceId, (trx) => findContact(trx, { contactId: id.data }))
      : undefined;
    if (contactId === undefined) {
      answerError(response, 404, 'no_such_contact', 'There is no such contact.');
      return;
    }
    const payload: TagChangePayload = {
      field: 'sangam',
      part: 'tag_change',
      contactId,
      at: clock.now(),
      ...change,
    };
    await receiver.takeIn(workspaceId, { key: `tag_change:${randomUUID()}`, lane: lanes.crm, payload });
    response.status(202).json({ contactId });
  });
  return router;
}

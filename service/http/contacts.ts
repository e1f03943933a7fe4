import { z } from 'zod';
import type { Clock } from '@sangam/core/clock';
import type { ContactFields } from '@sangam/core/crm';
import { contactFields } from '@sangam/core/pipeline';
import { changeTags } from '@sangam/core/corrections';
import { findContact, type Store } from '@sangam/core/store';
import { type Route, route } from './api.ts';
import { bodyOf, phoneInQuery, idOf, queryOf } from './input.ts';
import { iso } from './times.ts';

const tag = z.string().trim().min(1).max(100);
const tagChange = z
  .strictObject({ add: z.array(tag).max(50).default([]), remove: z.array(tag).max(50).default([]) })
  .refine(({ add, remove }) => add.length + remove.length > 0, 'name at least one tag to add or remove');
const contactQuery = z.strictObject({ phone: phoneInQuery });

/** Contacts as Sangam sees them, and the tags members give their conversations. */
export function contactRoutes(dependencies: { store: Store; clock: Clock }): Route[] {
  const { store, clock } = dependencies;
  return [
    route('GET', '/contacts', 'read-only', async (request, response) => {
      const { phone } = queryOf(contactQuery, request);
      const found = await store.transact(response.locals.member.workspaceId, async (trx) => {
        const contactId = await findContact(trx, { value: phone });
        return contactId === undefined ? [] : contactFields(trx, [contactId], clock.now());
      });
      response.json({ results: found.map(viewOf), next: null });
    }),
    route('POST', '/contacts/:contactId/tags', 'rep', async (request, response) => {
      const change = { contactId: idOf(request, 'contactId'), ...bodyOf(tagChange, request) };
      const { workspaceId, memberId } = response.locals.member;
      const contactId = await store.transact(workspaceId, (trx) =>
        changeTags(trx, memberId, change, clock.now()),
      );
      response.status(202).json({ contactId });
    }),
  ];
}

/** Every number among a contact's fields is a time. */
function viewOf(fields: ContactFields): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'number' ? iso(value) : value]),
  );
}

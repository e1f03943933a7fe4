import { type Response, Router } from 'express';
import { z } from 'zod';
import type { Eraser } from '@sangam/core/pipeline';
import type { Erasure } from '@sangam/core/store';
import type { MemberLocals } from './admin.ts';
import { answerError } from './errors.ts';

/** Erasing people, and what was left of them in CRMs. */
export function erasureRoutes(eraser: Eraser): { contacts: Router; erasures: Router } {
  const contacts = Router();
  contacts.post('/:contactId/erase', async (request, response: Response<unknown, MemberLocals>) => {
    const known = z.uuid().safeParse(request.params.contactId);
    const erasure = known.success ? await eraser.erase(response.locals.member, known.data) : undefined;
    if (erasure === undefined) answerError(response, 404, 'no_such_contact', 'There is no such contact.');
    else response.json(viewOf(erasure));
  });
  const erasures = Router();
  erasures.get('/', async (_request, response: Response<unknown, MemberLocals>) => {
    const results = await eraser.list(response.locals.member.workspaceId);
    response.json({ results: results.map(viewOf) });
  });
  return { contacts, erasures };
}

function viewOf({ erasureId, askedBy, erasedAt, remains }: Erasure): object {
  return {
    erasureId,
    askedBy,
    erasedAt: new Date(erasedAt).toISOString(),
    remains,
    note:
      remains.length === 0
        ? 'Nothing of this person is left in a connected CRM as far as Sangam knows.'
        : 'Delete these records and timeline entries in the CRM too.',
  };
}

import { z } from 'zod';
import type { Eraser } from '@sangam/core/corrections';
import { type Erasure, listErasures, type Store } from '@sangam/core/store';
import { type Route, route } from './api.ts';
import { idOf, queryOf } from './input.ts';
import { listQuery, pageOf } from './paging.ts';
import { iso } from './times.ts';

const listed = listQuery(z.uuid(), {});

/** Erasing people, and what was left of them in CRMs. */
export function erasureRoutes({ store, eraser }: { store: Store; eraser: Eraser }): Route[] {
  return [
    route('POST', '/contacts/:contactId/erase', 'admin', async (request, response) => {
      response.json(viewOf(await eraser.erase(response.locals.member, idOf(request, 'contactId'))));
    }),
    route('GET', '/erasures', 'admin', async (request, response) => {
      const { workspaceId } = response.locals.member;
      const answer = await pageOf(queryOf(listed, request), {
        rows: (page) => store.transact(workspaceId, (trx) => listErasures(trx, page)),
        keyOf: ({ erasureId }) => erasureId,
        viewOf,
      });
      response.json(answer);
    }),
  ];
}

function viewOf({ erasureId, askedBy, erasedAt, remains }: Erasure): object {
  return {
    erasureId,
    askedBy,
    erasedAt: iso(erasedAt),
    remains,
    note:
      remains.length === 0
        ? 'Nothing of this person is left in a connected CRM as far as Sangam knows.'
        : 'Delete these records and timeline entries in the CRM too.',
  };
}

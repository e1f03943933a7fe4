import { z } from 'zod';
import { noSuch } from '@sangam/core/errors';
import type { DeadLetters } from '@sangam/core/corrections';
import {
  countDeadLetters,
  type DeadLetterRow,
  listDeadLetters,
  readDeadLetter,
  type Store,
} from '@sangam/core/store';
import { type Route, route } from './api.ts';
import { bodyOf, filter, idOf, queryOf } from './input.ts';
import { listQuery, pageOf } from './paging.ts';
import { iso } from './times.ts';

const listed = listQuery(z.uuid(), {
  reason: filter.optional(),
  setAside: z.stringbool().default(false),
});
const setAsideBody = z.strictObject({ reason: z.string().trim().min(1).max(500) });

/** What could not go on, why, and how to send it on its way again. What arrived may be large: each tells it by itself. */
export function deadLetterRoutes({
  store,
  deadLetters,
}: {
  store: Store;
  deadLetters: DeadLetters;
}): Route[] {
  return [
    route('GET', '/dead-letters', 'admin', async (request, response) => {
      const query = queryOf(listed, request);
      const { reason, setAside } = query;
      const { workspaceId } = response.locals.member;
      const answer = await pageOf(query, {
        rows: (page) =>
          store.transact(workspaceId, (trx) => listDeadLetters(trx, { ...page, reason, setAside })),
        keyOf: ({ deadLetterId }) => deadLetterId,
        viewOf,
      });
      response.json(answer);
    }),
    route('GET', '/dead-letters/counts', 'admin', async (_request, response) => {
      const { workspaceId } = response.locals.member;
      response.json({ results: await store.transact(workspaceId, countDeadLetters), next: null });
    }),
    route('POST', '/dead-letters/replay', 'admin', async (_request, response) => {
      response.json(await deadLetters.replayAll(response.locals.member));
    }),
    route('GET', '/dead-letters/:deadLetterId', 'admin', async (request, response) => {
      const deadLetterId = idOf(request, 'deadLetterId');
      const { workspaceId } = response.locals.member;
      const letter = await store.transact(workspaceId, (trx) => readDeadLetter(trx, deadLetterId));
      if (letter === undefined) throw noSuch('dead letter');
      response.json({ ...viewOf(letter), payload: letter.payload?.toString('utf8') ?? null });
    }),
    route('POST', '/dead-letters/:deadLetterId/replay', 'admin', async (request, response) => {
      response.json(await deadLetters.replay(response.locals.member, idOf(request, 'deadLetterId')));
    }),
    route('POST', '/dead-letters/:deadLetterId/set-aside', 'admin', async (request, response) => {
      const deadLetterId = idOf(request, 'deadLetterId');
      const { reason } = bodyOf(setAsideBody, request);
      await deadLetters.setAside(response.locals.member, deadLetterId, reason);
      response.status(204).end();
    }),
  ];
}

function viewOf(letter: DeadLetterRow): object {
  const {
    deadLetterId,
    reason,
    explanation,
    source,
    contactId,
    sendId,
    contentsSweptAt,
    setAsideAt,
    setAsideWhy,
  } = letter;
  return {
    deadLetterId,
    reason,
    explanation,
    source,
    contactId,
    sendId,
    receivedAt: iso(letter.receivedAt),
    parkedAt: iso(letter.parkedAt),
    contentsSweptAt: contentsSweptAt === null ? null : iso(contentsSweptAt),
    setAside: setAsideAt === null ? null : { at: iso(setAsideAt), why: setAsideWhy },
  };
}

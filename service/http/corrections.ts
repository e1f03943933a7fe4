import { z } from 'zod';
import { readDecision } from '@sangam/core/pipeline';
import { type Corrections } from '@sangam/core/corrections';
import { type Decision, listConflicts, listDecisions, type Store } from '@sangam/core/store';
import { type Route, route } from './api.ts';
import { bodyOf, idOf, phoneInput, queryOf, recordId, time } from './input.ts';
import { listQuery, pageOf } from './paging.ts';
import { iso } from './times.ts';

const linkBody = z.strictObject({ connectionId: z.uuid(), recordId });
const joinBody = z.strictObject({ contactId: z.uuid() });
const handOverBody = z.strictObject({ phone: phoneInput, from: time });
const acceptBody = z.strictObject({ recordId: recordId.optional() });
const conflictQuery = listQuery(z.uuid(), {
  state: z.enum(['open', 'accepted', 'dismissed', 'ended']).optional(),
});
const decisionQuery = listQuery(z.uuid(), {});

/** What people put right by hand: links, who is who, conflicts; and taking any of it back. */
export function correctionRoutes({
  store,
  corrections,
}: {
  store: Store;
  corrections: Corrections;
}): Route[] {
  return [
    route('POST', '/contacts/:contactId/relink', 'admin', async (request, response) => {
      const contactId = idOf(request, 'contactId');
      const link = { ...bodyOf(linkBody, request), contactId };
      response.json({ decisionId: await corrections.relink(response.locals.member, link) });
    }),
    route('POST', '/contacts/:contactId/unlink', 'admin', async (request, response) => {
      const contactId = idOf(request, 'contactId');
      const link = { ...bodyOf(linkBody, request), contactId };
      response.json({ decisionId: await corrections.unlink(response.locals.member, link) });
    }),
    route('POST', '/contacts/:contactId/join', 'admin', async (request, response) => {
      const contactId = idOf(request, 'contactId');
      const other = bodyOf(joinBody, request).contactId;
      response.json({ decisionId: await corrections.join(response.locals.member, contactId, other) });
    }),
    route('POST', '/phones/hand-over', 'admin', async (request, response) => {
      const { phone, from } = bodyOf(handOverBody, request);
      const decisionId = await corrections.handOver(response.locals.member, phone, from);
      response.json({ decisionId });
    }),

    route('GET', '/conflicts', 'admin', async (request, response) => {
      const query = queryOf(conflictQuery, request);
      const { workspaceId } = response.locals.member;
      const answer = await pageOf(query, {
        rows: (page) =>
          store.transact(workspaceId, (trx) => listConflicts(trx, { ...page, state: query.state })),
        keyOf: ({ conflictId }) => conflictId,
        viewOf: ({ openedAt, closedAt, ...conflict }) => ({
          ...conflict,
          openedAt: iso(openedAt),
          closedAt: iso(closedAt),
        }),
      });
      response.json(answer);
    }),
    route('POST', '/conflicts/:conflictId/accept', 'admin', async (request, response) => {
      const conflictId = idOf(request, 'conflictId');
      // Only some conflicts need one, and none a body.
      const { recordId } = request.body === undefined ? {} : bodyOf(acceptBody, request);
      const { member } = response.locals;
      response.json({ decisionId: await corrections.acceptConflict(member, conflictId, recordId) });
    }),
    route('POST', '/conflicts/:conflictId/dismiss', 'admin', async (request, response) => {
      const conflictId = idOf(request, 'conflictId');
      response.json({ decisionId: await corrections.dismissConflict(response.locals.member, conflictId) });
    }),

    route('GET', '/decisions', 'admin', async (request, response) => {
      const { workspaceId } = response.locals.member;
      const answer = await pageOf(queryOf(decisionQuery, request), {
        rows: (page) => store.transact(workspaceId, (trx) => listDecisions(trx, page)),
        keyOf: ({ decisionId }) => decisionId,
        viewOf,
      });
      response.json(answer);
    }),
    route('POST', '/decisions/:decisionId/undo', 'admin', async (request, response) => {
      const decisionId = idOf(request, 'decisionId');
      response.json({ decisionId: await corrections.undo(response.locals.member, decisionId) });
    }),
    route('POST', '/connections/:connectionId/release', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      response.json({ released: await corrections.release(response.locals.member, connectionId) });
    }),
  ];
}

function viewOf({ subject, at, undoneAt, ...decision }: Decision): object {
  const { links, evidence, conflict } = readDecision(subject);
  return {
    ...decision,
    at: iso(at),
    undoneAt: iso(undoneAt),
    links: links && {
      ...links,
      before: links.before.map(({ partedAt, createdAt, ...link }) => ({
        ...link,
        partedAt: iso(partedAt),
        createdAt: iso(createdAt),
      })),
    },
    evidence: evidence.map(({ at, ...shown }) => ({ ...shown, at: iso(at) })),
    conflict,
  };
}

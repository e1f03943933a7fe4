import { type Response, Router } from 'express';
import { z } from 'zod';
import type { Decided, PutRight } from '@sangam/core/pipeline';
import type { MemberLocals } from './admin.ts';
import { answerError, readBody } from './errors.ts';

const phone = z.string().regex(/^\+\d{7,15}$/, 'must be E.164, such as +919812345678');
const linkBody = z.object({ connectionId: z.uuid(), recordId: z.string().min(1) });
const joinBody = z.object({ contactId: z.uuid() });
const handOverBody = z.object({ phone, from: z.iso.datetime({ offset: true }) });
const acceptBody = z.object({ recordId: z.string().optional() });
const stateQuery = z.object({ state: z.enum(['open', 'accepted', 'dismissed']).optional() });

/** What people put right by hand: links, who is who, conflicts; and taking any of it back. */
export function putRightRoutes(putRight: PutRight): {
  contacts: Router;
  conflicts: Router;
  decisions: Router;
  phones: Router;
  connections: Router;
} {
  const contacts = Router();
  contacts.post('/:contactId/relink', async (request, response: Response<unknown, MemberLocals>) => {
    const body = readBody(linkBody, request.body, response);
    const contactId = idIn(request.params.contactId, response);
    if (body === undefined || contactId === undefined) return;
    answer(response, await putRight.relink(response.locals.member, { ...body, contactId }));
  });
  contacts.post('/:contactId/unlink', async (request, response: Response<unknown, MemberLocals>) => {
    const body = readBody(linkBody, request.body, response);
    const contactId = idIn(request.params.contactId, response);
    if (body === undefined || contactId === undefined) return;
    answer(response, await putRight.unlink(response.locals.member, { ...body, contactId }));
  });
  contacts.post('/:contactId/join', async (request, response: Response<unknown, MemberLocals>) => {
    const body = readBody(joinBody, request.body, response);
    const contactId = idIn(request.params.contactId, response);
    if (body === undefined || contactId === undefined) return;
    answer(response, await putRight.join(response.locals.member, contactId, body.contactId));
  });

  const phones = Router();
  phones.post('/hand-over', async (request, response: Response<unknown, MemberLocals>) => {
    const body = readBody(handOverBody, request.body, response);
    if (body === undefined) return;
    const at = Date.parse(body.from);
    answer(response, await putRight.handOver(response.locals.member, body.phone, at));
  });

  const conflicts = Router();
  conflicts.get('/', async (request, response: Response<unknown, MemberLocals>) => {
    const query = readBody(stateQuery, request.query, response);
    if (query === undefined) return;
    const results = await putRight.conflicts(response.locals.member.workspaceId, query.state);
    response.json({
      results: results.map(({ openedAt, closedAt, ...conflict }) => ({
        ...conflict,
        openedAt: new Date(openedAt).toISOString(),
        closedAt: closedAt === null ? null : new Date(closedAt).toISOString(),
      })),
    });
  });
  conflicts.post('/:conflictId/accept', async (request, response: Response<unknown, MemberLocals>) => {
    const body = readBody(acceptBody, request.body ?? {}, response);
    const conflictId = idIn(request.params.conflictId, response);
    if (body === undefined || conflictId === undefined) return;
    answer(response, await putRight.acceptConflict(response.locals.member, conflictId, body.recordId));
  });
  conflicts.post('/:conflictId/dismiss', async (request, response: Response<unknown, MemberLocals>) => {
    const conflictId = idIn(request.params.conflictId, response);
    if (conflictId === undefined) return;
    answer(response, await putRight.dismissConflict(response.locals.member, conflictId));
  });

  const decisions = Router();
  decisions.get('/', async (_request, response: Response<unknown, MemberLocals>) => {
    const results = await putRight.decisions(response.locals.member.workspaceId);
    response.json({
      results: results.map(({ at, undoneAt, ...decision }) => ({
        ...decision,
        at: new Date(at).toISOString(),
        undoneAt: undoneAt === null ? null : new Date(undoneAt).toISOString(),
      })),
    });
  });
  decisions.post('/:decisionId/undo', async (request, response: Response<unknown, MemberLocals>) => {
    const decisionId = idIn(request.params.decisionId, response);
    if (decisionId === undefined) return;
    answer(response, await putRight.undo(response.locals.member, decisionId));
  });
  const connections = Router();
  connections.post('/:connectionId/release', async (request, response: Response<unknown, MemberLocals>) => {
    const connectionId = idIn(request.params.connectionId, response);
    if (connectionId === undefined) return;
    const released = await putRight.release(response.locals.member, connectionId);
    if (released === undefined)
      answerError(response, 404, 'no_such_connection', 'There is no such connection.');
    else response.json({ released });
  });
  return { contacts, conflicts, decisions, phones, connections };
}

function idIn(text: string | undefined, response: Response): string | undefined {
  const id = z.uuid().safeParse(text);
  if (!id.success) answerError(response, 404, 'not_found', 'There is nothing of that id.');
  return id.data;
}

function answer(response: Response, decided: Decided): void {
  if (decided.outcome === 'decided') response.json({ decisionId: decided.decisionId });
  else answerError(response, decided.code.startsWith('no_such') ? 404 : 400, decided.code, decided.message);
}

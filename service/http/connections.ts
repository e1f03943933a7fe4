import { type Response, Router } from 'express';
import { z } from 'zod';
import { contactSources, fieldOwners, transforms } from '@sangam/core/crm';
import { canonicalPhone } from '@sangam/core/identity';
import type { Connecting } from '../connecting.ts';
import type { ConnectionBook } from '../connection-book.ts';
import type { MappingLine } from '../mapping-rules.ts';
import type { MemberLocals } from './admin.ts';
import { answerError, readBody } from './errors.ts';
import { keepBinder } from './oauth.ts';

type Answer = Response<unknown, MemberLocals>;

const newConnection = z.object({
  crm: z.literal('hubspot'),
  accessToken: z
    .string()
    .trim()
    .regex(/^[\x21-\x7e]{10,}$/, "must be the private app's access token"),
});
const phone = z
  .string()
  .transform((typed) => (typed.startsWith('+') ? canonicalPhone(typed.replace(/[\s().-]/g, '')) : undefined))
  .pipe(z.string('must be a number with its country code, such as +919812345678'));
const modeChange = z.object({
  mode: z.enum(['shadow', 'test', 'live']),
  testPhones: z.array(phone).max(100).optional(),
});
const standIn = z.union([
  z.literal('phone'),
  z.literal('username'),
  z.templateLiteral(["'", z.string(), "'"]),
]);
const mappingLine = z
  .strictObject({
    source: z.union(
      [z.enum(contactSources), z.strictObject({ flowAnswer: z.string().min(1) })],
      `must be one of ${contactSources.join(', ')}, or {"flowAnswer": "the question's name"}`,
    ),
    field: z.string().min(1),
    owner: z.enum(fieldOwners),
    transform: z.enum(transforms).default('as is'),
    standIns: z.array(standIn).optional(),
  })
  .transform(({ standIns, ...line }): MappingLine => (standIns === undefined ? line : { ...line, standIns }));
const mappingChange = z.object({ mapping: z.array(mappingLine).min(1).max(200).nullable() });
const webhookSecret = z.object({ secret: z.string().min(16, 'must have at least 16 characters') });

/** The workspace's CRM accounts: connecting them, what an admin decides about each, and whether they take what we write. */
export function connectionRoutes(
  book: ConnectionBook,
  connecting: Connecting,
  publicUrl: () => string,
): Router {
  const router = Router();

  router.get('/', async (_request, response: Answer) => {
    response.json({ results: await book.list(response.locals.member.workspaceId) });
  });
  router.post('/', async (request, response: Answer) => {
    const body = readBody(newConnection, request.body, response);
    if (body === undefined) return;
    const { member } = response.locals;
    const { connectionId, fresh } = await connecting.connectByToken(member, body.accessToken);
    response.status(fresh ? 201 : 200).json(await book.detail(member.workspaceId, connectionId));
  });
  router.get('/hubspot/authorize', async (_request, response: Answer) => {
    const { url, binder } = await connecting.authorize(response.locals.member);
    keepBinder(response, binder, publicUrl());
    response.set('Cache-Control', 'no-store').json({ url });
  });

  router.get('/:connectionId', async (request, response: Answer) => {
    response.json(await book.detail(response.locals.member.workspaceId, request.params.connectionId));
  });
  router.delete('/:connectionId', async (request, response: Answer) => {
    const { connectionId } = request.params;
    const known = z.uuid().safeParse(connectionId).success;
    const outcome = known ? await connecting.disconnect(response.locals.member, connectionId) : undefined;
    if (outcome === undefined)
      answerError(response, 404, 'no_such_connection', 'There is no such connection.');
    else response.json(outcome);
  });
  router.put('/:connectionId/mode', async (request, response: Answer) => {
    const body = readBody(modeChange, request.body, response);
    if (body === undefined) return;
    const { connectionId } = request.params;
    response.json(await book.setMode(response.locals.member, connectionId, body.mode, body.testPhones));
  });
  router.post('/:connectionId/retry', async (request, response: Answer) => {
    await book.retry(response.locals.member, request.params.connectionId);
    response.status(204).end();
  });
  router.put('/:connectionId/webhook-secret', async (request, response: Answer) => {
    const body = readBody(webhookSecret, request.body, response);
    if (body === undefined) return;
    await book.setWebhookSecret(response.locals.member, request.params.connectionId, body.secret);
    response.status(204).end();
  });

  router.get('/:connectionId/settings', async (request, response: Answer) => {
    const { settings } = await book.detail(response.locals.member.workspaceId, request.params.connectionId);
    response.json(settings);
  });
  router.put('/:connectionId/settings', async (request, response: Answer) => {
    const body = readBody(z.looseObject({}), request.body, response);
    if (body === undefined) return;
    response.json(await book.changeSettings(response.locals.member, request.params.connectionId, body));
  });
  router.get('/:connectionId/mapping', async (request, response: Answer) => {
    const { mapping } = await book.detail(response.locals.member.workspaceId, request.params.connectionId);
    response.json(mapping);
  });
  router.put('/:connectionId/mapping', async (request, response: Answer) => {
    const body = readBody(mappingChange, request.body, response);
    if (body === undefined) return;
    const { connectionId } = request.params;
    response.json((await book.setMapping(response.locals.member, connectionId, body.mapping)).mapping);
  });
  router.get('/:connectionId/fields', async (request, response: Answer) => {
    const { workspaceId } = response.locals.member;
    response.json({ results: await book.fields(workspaceId, request.params.connectionId) });
  });
  router.post('/:connectionId/fields/:name/unpark', async (request, response: Answer) => {
    const { connectionId, name } = request.params;
    response.json(await book.unpark(response.locals.member, connectionId, name));
  });
  router.get('/:connectionId/owners', async (request, response: Answer) => {
    const { workspaceId } = response.locals.member;
    response.json({ results: await book.owners(workspaceId, request.params.connectionId) });
  });
  router.get('/:connectionId/provisioning', async (request, response: Answer) => {
    const { workspaceId } = response.locals.member;
    response.json({ steps: await book.planProvisioning(workspaceId, request.params.connectionId) });
  });
  router.post('/:connectionId/provisioning', async (request, response: Answer) => {
    await book.provision(response.locals.member, request.params.connectionId);
    response.status(204).end();
  });
  return router;
}

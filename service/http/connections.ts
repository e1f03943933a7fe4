import { z } from 'zod';
import type { CrmForm } from '@sangam/connectors/registry';
import { Refusal } from '@sangam/core/errors';
import type { Connecting } from '../accounts/connecting.ts';
import type { Connections } from '../accounts/connections.ts';
import type { Crms } from '../accounts/crms.ts';
import { mappingLine } from '../accounts/mapping-line.ts';
import { withoutPasted } from '../secrets/pasted.ts';
import { type Route, route } from './api.ts';
import { bodyOf, idOf, phoneInput, queryOf, secret } from './input.ts';
import { keepBinder } from './oauth.ts';
import { pageOfAll, wholeListQuery } from './paging.ts';

const modeChange = z.strictObject({
  mode: z.enum(['shadow', 'test', 'live']),
  testPhones: z.array(phoneInput).max(100).optional(),
});
const mappingChange = z.strictObject({ mapping: z.array(mappingLine).min(1).max(200).nullable() });
const webhookSecret = z.strictObject({ secret });

/** The workspace's CRM accounts: connecting them, what an admin decides about each, and whether they take what we write. */
export function connectionRoutes(
  connections: Connections,
  connecting: Connecting,
  crms: Crms,
  publicUrl: () => string,
): Route[] {
  const crmOf = z.looseObject({ crm: z.enum(crms.all.map(({ traits }) => traits.crm)) });
  return [
    route('GET', '/connections', 'admin', async (request, response) => {
      const query = queryOf(wholeListQuery, request);
      response.json(pageOfAll(await connections.list(response.locals.member.workspaceId), query));
    }),
    route('POST', '/connections', 'admin', async (request, response) => {
      const { crm: name } = bodyOf(crmOf, request);
      const { form } = crms.get(name);
      const { crm, ...typed } = bodyOf(formOf(name, form), request);
      const { member } = response.locals;
      const { connectionId, fresh } = await connecting.connectByForm(member, crm, typed);
      response.status(fresh ? 201 : 200).json(await connections.detail(member.workspaceId, connectionId));
    }),
    route('GET', '/connections/:crm/authorize', 'admin', async (request, response) => {
      const crm = String(request.params['crm']);
      if (crms.of(crm) === undefined) throw noSuchCrm(crms);
      const { url, binder } = await connecting.authorize(response.locals.member, crm);
      keepBinder(response, binder, publicUrl());
      response.set('Cache-Control', 'no-store').json({ url });
    }),

    route('GET', '/connections/:connectionId', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      response.json(await connections.detail(response.locals.member.workspaceId, connectionId));
    }),
    route('DELETE', '/connections/:connectionId', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      response.json(await connecting.disconnect(response.locals.member, connectionId));
    }),
    route('PUT', '/connections/:connectionId/mode', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      const { mode, testPhones } = bodyOf(modeChange, request);
      response.json(await connections.setMode(response.locals.member, connectionId, mode, testPhones));
    }),
    route('POST', '/connections/:connectionId/retry', 'admin', async (request, response) => {
      await connections.retry(response.locals.member, idOf(request, 'connectionId'));
      response.status(204).end();
    }),
    route('PUT', '/connections/:connectionId/webhook-secret', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      const { secret } = bodyOf(webhookSecret, request);
      await connections.setWebhookSecret(response.locals.member, connectionId, secret);
      response.status(204).end();
    }),

    route('GET', '/connections/:connectionId/settings', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      response.json((await connections.detail(response.locals.member.workspaceId, connectionId)).settings);
    }),
    route('PUT', '/connections/:connectionId/settings', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      const change = bodyOf(z.looseObject({}), request);
      response.json(await connections.changeSettings(response.locals.member, connectionId, change));
    }),
    route('GET', '/connections/:connectionId/mapping', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      const { mapping } = await connections.detail(response.locals.member.workspaceId, connectionId);
      response.json({ mapping });
    }),
    route('PUT', '/connections/:connectionId/mapping', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      const change = bodyOf(mappingChange, request);
      const { mapping } = await connections.setMapping(response.locals.member, connectionId, change.mapping);
      response.json({ mapping });
    }),
    route('GET', '/connections/:connectionId/fields', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      const query = queryOf(wholeListQuery, request);
      const { workspaceId } = response.locals.member;
      response.json(pageOfAll(await connections.fields(workspaceId, connectionId), query));
    }),
    route('POST', '/connections/:connectionId/fields/:name/unpark', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      const field = String(request.params['name']);
      response.json(await connections.unpark(response.locals.member, connectionId, field));
    }),
    route('GET', '/connections/:connectionId/owners', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      const query = queryOf(wholeListQuery, request);
      const { workspaceId } = response.locals.member;
      response.json(pageOfAll(await connections.owners(workspaceId, connectionId), query));
    }),
    route('GET', '/connections/:connectionId/provisioning', 'admin', async (request, response) => {
      const connectionId = idOf(request, 'connectionId');
      const query = queryOf(wholeListQuery, request);
      const { workspaceId } = response.locals.member;
      response.json(pageOfAll(await connections.planProvisioning(workspaceId, connectionId), query));
    }),
    route('POST', '/connections/:connectionId/provisioning', 'admin', async (request, response) => {
      await connections.provision(response.locals.member, idOf(request, 'connectionId'));
      response.status(204).end();
    }),
  ];
}

/** What the CRM's form takes; what was copied along is told first. */
function formOf(crm: string, form: CrmForm | undefined) {
  const fields = Object.entries(form?.fields ?? {}).map(([name, field]) => [
    name,
    z.string().trim().superRefine(withoutPasted).pipe(field),
  ]);
  const shape: Record<string, z.ZodType<string>> = Object.fromEntries(fields);
  return z.strictObject({ crm: z.literal(crm), ...shape });
}

function noSuchCrm({ all }: Crms): Refusal {
  const names = all.map(({ traits }) => traits.crm).join(', ');
  return new Refusal('missing', 'no_such_crm', `There is no such CRM here: there are ${names}.`);
}

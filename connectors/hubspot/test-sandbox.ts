import express from 'express';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type { Connector, WriteOutcome } from '@sangam/core/crm';
import { createSandbox, SandboxClock, type SandboxRules } from '@sangam/sandbox';
import { createHubspotConnector } from './connector.ts';
import { hubspotBasePath } from './host.ts';
import { onlyToken, openDoor } from '../shared/test-access.ts';
import { serve } from '../shared/test-server.ts';

export interface TestPortal {
  /** Another connection to the same portal, as a second process has one. */
  connect(options?: { token?: string; timeoutMs?: number }): Connector;
  /** The vendor's own API, with the token. */
  api(method: string, path: string, body?: object): Promise<unknown>;
  readonly clock: SandboxClock;
  /** The sandbox's controls: no token. */
  control(method: string, path: string, body?: object): Promise<unknown>;
}

/** Answers to questions docs/vendors/hubspot.md leaves open. */
export type PortalRules = NonNullable<Partial<SandboxRules>['hubspot']>;

const accessToken = 'sandbox-token';

/** Every question docs/vendors/hubspot.md leaves open, answered as believed and then, one by one, the other way. */
export const answers: [string, PortalRules][] = [
  ['as believed', {}],
  ['an upsert needs its key in the properties', { upsertIdInProperties: 'required' }],
  ['an existing name is a 400', { existingNameStatus: 400 }],
  ['every write answers per item', { traceIdsAnswerPerItem: 'every write' }],
  ['a list needs an option', { emptyEnumerations: 'refused' }],
  ['a deleted record keeps its unique values', { archivedKeepsUniqueValues: true }],
  ['a batch update fails whole', { updateFailsPerItem: false }],
  ['a merge keeps the primary', { mergeKeepsPrimaryId: true }],
  ['a merged id finds nothing', { mergedIdAnswers: 'missing' }],
];

const recordList = z.object({
  results: z.array(
    z.object({
      id: z.string(),
      properties: z.record(z.string(), z.string().nullable()),
      timeline: z.array(z.object({ id: z.string(), at: z.string(), text: z.string() })),
    }),
  ),
});

/** What a user of the CRM sees. */
export async function recordsIn(portal: TestPortal): Promise<z.infer<typeof recordList>['results']> {
  return recordList.parse(await portal.control('GET', '/records/contacts')).results;
}

const made = z.object({ id: z.string() });

/** A record a user makes by hand. */
export async function userCreates(portal: TestPortal, properties: object): Promise<string> {
  return made.parse(await portal.control('POST', '/records/contacts', { properties })).id;
}

/** A HubSpot of its own for the running test, over HTTP. */
export async function openPortal(rules: PortalRules = {}): Promise<TestPortal> {
  const app = express();
  const clock = new SandboxClock();
  const origin = await serve(app);
  const sandbox = await createSandbox({
    clock,
    ownHosts: () => [new URL(origin).host],
    access: { admits: async () => true },
    whatsapp: {
      channelId: 'channel',
      phoneNumberId: '1',
      wabaId: '2',
      displayPhoneNumber: '+15550100',
      webhookUrl: () => `${origin}/webhooks`,
      appSecret: 'app-secret-of-the-sandbox',
      verifyToken: 'verify-token',
      accessToken,
    },
    crms: { hubspot: { accessToken } },
    rules: { hubspot: { rateLimitMax: 0, searchLimitMax: 0, ...rules } },
  });
  app.use('/sandbox', sandbox.router);
  onTestFinished(() => sandbox.close());
  const basePath = hubspotBasePath('sandbox', `${origin}/sandbox/hubspot`);

  const send = async (method: string, url: string, headers: object, body?: object): Promise<unknown> => {
    const response = await fetch(url, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : await response.json();
  };

  return {
    connect: ({ token = accessToken, ...options } = {}) =>
      createHubspotConnector({ basePath, credentials: onlyToken(token), permits: openDoor, ...options }),
    clock,
    api: (method, path, body) =>
      send(method, `${basePath}${path}`, { authorization: `Bearer ${accessToken}` }, body),
    control: (method, path, body) => send(method, `${basePath}${path}`, {}, body),
  };
}

/** The same with our properties, and a connector to it. */
export async function openProvisioned(
  rules: PortalRules = {},
): Promise<TestPortal & { connector: Connector }> {
  const portal = await openPortal(rules);
  const connector = portal.connect();
  await connector.provision();
  return { ...portal, connector };
}

/** '' = it was not written. */
export function recordIdOf(outcome: WriteOutcome | undefined): string {
  return outcome?.outcome === 'written' ? outcome.recordId : '';
}

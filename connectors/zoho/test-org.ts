import express from 'express';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type { AccountFacts, Connector, KnownFacts, WriteOutcome } from '@sangam/core/crm';
import { createSandbox, SandboxClock, type SandboxRules } from '@sangam/sandbox';
import { onlyToken, openDoor } from '../shared/test-access.ts';
import { bodyOf, serve } from '../shared/test-server.ts';
import { createZohoConnector, type ZohoConnectorOptions } from './connector.ts';

export type OrgRules = NonNullable<Partial<SandboxRules>['zoho']>;

export interface TestOrg {
  /** Accounts server and API in one. */
  readonly root: string;
  readonly clock: SandboxClock;
  readonly facts: KnownFacts;
  /** Another connection to the same org, as a second process has one. */
  connect(options?: Partial<ZohoConnectorOptions>): Connector;
  /** The vendor's own API, with the token. */
  api(method: string, path: string, body?: object): Promise<unknown>;
  /** The sandbox's controls: no token. */
  control(method: string, path: string, body?: object): Promise<unknown>;
  /** Calls so far, by operation. */
  calls(): Promise<Readonly<Record<string, number>>>;
}

const accessToken = 'sandbox-token';
const counted = z.object({ byOperation: z.record(z.string(), z.number()) });

function factsOfTest(): KnownFacts {
  let known: Partial<AccountFacts> = {};
  return { now: () => known, save: async (facts) => void (known = { ...known, ...facts }) };
}

/** An org of its own for the running test, over HTTP. */
export async function openOrg(rules: OrgRules = {}): Promise<TestOrg> {
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
    crms: { zoho: { accessToken, clientId: 'client-of-test', clientSecret: 'secret-of-test-org' } },
    rules: { zoho: rules },
  });
  app.use('/sandbox', sandbox.router);
  onTestFinished(() => sandbox.close());
  const root = `${origin}/sandbox/zoho`;

  const send = async (method: string, path: string, headers: object, body?: object): Promise<unknown> => {
    const response = await fetch(`${root}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${String(response.status)} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };

  const facts = factsOfTest();
  return {
    root,
    clock,
    facts,
    connect: (options = {}) =>
      createZohoConnector({
        apiBase: root,
        credentials: onlyToken(accessToken),
        permits: openDoor,
        facts,
        ...options,
      }),
    api: (method, path, body) =>
      send(method, `/crm/v8${path}`, { authorization: `Zoho-oauthtoken ${accessToken}` }, body),
    control: (method, path, body) => send(method, path, {}, body),
    calls: async () => counted.parse(await send('GET', '/calls', {})).byOperation,
  };
}

/** The same with our fields, and a connector to it. */
export async function openProvisioned(rules: OrgRules = {}): Promise<TestOrg & { connector: Connector }> {
  const org = await openOrg(rules);
  const connector = org.connect();
  await connector.provision();
  return { ...org, connector };
}

const record = z.object({ id: z.string(), properties: z.record(z.string(), z.string()) });

/** What a user sees. */
export async function recordsIn(org: TestOrg, module: string): Promise<z.infer<typeof record>[]> {
  const list = z.object({ results: z.array(record) });
  return list.parse(await org.control('GET', `/records/${module}`)).results;
}

/** A record a user makes by hand; its id. */
export async function userMakes(org: TestOrg, module: string, properties: object): Promise<string> {
  return record.parse(await org.control('POST', `/records/${module}`, { properties })).id;
}

/** A lead becomes a contact; its id. */
export async function userConverts(org: TestOrg, lead: string): Promise<string> {
  return record.parse(await org.control('POST', `/records/Leads/${lead}/convert`)).id;
}

/** '' = it was not written. */
export function recordIdOf(outcome: WriteOutcome | undefined): string {
  return outcome?.outcome === 'written' ? outcome.recordId : '';
}

export interface Canned {
  readonly status?: number;
  readonly body?: unknown;
}

/** A connector whose Zoho gives these answers, one a request, and what it was sent. */
export async function zohoAnswering(...answers: Canned[]): Promise<{
  connector: Connector;
  sent: { method: string; path: string; body: unknown }[];
}> {
  const sent: { method: string; path: string; body: unknown }[] = [];
  const apiBase = await serve(async (request, response) => {
    const text = await bodyOf(request);
    sent.push({
      method: request.method ?? '',
      path: request.url ?? '',
      body: text === '' ? undefined : JSON.parse(text),
    });
    const { status = 200, body } = answers.shift() ?? { status: 500, body: {} };
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(body === undefined ? '' : JSON.stringify(body));
  });
  const connector = createZohoConnector({
    apiBase,
    credentials: onlyToken('token'),
    permits: openDoor,
    facts: factsOfTest(),
  });
  return { connector, sent };
}

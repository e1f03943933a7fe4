import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
} from 'node:http';
import express from 'express';
import { z } from 'zod';
import { createSandbox, SandboxClock, type SandboxOptions } from '../index.ts';

export const appSecret = 'app-secret';
export const accessToken = 'access-token';
export const phoneNumberId = '100000000000001';
export const wabaId = '200000000000001';

/** A webhook as the business received it. */
export interface Webhook {
  readonly bytes: Buffer;
  readonly signature: string;
  readonly body: unknown;
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined where there was none. */
  readonly body: unknown;
}

/** A sandbox over HTTP on a port of its own, and the business that receives its webhooks. */
export interface SandboxFixture {
  readonly port: number;
  readonly clock: SandboxClock;
  readonly webhooks: Webhook[];
  /** What the business answers webhooks with; 'cut' breaks the connection. */
  answerWith(status: number | 'cut'): void;
  /** Below `/sandbox`. A string is sent as it is, anything else as JSON. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  /** Below `/sandbox/hubspot`, with the token. */
  hubspot(method: string, path: string, body?: unknown): Promise<Reply>;
  stop(): Promise<void>;
}

export async function startSandboxFixture(
  options: Partial<Pick<SandboxOptions, 'dataDir' | 'rules' | 'access'>> & {
    host?: string;
    /** What a CRM sends to `/heard`, and the status it is answered with. */
    heard?: (headers: IncomingHttpHeaders, bytes: Buffer) => number;
  } = {},
): Promise<SandboxFixture> {
  const { host = '127.0.0.1', heard = () => 200, ...rest } = options;
  const clock = new SandboxClock();
  const webhooks: Webhook[] = [];
  let answer: number | 'cut' = 200;
  const app = express();
  const server = createServer(app);
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = z.object({ port: z.number() }).parse(server.address());

  app.post('/webhook', express.raw({ type: () => true, limit: '5mb' }), (request, response) => {
    const bytes = z.instanceof(Buffer).parse(request.body);
    const body: unknown = JSON.parse(bytes.toString('utf8'));
    webhooks.push({ bytes, signature: request.get('x-hub-signature-256') ?? '', body });
    if (answer === 'cut') response.destroy();
    else response.sendStatus(answer);
  });
  app.post('/heard', express.raw({ type: () => true, limit: '5mb' }), (request, response) => {
    response.sendStatus(heard(request.headers, z.instanceof(Buffer).parse(request.body)));
  });
  const sandbox = await createSandbox({
    clock,
    ownHosts: () => [`127.0.0.1:${String(port)}`, `localhost:${String(port)}`],
    access: { admits: async () => true },
    whatsapp: {
      channelId: 'channel-1',
      phoneNumberId,
      wabaId,
      displayPhoneNumber: '+91 80471 00000',
      webhookUrl: () => `http://127.0.0.1:${String(port)}/webhook`,
      appSecret,
      verifyToken: 'verify-token',
      accessToken,
    },
    crms: { hubspot: { accessToken }, zoho: { accessToken, clientSecret: 'zoho-secret' } },
    ...rest,
  });
  app.use('/sandbox', sandbox.router);

  const call: SandboxFixture['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(`http://127.0.0.1:${String(port)}/sandbox${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const read: unknown = text === '' ? undefined : JSON.parse(text);
    return { status: response.status, headers: response.headers, body: read };
  };

  return {
    port,
    clock,
    webhooks,
    answerWith(next) {
      answer = next;
    },
    call,
    hubspot: (method, path, body) =>
      call(method, `/hubspot${path}`, body, { authorization: `Bearer ${accessToken}` }),
    async stop() {
      await sandbox.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A request with headers `fetch` would not let through, to any of this machine's addresses. */
export async function rawCall(options: {
  port: number;
  host?: string;
  method?: string;
  path: string;
  headers?: Record<string, string>;
}): Promise<{ status: number | undefined; body: unknown }> {
  const { host = '127.0.0.1', ...rest } = options;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest({ host, ...rest }, resolve)
      .on('error', reject)
      .end();
  });
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, body: JSON.parse(text) };
}

interface Told {
  readonly messages: Record<string, unknown>[];
  readonly statuses: Record<string, unknown>[];
  readonly preferences: Record<string, unknown>[];
  readonly contacts: Record<string, unknown>[];
}

const objects = z.array(z.record(z.string(), z.unknown())).default([]);
const webhookBody = z.object({
  entry: z.array(
    z.object({
      changes: z.array(
        z.object({
          value: z.object({
            messages: objects,
            statuses: objects,
            user_preferences: objects,
            contacts: objects,
          }),
        }),
      ),
    }),
  ),
});

/** What webhooks say, over all their entries and changes. */
export function told(webhooks: readonly Webhook[]): Told {
  const values = webhooks
    .flatMap(({ body }) => webhookBody.parse(body).entry)
    .flatMap(({ changes }) => changes.map(({ value }) => value));
  return {
    messages: values.flatMap(({ messages }) => messages),
    statuses: values.flatMap(({ statuses }) => statuses),
    preferences: values.flatMap(({ user_preferences: preferences }) => preferences),
    contacts: values.flatMap(({ contacts }) => contacts),
  };
}

/** Makes the portal's unique property our tests key records by. */
export async function withUniqueProperty(fixture: SandboxFixture, name = 'our_key'): Promise<void> {
  const definition = {
    name,
    label: name,
    groupName: 'contactinformation',
    type: 'string',
    fieldType: 'text',
  };
  await fixture.hubspot('POST', '/crm/properties/2026-03/contacts', { ...definition, hasUniqueValue: true });
}

export function upserts(count: number, values: object = {}): { inputs: object[] } {
  const inputs = Array.from({ length: count }, (_, index) => {
    const id = `key-${String(index)}`;
    return { id, idProperty: 'our_key', properties: { firstname: `Asha ${String(index)}`, ...values } };
  });
  return { inputs };
}

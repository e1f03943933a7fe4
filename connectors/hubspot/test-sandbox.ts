import express from 'express';
import { onTestFinished } from 'vitest';
import type { Connector } from '@sangam/core/crm';
import { createSandbox, SandboxClock, type SandboxRules } from '@sangam/sandbox';
import { createHubspotConnector } from './connector.ts';
import { hubspotBasePath } from './host.ts';
import { serve } from './test-server.ts';

export interface TestPortal {
  /** Another connection to the same portal, as a second process has one. */
  connect(options?: { token?: string; timeoutMs?: number }): Connector;
  /** The vendor's own API, with the token. */
  api(method: string, path: string, body?: object): Promise<unknown>;
  /** The sandbox's controls: no token. */
  control(method: string, path: string, body?: object): Promise<unknown>;
}

/** Answers to questions the facts leave open. */
export type PortalRules = NonNullable<Partial<SandboxRules>['hubspot']>;

const accessToken = 'sandbox-token';

/** A HubSpot of its own for the running test, over HTTP. */
export async function openPortal(rules: PortalRules = {}): Promise<TestPortal> {
  const app = express();
  const origin = await serve(app);
  const sandbox = await createSandbox({
    clock: new SandboxClock(),
    ownHosts: () => [new URL(origin).host],
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
    hubspot: { accessToken },
    rules: { hubspot: rules },
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
      createHubspotConnector({ basePath, accessToken: async () => token, ...options }),
    api: (method, path, body) =>
      send(method, `${basePath}${path}`, { authorization: `Bearer ${accessToken}` }, body),
    control: (method, path, body) => send(method, `${basePath}${path}`, {}, body),
  };
}

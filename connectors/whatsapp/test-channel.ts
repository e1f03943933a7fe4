import { createSandbox, SandboxClock } from '@sangam/sandbox';
import type { Outbound, OutboundContent, Provider } from '@sangam/core/whatsapp';
import express from 'express';
import { onTestFinished } from 'vitest';
import { serve } from '../shared/test-server.ts';
import { openCloudApi } from './cloud-api.ts';
import { graphBasePath } from './graph.ts';

const accessToken = 'EAA-token-of-the-sandbox';
const ids = { phoneNumberId: '100000000000001', wabaId: '200000000000001' };

export interface TestChannel {
  readonly provider: Provider;
  readonly clock: SandboxClock;
  /** Another token, or another deadline. */
  open(accessToken: string): Provider;
  /** The sandbox's controls. */
  control(method: string, path: string, body?: object | Buffer, contentType?: string): Promise<unknown>;
}

/** A WhatsApp of its own for the running test, over HTTP. */
export async function openChannel(): Promise<TestChannel> {
  const app = express();
  const clock = new SandboxClock();
  const origin = await serve(app);
  const sandbox = await createSandbox({
    clock,
    ownHosts: () => [new URL(origin).host],
    access: { admits: async () => true },
    whatsapp: {
      ...ids,
      channelId: 'channel',
      displayPhoneNumber: '+91 80471 00000',
      webhookUrl: () => `${origin}/webhooks`,
      appSecret: 'app-secret-of-the-sandbox',
      verifyToken: 'verify-token',
      accessToken,
    },
    crms: {},
  });
  app.post('/webhooks', (_request, response) => void response.sendStatus(200));
  app.use('/sandbox', sandbox.router);
  onTestFinished(() => sandbox.close());
  const basePath = graphBasePath('sandbox', `${origin}/sandbox/whatsapp`);
  const open = (token: string): Provider =>
    openCloudApi({ basePath, version: 'v26.0', accessToken: token, ...ids });
  return {
    provider: open(accessToken),
    clock,
    open,
    async control(method, path, body, contentType = 'application/json') {
      const response = await fetch(`${basePath}${path}`, {
        method,
        headers: { 'content-type': contentType },
        ...(body === undefined
          ? {}
          : { body: body instanceof Buffer ? new Uint8Array(body) : JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      return response.json();
    },
  };
}

/** A message to somebody, unless said otherwise. */
export function messageOf(content: OutboundContent, more: Partial<Outbound> = {}): Outbound {
  return {
    waId: '919812345678',
    content,
    opaque: crypto.randomUUID(),
    mediaIds: new Map(),
    asMarketing: false,
    ...more,
  };
}

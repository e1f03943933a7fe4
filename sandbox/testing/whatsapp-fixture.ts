import { expect, onTestFinished, vi } from 'vitest';
import {
  accessToken,
  phoneNumberId,
  startSandboxFixture,
  told,
  wabaId,
  type SandboxFixture,
} from './sandbox-fixture.ts';

type Reply = Awaited<ReturnType<SandboxFixture['call']>>;

export const appId = '300000000000001';

/** A sandbox whose WhatsApp a test plays with, for one test. */
export interface WhatsappFixture extends SandboxFixture {
  /** Graph's, with the token. `path` begins behind the version. */
  graph(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  /** Sends to `+1`, unless the message says otherwise. */
  send(message: object, endpoint?: string): Promise<Reply>;
  sendTemplate(name: string, components?: object[], more?: object): Promise<Reply>;
  write(message: object): Promise<string>;
  control(method: string, path: string, body?: unknown): Promise<Reply>;
  rules(rules: object): Promise<void>;
  /** Once nothing waits any more. */
  statuses(): Promise<Record<string, unknown>[]>;
  /** Changes of the account, once nothing waits any more. */
  changes(): Promise<{ field: string; value: Record<string, unknown> }[]>;
  /** What the person of this query sees. */
  seen(query?: string): Promise<{ results: Record<string, unknown>[]; typing: boolean }>;
}

export async function openWhatsapp(
  options: Parameters<typeof startSandboxFixture>[0] = {},
): Promise<WhatsappFixture> {
  const fixture = await startSandboxFixture(options);
  onTestFinished(() => fixture.stop());
  const graph: WhatsappFixture['graph'] = (method, path, body, headers = {}) =>
    fixture.call(method, `/whatsapp/v26.0${path}`, body, {
      authorization: `Bearer ${accessToken}`,
      ...headers,
    });
  const control: WhatsappFixture['control'] = (method, path, body) =>
    fixture.call(method, `/whatsapp${path}`, body);
  const send: WhatsappFixture['send'] = (message, endpoint = 'messages') =>
    graph('POST', `/${phoneNumberId}/${endpoint}`, {
      messaging_product: 'whatsapp',
      ...('recipient' in message ? {} : { to: '+1' }),
      ...message,
    });
  const quiet = async (): Promise<void> => {
    await vi.waitFor(async () =>
      expect((await control('GET', '/delivery')).body).toMatchObject({ queued: 0 }),
    );
  };
  return {
    ...fixture,
    graph,
    control,
    send,
    sendTemplate: (name, components = [], more = {}) =>
      send({ type: 'template', template: { name, language: { code: 'en' }, components }, ...more }),
    async write(message) {
      const { status, body } = await control('POST', '/customer/messages', {
        from: '1',
        text: 'hi',
        ...message,
      });
      expect(status).toBe(200);
      return (body as { wamid: string }).wamid;
    },
    async rules(rules) {
      expect((await control('PUT', '/rules', rules)).status).toBe(200);
    },
    async statuses() {
      await quiet();
      return told(fixture.webhooks).statuses;
    },
    async changes() {
      await quiet();
      return fixture.webhooks
        .flatMap(({ body }) => (body as { entry: { changes: never[] }[] }).entry)
        .flatMap(({ changes }) => changes);
    },
    async seen(query = 'phone=1') {
      return (await control('GET', `/customer/messages?${query}`)).body as never;
    },
  };
}

export const templatesPath = `/${wabaId}/message_templates`;

export const wamidOf = ({ body }: Reply): string => (body as { messages: [{ id: string }] }).messages[0].id;

/** Graph's code, of a refusal. */
export const codeOf = ({ body }: Pick<Reply, 'body'>): unknown =>
  (body as { error?: { code?: unknown } }).error?.code;

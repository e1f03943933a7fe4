import { once } from 'node:events';
import { createServer } from 'node:http';
import { createSandbox, SandboxClock } from '@sangam/sandbox';
import express from 'express';
import { expect, onTestFinished, test } from 'vitest';
import { type Description, type Exchange, objectionsTo } from './harness/open-api.ts';
import { vendorData } from './harness/vendor-data.ts';

/**
 * What the sandbox's Graph takes and answers, against Meta's published description of it: the requests are Meta's own
 * examples, so what the sandbox refuses of them is named here.
 */

const data = vendorData('whatsapp/openapi');

/**
 * What Meta answers and its description v23 has not, or not in the sample it was drawn from: a user id, details of an
 * error, what is told of templates where it is asked for, buttons of other kinds, and how a read receipt is answered.
 * docs/vendors/whatsapp.md §2.5, §3.2, §3.6.
 */
const known = new Set([
  'user_id',
  'error_data',
  'parameter_format',
  'quality_score',
  'rejected_reason',
  'url',
  'phone_number',
  'example',
  'add_security_recommendation',
  'code_expiration_minutes',
  'flow_action',
  'flow_id',
  'flow_json',
  'flow_name',
  'navigate_screen',
  'success',
]);

/** Examples of Meta's that are not taken: one lacks its type; the sandbox knows no payments, and no template but its own. */
const refused: Readonly<Record<string, number>> = {
  'Send Reply to List Message': 100,
  'Send Order Details Message': 131_009,
  'Send Order Status Message': 131_009,
  'Send Catalog Template Message': 132_001,
  'Send Flow Template Message': 132_001,
  'Send Message Template Interactive': 132_001,
  'Send Message Template Media': 132_001,
  'Send Message Template Text': 132_001,
  'Send Sample Issue Resolution Template': 132_001,
  'Send Sample Shipping Confirmation Template': 132_001,
  'Send Sample Text Message': 132_001,
  'Send Test Message': 132_001,
};

interface Example {
  readonly value: Record<string, unknown>;
}

const [phoneNumberId, wabaId, accessToken] = ['100000000000001', '200000000000001', 'access-token'];

test.skipIf(data === undefined)('the Graph of the sandbox is as Meta describes it', async () => {
  const description = [...(data?.values() ?? [])][0] as Description;
  const graph = await openGraph();
  const exchanges: Exchange[] = [];
  const call = async (method: string, path: string, sent?: unknown): Promise<Exchange> => {
    const response = await fetch(`${graph}/v23.0${path}`, {
      method,
      headers: { authorization: `Bearer ${accessToken}` },
      ...(sent === undefined ? {} : { body: sent instanceof FormData ? sent : JSON.stringify(sent) }),
    });
    const exchange: Exchange = {
      method,
      path: `/v23.0${path.replace(/\?.*$/, '')}`,
      // Meta's own examples, or ours beside them: only the answers are the sandbox's.
      sent: undefined,
      status: response.status,
      answered: await response.json(),
    };
    exchanges.push(exchange);
    return exchange;
  };

  const media = new Map<string, string>();
  for (const [kind, type] of Object.entries({
    IMAGE: 'image/jpeg',
    VIDEO: 'video/mp4',
    AUDIO: 'audio/ogg',
    DOCUMENT: 'application/pdf',
    MEDIA: 'image/webp',
  })) {
    const form = new FormData();
    form.append('messaging_product', 'whatsapp');
    form.append('file', new File(['a medium'], 'a', { type }));
    media.set(kind, idOf(await call('POST', `/${phoneNumberId}/media`, form)));
  }
  const written = await fetch(`${graph}/customer/messages`, {
    method: 'POST',
    body: JSON.stringify({ from: '919812345678', userId: 'IN.1', text: 'Hello' }),
  });
  const { wamid } = (await written.json()) as { wamid: string };
  const filledIn = (example: object): unknown =>
    JSON.parse(
      JSON.stringify(example)
        .replaceAll(/\{\{Recipient[^}]*\}\}|\+16505551234/g, '919812345678')
        .replaceAll(/<(\w+)_OBJECT_ID>/g, (_, kind: string) => media.get(kind) ?? '')
        .replaceAll('<HEADER_TYPE>', 'text')
        .replaceAll(/<?http\(s\):\/\/[^">]*>?/g, 'https://example.com/medium')
        .replaceAll(/wamid\.[\w.=]+|<MSGID_OF[^>]*>/g, wamid),
    );

  const examplesOf = (path: string): [string, Example][] =>
    Object.entries(exampleBodies(description, path)).map(([name, example]) => [name, example as Example]);
  const sends = examplesOf('/{Version}/{Phone-Number-ID}/messages');
  expect(sends.length).toBeGreaterThan(40);
  const outcomes = new Map<string, number | undefined>();
  for (const [name, { value }] of sends) {
    const { answered } = await call('POST', `/${phoneNumberId}/messages`, filledIn(shorter(value)));
    const { error } = answered as { error?: { code: number } };
    if (error !== undefined) outcomes.set(name, error.code);
  }
  expect(Object.fromEntries(outcomes)).toEqual(refused);

  const submissions = examplesOf('/{Version}/{WABA-ID}/message_templates');
  for (const [index, [, { value }]] of submissions.entries()) {
    const submitted = await call('POST', `/${wabaId}/message_templates`, {
      ...value,
      name: `example_${String(index)}`,
    });
    expect(submitted).toMatchObject({ status: 200 });
    await call('GET', `/${idOf(submitted)}`);
    await call('POST', `/${idOf(submitted)}`, { components: value['components'] });
  }
  await call('GET', `/${wabaId}/message_templates?limit=100`);
  await call(
    'GET',
    `/${wabaId}/message_templates?name=welcome&fields=name,status,quality_score,rejected_reason,category`,
  );
  await call('DELETE', `/${wabaId}/message_templates?name=example_0`);
  await call('GET', `/${wabaId}/phone_numbers`);
  await call('GET', `/${phoneNumberId}`);
  await call('GET', `/${media.get('IMAGE') ?? ''}?phone_number_id=${phoneNumberId}`);
  await call('DELETE', `/${media.get('IMAGE') ?? ''}`);
  const offer = {
    name: 'festival_offer',
    language: { code: 'hi', policy: 'deterministic' },
    components: [{ type: 'body', parameters: ['Asha', '20 %'].map((text) => ({ type: 'text', text })) }],
  };
  const marketing = {
    messaging_product: 'whatsapp',
    recipient_type: 'individual',
    type: 'template',
    template: offer,
  };
  await call('POST', `/${phoneNumberId}/marketing_messages`, { ...marketing, to: '919812345678' });
  await call('POST', `/${phoneNumberId}/messages`, { ...marketing, recipient: 'IN.1' });
  await call('GET', '/999');

  const failed = exchanges.filter(({ status }) => status >= 400);
  const fine = exchanges.filter(({ status }) => status < 400);
  const errorShape = { $ref: '#/components/schemas/GraphAPIError' };
  const errors: Description = {
    ...description,
    paths: { '/error': { get: { responses: { default: { content: { json: { schema: errorShape } } } } } } },
  };
  const objections = [
    ...fine.flatMap((one) => objectionsTo(one, [description], { known, loosely: true })),
    ...failed.flatMap(({ status, answered }) =>
      objectionsTo({ method: 'GET', path: '/error', sent: undefined, status, answered }, [errors], { known }),
    ),
  ];
  expect(failed.length).toBeGreaterThan(5);
  // Ids and places in lists told once.
  expect([...new Set(objections.map((one) => one.replace(/\[\d+\]/g, '[]')))]).toEqual([]);
});

/** Placeholders of Meta's examples are longer than what they stand for. */
function shorter(example: object): object {
  const text = JSON.stringify(example);
  return JSON.parse(
    text.replaceAll(/<((?:LIST_)?SECTION)_(\d)_?([^>]*)>/g, 'S$2 $3').replaceAll(/ROW_(\d)_/g, 'R$1 '),
  ) as object;
}

function exampleBodies(description: Description, path: string): object {
  const body = description.paths[path]?.['post']?.requestBody as unknown as {
    content: { 'application/json': { examples: object } };
  };
  return body.content['application/json'].examples;
}

const idOf = ({ answered }: Exchange): string => (answered as { id: string }).id;

async function openGraph(): Promise<string> {
  const app = express();
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const host = `127.0.0.1:${String(typeof address === 'object' ? address?.port : '')}`;
  app.post('/webhook', (_request, response) => void response.sendStatus(200));
  const sandbox = await createSandbox({
    clock: new SandboxClock(),
    ownHosts: () => [host],
    access: { admits: async () => true },
    whatsapp: {
      channelId: 'channel-1',
      phoneNumberId,
      wabaId,
      displayPhoneNumber: '+91 80471 00000',
      webhookUrl: () => `http://${host}/webhook`,
      appSecret: 'app-secret',
      verifyToken: 'verify-token',
      accessToken,
    },
    rules: { whatsapp: { throughputPerSecond: 0, pairBurst: 0 } },
  });
  app.use('/sandbox', sandbox.router);
  onTestFinished(async () => {
    await sandbox.close();
    server.close();
    server.closeAllConnections();
  });
  return `http://${host}/sandbox/whatsapp`;
}

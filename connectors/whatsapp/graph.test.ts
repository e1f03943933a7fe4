import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SangamError } from '@sangam/core/errors';
import { expect, onTestFinished, test } from 'vitest';
import { graphBasePath, ownNumber } from './graph.ts';

const accessToken = 'EAA-the-token';
const number = { phoneNumberId: '7', wabaId: '42' };

/** Meta as it answers `pages`, one after the other; the addresses it was asked under. */
async function meta(pages: readonly { status?: number; body: unknown }[], token = accessToken) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { status = 200, body } = pages[asked.length] ?? { body: {} };
    asked.push(request.url ?? '');
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const basePath = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return { asked, answer: ownNumber({ basePath, version: 'v26.0', accessToken: token, ...number }) };
}

const page = (ids: readonly string[], after?: string): { body: object } => ({
  body: {
    data: ids.map((id) => ({ id, display_phone_number: `+91 80471 0000${id}` })),
    paging: {
      cursors: { before: 'first', after: after ?? 'last' },
      ...(after === undefined ? {} : { next: `https://graph.facebook.com/next?access_token=${accessToken}` }),
    },
  },
});

async function failure(work: Promise<unknown>): Promise<SangamError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SangamError)) throw new Error('A SangamError was expected.', { cause: error });
  expect(`${error.message} ${String(error.cause)}`).not.toContain(accessToken);
  return error;
}

test('a number is found on a later page of its account, without the token in any address', async () => {
  const { asked, answer } = await meta([page(['1', '2'], 'more of them'), page(['7'])]);
  expect(await answer).toEqual({ ...number, displayPhoneNumber: '+91 80471 00007' });
  expect(asked).toEqual([
    '/v26.0/42/phone_numbers?fields=id%2Cdisplay_phone_number&limit=100',
    '/v26.0/42/phone_numbers?fields=id%2Cdisplay_phone_number&limit=100&after=more+of+them',
  ]);
});

test('an account may have as many numbers as fill 50 pages, and none is asked for more', async () => {
  const others = Array.from({ length: 49 }, (_, index) => page(['1'], `page ${String(index + 2)}`));
  expect(await (await meta([...others, page(['7'])])).answer).toMatchObject(number);
  const { asked, answer } = await meta([...others, page(['2'], 'page 51'), page(['7'])]);
  expect(await failure(answer)).toMatchObject({ code: 'number_not_shown' });
  expect(asked).toHaveLength(50);
});

test.each(['', 'EAA the token', 'EAA\nthe-token', 'EAA-the-töken'])(
  'a token no header may hold is refused without a call: %j',
  async (token) => {
    const { asked, answer } = await meta([page(['7'])], token);
    const error = await failure(answer);
    expect(error).toMatchObject({ code: 'token_refused', retry: 'never' });
    expect(asked).toEqual([]);
  },
);

test('a number that is not among them is not shown', async () => {
  const { asked, answer } = await meta([page(['1', '2'])]);
  expect(await failure(answer)).toMatchObject({ code: 'number_not_shown', retry: 'never' });
  expect(asked).toHaveLength(1);
});

const said = (code: number, message = `Malformed access token ${accessToken}`): object => ({
  error: { message, type: 'OAuthException', code, fbtrace_id: 'A1' },
});

type Refused = [status: number, body: unknown, code: string, retry: string];

test.each<Refused>([
  ...[0, 102, 104, 190].map((code) => [401, said(code), 'token_refused', 'never'] satisfies Refused),
  ...[3, 10, 200, 299].map((code) => [403, said(code), 'permission_missing', 'never'] satisfies Refused),
  ...[33, 100, 803].map((code) => [400, said(code), 'number_not_shown', 'never'] satisfies Refused),
  [400, said(4), 'whatsapp_unavailable', 'later'],
  [400, said(300), 'whatsapp_unavailable', 'later'],
  [500, said(2), 'whatsapp_unavailable', 'later'],
  // A proxy's word, not Meta's.
  [403, '<html>no</html>', 'whatsapp_unavailable', 'later'],
  [200, '<html>hello</html>', 'unreadable_answer', 'later'],
])('%i %j is %s', async (status, body, code, retry) => {
  const { answer } = await meta([{ status, body }]);
  expect(await failure(answer)).toMatchObject({ code, retry, origin: 'whatsapp' });
});

test('a live workspace asks Meta and a sandbox one its sandbox', () => {
  expect(graphBasePath('live')).toBe('https://graph.facebook.com');
  expect(() => graphBasePath('sandbox', 'https://graph.facebook.com')).toThrow('only to a sandbox');
});

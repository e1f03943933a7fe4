import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  accessToken,
  phoneNumberId,
  startSandboxFixture,
  wabaId,
  type SandboxFixture,
} from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;
beforeEach(async () => {
  fixture = await startSandboxFixture();
});
afterEach(() => fixture.stop());

const read = (path: string, token = accessToken) =>
  fixture.call('GET', `/whatsapp/v26.0${path}`, undefined, { authorization: `Bearer ${token}` });

test('an account tells its numbers, and a number itself, with the fields that are asked for', async () => {
  const number = { id: phoneNumberId, display_phone_number: '+91 80471 00000' };
  expect((await read(`/${wabaId}/phone_numbers?fields=id,display_phone_number`)).body).toEqual({
    data: [number],
    paging: { cursors: { before: expect.any(String), after: expect.any(String) } },
  });
  expect((await read(`/${phoneNumberId}?fields=display_phone_number,nonsense`)).body).toEqual(number);
  expect((await read(`/${phoneNumberId}`)).body).toMatchObject({
    ...number,
    verified_name: expect.any(String),
  });
});

test('what is not there is Graph’s error, not a control error', async () => {
  for (const path of ['/299999999999999/phone_numbers', '/1', `/${phoneNumberId}/phone_numbers`]) {
    expect(await read(path)).toMatchObject({
      status: 400,
      body: { error: { type: 'GraphMethodException', code: 100, error_subcode: 33 } },
    });
  }
});

test('a wrong token is refused as Meta does, which repeats what looks like one of its own', async () => {
  expect(await read(`/${phoneNumberId}`, 'wrong')).toMatchObject({
    status: 401,
    body: { error: { type: 'OAuthException', code: 190, message: expect.stringContaining('Cannot parse') } },
  });
  expect(await read(`/${wabaId}/phone_numbers`, 'EAAwrong')).toMatchObject({
    status: 401,
    body: { error: { code: 190, message: 'Malformed access token EAAwrong' } },
  });
});

import { randomBytes } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { mustBeReached } from './harness/given-database.ts';
import { asSuperuser } from './harness/template.ts';

/** A database that somebody gives the tests or the bench: what is wrong with it is told under the name it was given by. */

const name = 'TEST_DATABASE_URL';
const urlWith = (spoil: (url: URL) => void): string => {
  const url = new URL(inject('databaseUrl'));
  spoil(url);
  return url.href;
};

test.each([
  ['nonsense', 'nonsense', /^TEST_DATABASE_URL must look like postgres:/],
  ['of another kind', 'mysql://root@localhost/test', /^TEST_DATABASE_URL must look like postgres:/],
  [
    'where nothing listens',
    'postgres://postgres@127.0.0.1:1/postgres',
    /not reached.*ECONNREFUSED.*correct TEST_DATABASE_URL\.$/,
  ],
  [
    'that does not exist',
    urlWith((url) => (url.pathname = '/nowhere')),
    /^The database that TEST_DATABASE_URL names does not exist/,
  ],
])('one %s', async (_kind, url, message) => {
  await expect(mustBeReached(url, name)).rejects.toThrow(message);
});

test('tests want a superuser, who is named', async () => {
  const role = `nobody_${randomBytes(6).toString('hex')}`;
  const server = inject('databaseUrl');
  await asSuperuser(server, (client) =>
    client.query(
      `create role ${role} login password 'of-no-account'; grant create on schema public to ${role}`,
    ),
  );
  const url = urlWith((one) => {
    one.username = role;
    one.password = 'of-no-account';
  });
  try {
    await expect(mustBeReached(url, name)).resolves.toBeUndefined();
    await expect(mustBeReached(url, name, { superuser: true })).rejects.toThrow(
      /^The user of TEST_DATABASE_URL is no superuser/,
    );
  } finally {
    await asSuperuser(server, (client) => client.query(`drop owned by ${role}; drop role ${role}`));
  }
  await expect(mustBeReached(server, name, { superuser: true })).resolves.toBeUndefined();
});

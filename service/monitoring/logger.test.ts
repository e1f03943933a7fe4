import pg from 'pg';
import { expect, test } from 'vitest';
import { createLogger, describeError } from './logger.ts';

/** What a log says of an error quotes nobody. */

const words = 'Asha +919812345678';

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('It threw nothing.');
}

function fromDatabase(code: string, message: string): Error {
  const error = new pg.DatabaseError(message, message.length, 'error');
  return Object.assign(error, { code, detail: `Failing row contains (${words}).`, table: 'contacts' });
}

test.each([
  ['a parser', thrownBy(() => JSON.parse(words) as unknown)],
  ['an argument', thrownBy(() => Buffer.alloc(words as never))],
  ['an address', thrownBy(() => new URL(words))],
  ['the database’s details', fromDatabase('42P01', 'relation "contacts" does not exist')],
  ['the database of a value', fromDatabase('22P02', `invalid input syntax for type uuid: "${words}"`)],
  ['the database of a row', fromDatabase('23514', 'new row violates check constraint')],
  ['a trigger', fromDatabase('P0001', `no such row as ${words}`)],
  ['the database in words of no class', Object.assign(new pg.DatabaseError(words, 1, 'error'))],
  ['a cause', new Error('It failed.', { cause: fromDatabase('22P02', words) })],
  ['what is no error', words],
])('by %s', (_by, error) => {
  expect(JSON.stringify(describeError(error))).not.toMatch(/Asha|98123/);
});

test('and says what it takes to find it', () => {
  const described = describeError(fromDatabase('42P01', 'relation "contacts" does not exist'));
  expect(described).toMatchObject({
    type: 'error',
    code: '42P01',
    message: 'relation "contacts" does not exist',
    about: 'contacts',
  });
  expect(described.stack?.[0]).toMatch(/^at .*logger\.test\.ts/);
});

test.each(['authorization', 'token', 'accessToken', 'accessKey', 'secretKey', 'secret'])(
  'what is called %s is left out, should it ever be logged',
  (name) => {
    const lines: string[] = [];
    const logger = createLogger('info', { write: (line) => void lines.push(line) });
    logger.info({ keys: { [name]: 'opens-an-account' } }, 'connected');
    expect(lines.join('')).toContain('connected');
    expect(lines.join('')).not.toContain('opens-an-account');
  },
);

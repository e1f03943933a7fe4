import { randomUUID } from 'node:crypto';
import { createEngineFixture, type EngineFixture, until } from '@sangam/test';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  connectionsOf,
  insertContacts,
  lockToErase,
  saveLinks,
  standingContacts,
  standingContactsAndTied,
  type WorkspaceTransaction,
} from '../index.ts';

/** Who remembers something of people and who erases them wait for each other. */

let engine: EngineFixture;
let connectionId = '';
beforeAll(async () => {
  engine = await createEngineFixture();
  const [connection] = await transact(connectionsOf);
  connectionId = connection?.connectionId ?? '';
});
afterAll(() => engine.close());

const transact = <Result>(work: (trx: WorkspaceTransaction) => Promise<Result>): Promise<Result> =>
  engine.store.transact(engine.workspaceId, work);

const isWaiting = async (): Promise<boolean> => {
  const { rows } = await transact((trx) =>
    sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
        and ${trx.workspaceId}::text is not null`.execute(trx),
  );
  return rows.length > 0;
};

const person = { contactId: '', recordId: '' };
const remembering: Readonly<Record<string, (trx: WorkspaceTransaction) => Promise<unknown>>> = {
  'names them': (trx) => standingContacts(trx, [person.contactId]),
  'names them among others': (trx) => standingContactsAndTied(trx, connectionId, [person.contactId], []),
  'remembers a record of theirs': (trx) => standingContactsAndTied(trx, connectionId, [], [person.recordId]),
};

test.each(
  Object.entries(remembering).flatMap(
    ([name, remember]) =>
      [
        [`who erases waits for who ${name}`, remember, eraseNow],
        [`who ${name} waits for who erases`, eraseNow, remember],
      ] as const,
  ),
)('%s', async (_, first, second) => {
  Object.assign(person, { contactId: randomUUID(), recordId: randomUUID() });
  await transact(async (trx) => {
    const founding = { value: '+919812345678', at: 1 };
    await insertContacts(trx, [{ contactId: person.contactId, founding, joins: {} }], 1);
    await saveLinks(trx, connectionId, [{ ...person, primary: true, reason: 'created' }], 1);
  });
  const ended: string[] = [];
  const later = await transact(async (trx) => {
    await first(trx);
    const other = transact(second).then(() => void ended.push('second'));
    await until('the second to end or to wait', async () => ended.length > 0 || (await isWaiting()));
    ended.push('first');
    return { other };
  });
  await later.other;
  expect(ended).toEqual(['first', 'second']);
});

test('whoever was erased is not among those who stand, nor is what they alone were tied to', async () => {
  const [gone, here] = [randomUUID(), randomUUID()];
  await transact(async (trx) => {
    const founding = { value: '+919812345678', at: 1 };
    await insertContacts(trx, [{ contactId: here, founding, joins: {} }], 1);
    await saveLinks(
      trx,
      connectionId,
      [{ contactId: here, recordId: '1', primary: true, reason: 'created' }],
      1,
    );
    expect(await standingContacts(trx, [gone, here])).toEqual(new Set([here]));
    expect(await standingContactsAndTied(trx, connectionId, [gone, here], ['1', '2'])).toEqual({
      here: new Set([here]),
      tied: new Set(['1']),
    });
  });
});

function eraseNow(trx: WorkspaceTransaction): Promise<void> {
  return lockToErase(trx, [person.contactId]);
}

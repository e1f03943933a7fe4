import { randomUUID } from 'node:crypto';
import { createEngineFixture, type EngineFixture } from '@sangam/test';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ownNumberOf } from '../../mapping/index.ts';
import {
  agreeRecords,
  connectionsOf,
  givePrimaryRecords,
  primaryRecordsOfEarlierHolders,
  insertContacts,
  linksOfContacts,
  markGone,
  replaceIdentities,
  saveLinks,
  type WorkspaceTransaction,
} from '../index.ts';

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

/** Two who held `value` one after the other, each with a primary record of their own and tied to the other's. */
async function holders(value: string): Promise<readonly [string, string]> {
  const [first, second] = [randomUUID(), randomUUID()];
  await transact(async (trx) => {
    await insertContacts(
      trx,
      [first, second].map((contactId) => ({ contactId, founding: { value, at: 1 }, joins: {} })),
      1,
    );
    await replaceIdentities(
      trx,
      [],
      [
        { value, since: 1, contactId: first },
        { value, since: 2, contactId: second },
      ],
    );
    for (const primary of [true, false]) {
      const ties = [first, second].map((contactId) => ({
        contactId,
        recordId: `r.${primary ? contactId : contactId === first ? second : first}`,
        primary,
        reason: 'phone' as const,
      }));
      await saveLinks(trx, connectionId, ties, 1);
    }
  });
  return [first, second];
}

test('the primary record of who held a phone before is theirs, and that of who has it since is not', async () => {
  const [first, second] = await holders('+919812345678');
  await transact(async (trx) => {
    expect(await primaryRecordsOfEarlierHolders(trx, connectionId, [first, second])).toEqual([
      { contactId: second, recordId: `r.${first}`, typed: false },
    ]);
  });
});

const list = '+91 98123 45671, +919812345672';

test.each([
  ['ours, as we wrote it', { phone: '+919812345671' }, '+919812345671', false],
  ['typed over ours', { phone: '+919812345670' }, '09812345671', true],
  ['the one of a list that is ours', { phone: list, [ownNumberOf('phone')]: '+91 98123 45671' }, list, false],
  ['typed into a list beside ours', { phone: list, [ownNumberOf('phone')]: '+919812345672' }, list, true],
])('the phone on the earlier holder’s record is %s', async (_, base, typed, isTyped) => {
  const phone = '+919812345671';
  const [first, second] = await holders(phone);
  await transact(async (trx) => {
    const written = {
      recordId: `r.${first}`,
      keyContactId: first,
      base,
      ours: ['phone'],
      refused: {},
      phones: [{ field: 'phone', place: 0, typed, phone }],
    };
    await agreeRecords(trx, connectionId, [written], 1);
    expect(await primaryRecordsOfEarlierHolders(trx, connectionId, [second])).toEqual([
      { contactId: second, recordId: `r.${first}`, typed: isTyped },
    ]);
  });
});

test('whose record went gets the primary record of who has their phone since, and not of who had it before', async () => {
  const primariesLeft = async (contactId: string): Promise<string[]> =>
    transact(async (trx) => {
      const own = `r.${contactId}`;
      await markGone(trx, connectionId, [{ recordId: own, how: 'deleted', at: 2 }]);
      await givePrimaryRecords(trx, connectionId, [own], 3);
      const links = await linksOfContacts(trx, connectionId, [contactId]);
      return links.filter(({ primary }) => primary).map(({ recordId }) => recordId);
    });
  const [first, second] = await holders('+919812345679');
  expect(await primariesLeft(first)).toEqual([`r.${second}`]);
  const [former, present] = await holders('+919812345670');
  expect(await primariesLeft(present)).toEqual([`r.${present}`]);
  expect(former).not.toBe(present);
});

test('what is no phone makes no earlier holder', async () => {
  const people = await holders('bsuid:p:IN.1');
  expect(await transact((trx) => primaryRecordsOfEarlierHolders(trx, connectionId, people))).toEqual([]);
});

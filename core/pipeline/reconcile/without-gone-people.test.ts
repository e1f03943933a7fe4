import { randomUUID } from 'node:crypto';
import { createEngineFixture, type EngineFixture, engineNow, everyStoredRow } from '@sangam/test';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ownNumberOf } from '../../mapping/phone-list.ts';
import { connectionsOf, erasedHash, insertContacts, type WorkspaceTransaction } from '../../store/index.ts';
import { type Finding, foldFindings } from './findings.ts';
import { rememberFindings } from './remember-findings.ts';

let engine: EngineFixture;
beforeEach(async () => {
  engine = await createEngineFixture();
});
afterEach(() => engine.close());

const transact = <Result>(work: (trx: WorkspaceTransaction) => Promise<Result>): Promise<Result> =>
  engine.store.transact(engine.workspaceId, work);

test('nothing that calls bring of somebody erased meanwhile is kept, and all of whoever stands', async () => {
  const [connection] = await transact(connectionsOf);
  if (connection === undefined) throw new Error('There is no connection.');
  const { connectionId } = connection;
  const [here, gone] = [randomUUID(), randomUUID()];
  const founding = { value: '+919812345678', at: 1 };
  await transact((trx) => insertContacts(trx, [{ contactId: here, founding, joins: {} }], 1));
  const found = [here, gone].map((contactId): Finding => {
    const recordId = `r.${contactId}`;
    const of = { connectionId, contactId, explanation: '' };
    return {
      links: [{ contactId, recordId, primary: true, reason: 'created' }],
      newKeys: [{ contactId, key: randomUUID(), ownerId: null }],
      conflicts: [{ ...of, kind: 'two records', recordIds: [recordId, '9'] }],
      letters: [{ ...of, reason: 'refused', source: 'crm', receivedAt: engineNow }],
    };
  });
  const nothing = new Set<string>();
  const followed = {
    connectionId,
    fields: nothing,
    theirs: nothing,
    ours: nothing,
    same: () => true,
    numbersIn: () => [],
  };
  const erasureKeyOf = (): Promise<Buffer> => Promise.resolve(Buffer.alloc(32, 7));
  await transact((trx) =>
    rememberFindings(
      trx,
      connection,
      { leased: [], lease: randomUUID(), mapping: [], entriesMove: false, followed, erasureKeyOf },
      foldFindings(found),
      engineNow,
    ),
  );
  const rows = await everyStoredRow(engine.store, engine.workspaceId);
  const tablesNaming = (contactId: string): Set<string> =>
    new Set(rows.filter(({ text }) => text.includes(contactId)).map(({ table }) => table));
  expect(tablesNaming(gone)).toEqual(new Set());
  const kept = tablesNaming(here);
  for (const table of ['crm_links', 'crm_creations', 'conflicts', 'dead_letters']) {
    expect(kept.has(table), table).toBe(true);
  }
});

test('of a list of phones that held one of somebody erased meanwhile not even that number is kept', async () => {
  const [connection] = await transact(connectionsOf);
  if (connection === undefined) throw new Error('There is no connection.');
  const { connectionId } = connection;
  const [here, recordId, phone] = [randomUUID(), 'r.shared', '+919899999999'];
  const key = Buffer.alloc(32, 7);
  await transact(async (trx) => {
    await insertContacts(
      trx,
      [{ contactId: here, founding: { value: '+919812345678', at: 1 }, joins: {} }],
      1,
    );
    await trx
      .insertInto('erased_identities')
      .values({
        workspace_id: trx.workspaceId,
        hash: erasedHash(key, phone),
        since: 0,
        until: engineNow,
        gave_up: false,
        scopes: [],
        bsuids: [],
      })
      .execute();
  });
  const nothing = new Set<string>();
  const followed = {
    connectionId,
    fields: nothing,
    theirs: nothing,
    ours: nothing,
    same: () => true,
    numbersIn: () => [],
  };
  const list = `${phone}\n022 1234567`;
  const agreed = {
    recordId,
    keyContactId: here,
    base: { phones: list, [ownNumberOf('phones')]: phone },
    ours: ['phones'],
    refused: {},
    phones: [{ field: 'phones', part: 0, place: 0, typed: list, phone }],
  };
  await transact((trx) =>
    rememberFindings(
      trx,
      connection,
      {
        leased: [],
        lease: randomUUID(),
        mapping: [],
        entriesMove: false,
        followed,
        erasureKeyOf: () => Promise.resolve(key),
      },
      foldFindings([
        { links: [{ contactId: here, recordId, primary: true, reason: 'created' }], agreed: [agreed] },
      ]),
      engineNow,
    ),
  );
  const rows = await everyStoredRow(engine.store, engine.workspaceId);
  expect(rows.filter(({ table }) => table === 'crm_records')).toHaveLength(1);
  expect(rows.filter(({ text }) => text.includes(phone.slice(3))).map(({ table }) => table)).toEqual([]);
});

import { randomUUID } from 'node:crypto';
import { createEngineFixture, type EngineFixture, engineNow, everyStoredRow } from '@sangam/test';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectionsOf, insertContacts, type WorkspaceTransaction } from '../../store/index.ts';
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
  const followed = { connectionId, fields: nothing, theirs: nothing, ours: nothing, same: () => true };
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

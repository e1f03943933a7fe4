import { randomUUID } from 'node:crypto';
import { addWorkspace, createTestDatabase } from '@sangam/test';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  connectionsOf,
  decideConnection,
  type DirtyRecord,
  forgetTries,
  insertContacts,
  leaseDirty,
  markContacts,
  markPriority,
  markRecords,
  openStore,
  returnDirty,
  saveLinks,
  settleDirty,
  type Store,
  writableConnection,
  type WorkspaceTransaction,
} from '../index.ts';

/** Marks: what they keep, what ends them, and who may end them. */

let store: Store;
let drop: () => Promise<void>;
let workspaceId: string;
let connectionId: string;

beforeAll(async () => {
  const database = await createTestDatabase();
  store = openStore(database.url);
  drop = async () => {
    await store.close();
    await database.drop();
  };
});
afterAll(() => drop());
beforeEach(async () => {
  ({ workspaceId } = await addWorkspace(store));
  connectionId = await inStore(async (trx) => {
    const [connection] = await connectionsOf(trx);
    if (connection === undefined) throw new Error('There is no connection.');
    await decideConnection(trx, connection.connectionId, { mode: 'live' });
    return connection.connectionId;
  });
});

const inStore = <Result>(work: (trx: WorkspaceTransaction) => Promise<Result>): Promise<Result> =>
  store.transact(workspaceId, work);
const mark = (recordId: string, priority: number, reread = false): Promise<void> =>
  inStore((trx) => markRecords(trx, connectionId, [recordId], { priority, reread }, 1));
const lease = async (now = 1): Promise<{ readonly lease: string; readonly taken: DirtyRecord[] }> => {
  const id = randomUUID();
  const taken = await inStore(async (trx) => {
    const connection = await writableConnection(trx, connectionId);
    if (connection === undefined) throw new Error('It may not be written.');
    return leaseDirty(trx, { connection, lease: id, size: 10, now, leaseMs: 1000 });
  });
  return { lease: id, taken };
};
const settle = (held: {
  readonly lease: string;
  readonly taken: readonly DirtyRecord[];
}): Promise<string[]> =>
  inStore((trx) => settleDirty(trx, { connectionId, lease: held.lease, settled: held.taken }));

test('a later mark never lowers the priority of a STOP, and a STOP hurries what waits', async () => {
  await mark('1', markPriority.consent);
  await mark('1', markPriority.fields);
  await mark('2', markPriority.fields);
  await mark('2', markPriority.consent);
  expect((await lease()).taken.map(({ priority }) => priority)).toEqual([0, 0]);
});

test.each([
  ['live', ['1', '2']],
  ['test', ['1']],
  ['shadow', []],
] as const)('in mode %s what may be written is taken', async (mode, recordIds) => {
  const contactId = randomUUID();
  const phone = '+919812345678';
  await inStore(async (trx) => {
    await insertContacts(trx, [{ contactId, founding: { value: phone, at: 1 }, joins: {} }], 1);
    await saveLinks(trx, connectionId, [{ contactId, recordId: '1', primary: true, reason: 'created' }], 1);
    await trx
      .insertInto('identities')
      .values({ workspace_id: trx.workspaceId, value: phone, since: 1, contact_id: contactId })
      .execute();
  });
  await mark('1', markPriority.fields);
  await mark('2', markPriority.fields);
  const connection = { connectionId, mode, testPhones: [phone], timelineBlockedReason: null };
  const taken = await inStore((trx) =>
    leaseDirty(trx, { connection, lease: randomUUID(), size: 10, now: 1, leaseMs: 1000 }),
  );
  expect(taken.map((one) => one.recordId).toSorted()).toEqual(recordIds);
});

test('settling asks for its lease: who was overtaken ends nothing', async () => {
  await mark('1', markPriority.fields);
  const overtaken = await lease(1);
  const held = await lease(5_000);
  expect(held.taken).toHaveLength(1);
  expect(await settle(overtaken)).toEqual([]);
  await mark('1', markPriority.fields);
  await settle(overtaken);
  expect((await lease(5_001)).taken).toEqual([]);
  const lost = { dirty: held.taken[0] as DirtyRecord, retryAt: 9_000 };
  await inStore((trx) => returnDirty(trx, { connectionId, lease: overtaken.lease, returned: [lost] }));
  expect((await lease(5_001)).taken).toEqual([]);
  await settle(held);
  expect((await lease(5_001)).taken).toMatchObject([{ tried: false }]);
});

describe('a mark that asks for a read', () => {
  test('is ended by one, though something else came meanwhile', async () => {
    await mark('1', markPriority.fields, true);
    const held = await lease();
    expect(held.taken).toMatchObject([{ reread: true }]);
    await mark('1', markPriority.fields);
    await settle(held);
    expect((await lease()).taken).toMatchObject([{ reread: false }]);
  });

  test('stands when it came while the record was read', async () => {
    await mark('1', markPriority.fields, true);
    const held = await lease();
    await mark('1', markPriority.fields, true);
    await mark('1', markPriority.fields);
    await settle(held);
    expect((await lease()).taken).toMatchObject([{ reread: true }]);
  });

  test('stands when it goes back', async () => {
    await mark('1', markPriority.fields, true);
    const held = await lease();
    const returned = held.taken.map((dirty) => ({ dirty }));
    await inStore((trx) => returnDirty(trx, { connectionId, lease: held.lease, returned }));
    expect((await lease()).taken).toMatchObject([{ reread: true }]);
  });
});

test('what may still be made is waited for, whoever marks it and whatever else is forgiven', async () => {
  await mark('1', markPriority.fields);
  const held = await lease(1);
  await inStore((trx) =>
    trx.updateTable('dirty_records').set({ tried: true }).where('workspace_id', '=', workspaceId).execute(),
  );
  const returned = held.taken.map((dirty) => ({ dirty, retryAt: 10, notBefore: 100 }));
  await inStore((trx) => returnDirty(trx, { connectionId, lease: held.lease, returned }));
  await mark('1', markPriority.consent);
  expect((await lease(99)).taken).toEqual([]);
  await inStore((trx) => forgetTries(trx, connectionId));
  expect((await lease(99)).taken).toEqual([]);
  expect((await lease(100)).taken).toHaveLength(1);
});

test('a mark keeps the traces of the first sixteen events behind it, however they come', async () => {
  const contactId = randomUUID();
  const traces = Array.from({ length: 30 }, (_, index) => `trace-${String(index)}`);
  const tracesOf = (taken: readonly DirtyRecord[]): (readonly string[])[] =>
    taken.map(({ traceparents }) => traceparents ?? []);
  const mark = (traceparents: readonly string[]): Promise<void> =>
    inStore((trx) => markContacts(trx, [{ contactId, priority: markPriority.fields, traceparents }], 1));
  await mark(traces.slice(0, 3));
  // What comes without one takes none away.
  await mark([]);
  await mark(traces.slice(3, 5));
  const { lease: id, taken } = await lease();
  expect(tracesOf(taken)).toEqual([traces.slice(0, 5)]);
  await settle({ lease: id, taken });
  await mark(traces);
  expect(tracesOf((await lease(5_000)).taken)).toEqual([traces.slice(0, 16)]);
  await mark(traces.toReversed());
  expect(tracesOf((await lease(10_000)).taken)).toEqual([traces.slice(0, 16)]);
});

test('in live mode a lease looks at marks alone', async () => {
  await mark('1', markPriority.fields);
  const looked = await inStore(async (trx) => {
    const connection = await writableConnection(trx, connectionId);
    if (connection === undefined) throw new Error('It may not be written.');
    await leaseDirty(trx, { connection, lease: randomUUID(), size: 10, now: 1, leaseMs: 1000 });
    // Until it ends a transaction keeps a lock on whatever its statements name.
    const { rows } = await sql<{ name: string }>`
      select relation::regclass::text as name from pg_locks where pid = pg_backend_pid() and locktype = 'relation'`.execute(
      trx,
    );
    return rows.map(({ name }) => name);
  });
  expect(looked).toContain('dirty_records');
  expect(looked).not.toContain('identities');
});

import { randomUUID } from 'node:crypto';
import { addWorkspace, createTestDatabase } from '@sangam/test';
import { expect, test } from 'vitest';
import { addErasedValues, erasedValuesOf, markGone, openStore, recordsById } from '../index.ts';

test('what we wrote of somebody erased is known of where it went, also of a record nobody has seen', async () => {
  const database = await createTestDatabase();
  const store = openStore(database.url);
  const { workspaceId } = await addWorkspace(store);
  const connectionId = randomUUID();
  const known = await store.transact(workspaceId, async (trx) => {
    await addErasedValues(trx, connectionId, new Map([['1', { written: { name: ['hash'] }, erasedAt: 1 }]]));
    await markGone(trx, connectionId, [{ recordId: '1', how: 'merged', at: 2, movedTo: '2' }]);
    return erasedValuesOf(trx, connectionId, ['2']);
  });
  expect(known).toEqual(new Map([['2', { name: ['hash'] }]]));
  await store.close();
  await database.drop();
});

test('of several records at once each is known for what was written there, and for when its person was erased', async () => {
  const database = await createTestDatabase();
  const store = openStore(database.url);
  const { workspaceId } = await addWorkspace(store);
  const connectionId = randomUUID();
  const rows = await store.transact(workspaceId, async (trx) => {
    const one = { written: { name: ['a'] }, erasedAt: 1 };
    const other = { written: { name: ['b'] }, erasedAt: 2 };
    await addErasedValues(trx, connectionId, new Map([['1', other]]));
    await addErasedValues(
      trx,
      connectionId,
      new Map([
        ['2', { ...other, erasedAt: 3 }],
        ['1', one],
      ]),
    );
    return recordsById(trx, connectionId, ['1', '2']);
  });
  expect(
    rows
      .map(({ recordId, erasedValues, erasedAt, readAt }) => ({ recordId, erasedValues, erasedAt, readAt }))
      .toSorted((x, y) => x.recordId.localeCompare(y.recordId)),
  ).toEqual([
    { recordId: '1', erasedValues: { name: ['b', 'a'] }, erasedAt: 2, readAt: 2 },
    { recordId: '2', erasedValues: { name: ['b'] }, erasedAt: 3, readAt: 3 },
  ]);
  await store.close();
  await database.drop();
});

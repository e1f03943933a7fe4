import { randomUUID } from 'node:crypto';
import { addWorkspace, createTestDatabase } from '@sangam/test';
import { expect, test } from 'vitest';
import { addErasedValues, erasedValuesOf, markGone, openStore } from '../index.ts';

test('what we wrote of somebody erased is known of where it went, also of a record nobody has seen', async () => {
  const database = await createTestDatabase();
  const store = openStore(database.url);
  const { workspaceId } = await addWorkspace(store);
  const connectionId = randomUUID();
  const known = await store.transact(workspaceId, async (trx) => {
    await addErasedValues(trx, connectionId, new Map([['1', { name: ['hash'] }]]), 1);
    await markGone(trx, connectionId, [{ recordId: '1', how: 'merged', at: 2, movedTo: '2' }]);
    return erasedValuesOf(trx, connectionId, ['2']);
  });
  expect(known).toEqual(new Map([['2', { name: ['hash'] }]]));
  await store.close();
  await database.drop();
});

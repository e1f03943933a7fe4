import { randomUUID } from 'node:crypto';
import { addWorkspace, createTestDatabase } from '@sangam/test';
import { expect, test } from 'vitest';
import { agreeRecords, openStore, recordsById, saveRecords } from '../index.ts';

test('a look does not overwrite what both sides agreed on, nor what the CRM refused; what it was never told stays known', async () => {
  const database = await createTestDatabase();
  const store = openStore(database.url);
  const { workspaceId } = await addWorkspace(store);
  const connectionId = randomUUID();
  const one = { recordId: '1', keyContactId: undefined, phones: [] };
  const [row] = await store.transact(workspaceId, async (trx) => {
    await saveRecords(trx, connectionId, [{ ...one, base: { a: 'seen' }, rank: 1, createdAt: 5 }], 1);
    await agreeRecords(
      trx,
      connectionId,
      [{ ...one, base: { a: 'agreed' }, ours: ['a'], refused: { b: 'x' } }],
      2,
    );
    await saveRecords(trx, connectionId, [{ ...one, base: { a: 'changed' } }], 3);
    return recordsById(trx, connectionId, ['1']);
  });
  expect(row).toMatchObject({
    base: { a: 'agreed' },
    ours: ['a'],
    refused: { b: 'x' },
    agreed: true,
    readAt: 3,
    baseAt: 2,
  });
  await store.close();
  await database.drop();
});

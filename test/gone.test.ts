import { expect, test } from 'vitest';
import { memoryAccounts } from './conformance/memory-account.ts';
import { minute, somebody, stageFor } from './conformance/stage.ts';

test('of 120 records made and deleted in the CRM each is read once, and none goes before a STOP', async () => {
  const accounts = memoryAccounts();
  const { world, crm } = await stageFor(accounts.open)();
  const account = accounts.opened();
  await crm.writes(somebody(1, 'Asha'));
  await world.settle();
  const made = Array.from({ length: 120 }, (_, index) =>
    account.crm.user.create({ FirstName: String(index) }),
  );
  for (const recordId of made) account.crm.user.remove(recordId);
  const at = world.clock.now();
  const changes = made.flatMap((recordId) => [
    { kind: 'created' as const, recordId, at },
    { kind: 'deleted' as const, recordId, at },
  ]);
  const { calls } = account.crm;
  calls.length = 0;
  await world.process.changes.receive(
    'memory',
    [{ account: account.account, changes }],
    { kind: 'connection', workspaceId: crm.workspaceId, connectionId: crm.connectionId },
    Buffer.from(JSON.stringify(changes)),
  );
  await crm.writes(somebody(1, 'Asha'), 'STOP');
  await world.settle();
  expect(crm.isOptedOut(await crm.record())).toBe(true);
  const reads = calls.filter(({ operation }) => operation === 'read');
  expect(reads.reduce((sum, { items }) => sum + items, 0)).toBeLessThanOrEqual(121);
  expect(calls.find(({ operation }) => operation === 'update')).toMatchObject({ priority: 'consent' });

  calls.length = 0;
  world.clock.advance(minute);
  await crm.writes(somebody(1, 'Asha'), 'Still here');
  await world.settle();
  expect(calls.filter(({ operation }) => operation === 'read')).toEqual([]);
  const { rows } = await world.database.query('select 1 from dirty_records');
  expect(rows).toEqual([]);
});

test('what a batch brings to light is marked with the priority of its own mark', async () => {
  const accounts = memoryAccounts();
  const { world, crm } = await stageFor(accounts.open)();
  const account = accounts.opened();
  for (const index of [1, 2]) await crm.writes(somebody(index));
  await world.settle();
  const [asha, ravi] = await crm.records();
  const survivor = account.crm.user.create({ FirstName: 'Ravi' });
  account.crm.user.merge(survivor, ravi?.recordId ?? '');
  world.clock.advance(minute);
  await crm.writes(somebody(2), 'Is anybody there?');
  await crm.writes(somebody(1), 'STOP');
  await world.process.apply();
  account.crm.calls.length = 0;
  await world.settle();
  expect(crm.isOptedOut(await account.user.get(asha?.recordId ?? ''))).toBe(true);
  const seen = account.crm.calls.filter(({ operation }) => operation === 'update' || operation === 'read');
  expect(seen[0]).toMatchObject({ operation: 'update', items: 2, priority: 'consent' });
  expect(seen[1]).toMatchObject({ operation: 'read', items: 1, priority: 'fields' });
});

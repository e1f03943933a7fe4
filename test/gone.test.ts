import { expect, test } from 'vitest';
import { memoryAccounts } from './conformance/memory-account.ts';
import { minute, somebody, setUpFor } from './conformance/set-up.ts';
import { tell } from './harness/tell.ts';

test('of 120 records made and deleted in the CRM each is read once, and none goes before a STOP', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)();
  const account = accounts.opened();
  await crm.writes(somebody(1, 'Asha'));
  await fixture.settle();
  const made = Array.from({ length: 120 }, (_, index) =>
    account.crm.user.create({ FirstName: String(index) }),
  );
  for (const recordId of made) account.crm.user.remove(recordId);
  const at = fixture.clock.now();
  const changes = made.flatMap((recordId) => [
    { kind: 'created' as const, recordId, at },
    { kind: 'deleted' as const, recordId, at },
  ]);
  const { calls } = account.crm;
  calls.length = 0;
  await fixture.process.changes.receive(
    'memory',
    [{ account: account.account, changes }],
    { kind: 'connection', workspaceId: crm.workspaceId, connectionId: crm.connectionId },
    Buffer.from(JSON.stringify(changes)),
  );
  await crm.writes(somebody(1, 'Asha'), 'STOP');
  await fixture.settle();
  expect(crm.isOptedOut(await crm.record())).toBe(true);
  const reads = calls.filter(({ operation }) => operation === 'read');
  expect(reads.reduce((sum, { items }) => sum + items, 0)).toBeLessThanOrEqual(121);
  expect(calls.find(({ operation }) => operation === 'update')).toMatchObject({ priority: 'consent' });

  calls.length = 0;
  fixture.clock.advance(minute);
  await crm.writes(somebody(1, 'Asha'), 'Still here');
  await fixture.settle();
  expect(calls.filter(({ operation }) => operation === 'read')).toEqual([]);
  const { rows } = await fixture.database.query('select 1 from dirty_records');
  expect(rows).toEqual([]);
});

test('a record that others went into, and that was deleted before anybody saw it, keeps nobody who wrote since from one', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)();
  const { user } = accounts.opened().crm;
  await crm.writes(somebody(1, 'Asha'), 'Hello');
  await fixture.settle();
  const { recordId } = await crm.record();
  fixture.clock.advance(minute);
  const into = user.create({ FirstName: 'Survivor' });
  user.merge(into, recordId);
  const at = fixture.clock.now();
  user.remove(into);
  fixture.clock.advance(minute);
  await crm.writes(somebody(1, 'Asha'), 'Is anybody there?');
  fixture.clock.advance(minute);
  await tell(fixture, crm, { kind: 'merged', recordId, into, at });
  await fixture.settle();
  const shown = await crm.account.user.timeline((await crm.record()).recordId);
  expect(shown.map(({ text }) => text).join()).toContain('Is anybody there?');
});

test('what a batch brings to light is marked with the priority of its own mark', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)();
  const account = accounts.opened();
  for (const index of [1, 2]) {
    await crm.writes(somebody(index));
    await fixture.settle();
  }
  const [asha, ravi] = await crm.records();
  const survivor = account.crm.user.create({ FirstName: 'Ravi' });
  account.crm.user.merge(survivor, ravi?.recordId ?? '');
  fixture.clock.advance(minute);
  await crm.writes(somebody(2), 'Is anybody there?');
  await crm.writes(somebody(1), 'STOP');
  await fixture.process.apply();
  account.crm.calls.length = 0;
  await fixture.settle();
  expect(crm.isOptedOut(await account.user.get(asha?.recordId ?? ''))).toBe(true);
  // The survivor, which nobody had seen, is read for the message's sake, not the STOP's.
  const { calls } = account.crm;
  expect(calls.find(({ operation }) => operation === 'update')).toMatchObject({ priority: 'consent' });
  expect(calls.findLast(({ operation }) => operation === 'read')).toMatchObject({ priority: 'fields' });
});

import { expect, test } from 'vitest';
import { memoryAccounts } from './conformance/memory-account.ts';
import { minute, nationalNumber, somebody, stageFor } from './conformance/stage.ts';
import { everyRow } from './harness/every-row.ts';
import { memoryFields } from './harness/memory-crm.ts';

/** People write several numbers into one phone field. */

const both = `+91 ${nationalNumber(1)} / +91 ${nationalNumber(2)}`;

test('whoever writes from one of them has that record', async () => {
  const accounts = memoryAccounts();
  const { world, crm } = await stageFor(accounts.open)();
  const recordId = accounts.opened().crm.user.create({ FirstName: 'Asha', [memoryFields.phone]: both });
  await crm.check();
  for (const index of [1, 2]) {
    world.clock.advance(minute);
    await crm.writes(somebody(index));
    await world.settle();
  }
  expect((await crm.records()).map((record) => record.recordId)).toEqual([recordId]);
});

test('a number taken out of the field is no longer known by it', async () => {
  const accounts = memoryAccounts();
  const { world, crm } = await stageFor(accounts.open)();
  const { user } = accounts.opened().crm;
  const recordId = user.create({ FirstName: 'Asha', [memoryFields.phone]: both });
  await crm.check();
  user.update(recordId, { [memoryFields.phone]: `+91 ${nationalNumber(1)}` });
  world.clock.advance(minute);
  await crm.check();
  await crm.writes(somebody(2));
  await world.settle();
  expect(await crm.records()).toHaveLength(2);
});

test('erasing one of two people leaves no number of theirs', async () => {
  const accounts = memoryAccounts();
  const { world, crm } = await stageFor(accounts.open)();
  accounts.opened().crm.user.create({ FirstName: 'Asha', [memoryFields.phone]: both });
  await crm.check();
  for (const index of [1, 2]) {
    world.clock.advance(minute);
    await crm.writes(somebody(index));
    await world.settle();
  }
  await crm.erase(somebody(2));
  expect((await everyRow(world.store, crm.workspaceId)).includes(nationalNumber(2))).toBe(false);
});

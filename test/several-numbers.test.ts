import { expect, test } from 'vitest';
import { memoryAccounts } from './conformance/memory-account.ts';
import { minute, nationalNumber, somebody, setUpFor } from './conformance/set-up.ts';
import { everyRow } from './harness/every-row.ts';
import { memoryFields } from './harness/memory-crm/index.ts';

/** People write several numbers into one phone field. */

const both = `+91 ${nationalNumber(1)} / +91 ${nationalNumber(2)}`;

test('whoever writes from one of them has that record', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)();
  const recordId = accounts.opened().crm.user.create({ FirstName: 'Asha', [memoryFields.phone]: both });
  await crm.check();
  for (const index of [1, 2]) {
    fixture.clock.advance(minute);
    await crm.writes(somebody(index));
    await fixture.settle();
  }
  expect((await crm.records()).map((record) => record.recordId)).toEqual([recordId]);
});

test('a number taken out of the field is no longer known by it', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)();
  const { user } = accounts.opened().crm;
  const recordId = user.create({ FirstName: 'Asha', [memoryFields.phone]: both });
  await crm.check();
  user.update(recordId, { [memoryFields.phone]: `+91 ${nationalNumber(1)}` });
  fixture.clock.advance(minute);
  await crm.check();
  await crm.writes(somebody(2));
  await fixture.settle();
  expect(await crm.records()).toHaveLength(2);
});

test('erasing one of two people leaves no number of theirs', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)();
  accounts.opened().crm.user.create({ FirstName: 'Asha', [memoryFields.phone]: both });
  await crm.check();
  for (const index of [1, 2]) {
    fixture.clock.advance(minute);
    await crm.writes(somebody(index));
    await fixture.settle();
  }
  await crm.erase(somebody(2));
  expect((await everyRow(fixture.store, crm.workspaceId)).includes(nationalNumber(2))).toBe(false);
});

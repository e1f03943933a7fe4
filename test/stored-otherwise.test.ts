import type { CrmValues } from '@sangam/core/crm';
import { expect, test } from 'vitest';
import { memoryAccounts } from './conformance/memory-account.ts';
import { minute, somebody, setUpFor } from './conformance/set-up.ts';

/** A CRM that cuts texts short: what it made of a value is not written again with every message. */
async function scene() {
  const accounts = memoryAccounts({ longestText: 40 });
  const { fixture, crm } = await setUpFor(accounts.open)();
  const { crm: vendor } = accounts.opened();
  const asha = somebody(1, 'Asha Rao');
  await crm.writes(asha, `Is the blue one there? ${'It is for my sister. '.repeat(5)}`);
  await fixture.settle();
  const written: CrmValues[] = [];
  vendor.judge = (_item, values) => {
    written.push(values);
    return undefined;
  };
  const says = async (words: string): Promise<void> => {
    fixture.clock.advance(minute);
    await crm.writes(asha, words);
    await fixture.settle();
  };
  const { recordId } = await crm.record();
  return { fixture, crm, vendor, written, says, recordId, first: crm.fieldOf('first message').name };
}

test('a text that was cut is written once', async () => {
  const { crm, written, says, first } = await scene();
  expect(crm.read(await crm.record(), 'first message')).toHaveLength(40);
  for (const words of ['Hello?', 'Anybody there?', 'STOP']) await says(words);
  expect(written.length).toBeGreaterThanOrEqual(3);
  expect(written.filter((values) => first in values)).toEqual([]);
  expect(await crm.letters()).toEqual([]);
  expect(await crm.occurrences()).toEqual([]);
});

test('a text of ours that somebody changed is written again, once', async () => {
  const { crm, vendor, written, says, recordId } = await scene();
  const person = { ...somebody(1, 'Asha Rao'), username: `asha.${'x'.repeat(60)}` };
  await crm.writes(person, 'With a long username');
  await says('and once more');
  const { name } = crm.fieldOf('username');
  const before = written.filter((values) => name in values).length;
  expect(before).toBe(1);
  vendor.user.update(recordId, { [name]: 'typed by somebody' });
  await crm.check();
  for (const words of ['Hello?', 'Anybody there?']) await says(words);
  expect(written.filter((values) => name in values)).toHaveLength(before + 1);
  expect(crm.read(await crm.record(), 'username')).toHaveLength(40);
});

import { expect, test } from 'vitest';
import { type SetUp, somebody } from './set-up.ts';

/** What is so of one account alone holds for that account, in whichever process. */
export function accounts(setUp: SetUp): void {
  test('two accounts are each written and read by their own facts', async () => {
    const { fixture, crm, addAccount } = await setUp({ polled: true });
    const both = [crm, await addAccount({ polled: true })];
    const asha = somebody(1, 'Asha Rao');
    for (const account of both) await account.writes(asha, 'Is the blue one there?');
    await fixture.settle();
    for (const account of both) await account.writes(asha, 'STOP');
    await fixture.settle();
    for (const account of both) {
      const record = await account.record();
      expect(account.read(record, 'first message')).toBe('Is the blue one there?');
      expect(account.isOptedOut(record)).toBe(true);
      expect(record.values[account.connector.traits.contactIdField]).toBe(
        (await account.contactOf(asha)).contactId,
      );
      const { field, values } = account.account.stage;
      await account.account.user.update(record.recordId, { [field]: values[1] });
    }
    fixture.clock.advance(60_000);
    await fixture.settle();
    for (const account of both) {
      const { field, values } = account.account.stage;
      expect(await account.occurrences()).toMatchObject([{ field, value: values[1] }]);
      expect(await account.letters()).toEqual([]);
    }
    expect(fixture.failures).toEqual([]);
  });

  test('what one process learned of an account holds in the others', async () => {
    const { fixture, crm } = await setUp();
    fixture.addProcess();
    for (let index = 0; index < 20; index += 1) await crm.writes(somebody(index));
    await fixture.settle();
    const records = await crm.records();
    expect(records).toHaveLength(20);
    for (const record of records) expect(crm.read(record, 'phone')).not.toBe('');
    expect(fixture.failures).toEqual([]);
    expect(await crm.letters()).toEqual([]);
  });
}

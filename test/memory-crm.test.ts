import { expect, test } from 'vitest';
import { memoryAccounts } from './conformance/memory-account.ts';
import { stageFor, somebody } from './conformance/stage.ts';

test.each(['keyed', 'findable'] as const)(
  'at a CRM without webhooks, batches or a name we know, a person becomes one record with their conversation (%s)',
  async (writeClass) => {
    const accounts = memoryAccounts({ writeClass, batchSize: 1 });
    const { world, crm } = await stageFor(accounts.open)();
    await crm.writes(somebody(1, 'Asha Rao'), 'Is the blue one there?');
    await crm.writes(somebody(2, 'Ravi'));
    await crm.writes(somebody(1, 'Asha Rao'), 'STOP');
    await world.ride(60_000);
    const records = await crm.records();
    expect(records).toHaveLength(2);
    const asha = records.find((record) => crm.read(record, 'first name') === 'Asha');
    expect(crm.isOptedOut(asha)).toBe(true);
    const [entry] = accounts.opened().crm.user.timeline(asha?.recordId ?? '');
    expect(entry?.text).toContain('Is the blue one there?');
    expect(await crm.letters()).toEqual([]);
  },
);

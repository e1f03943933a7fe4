import type { Connector } from '@sangam/core/crm';
import { expect, test } from 'vitest';
import type { OpenAccount } from './conformance/account.ts';
import { memoryAccounts } from './conformance/memory-account.ts';
import { setUpFor, somebody } from './conformance/set-up.ts';

/** Whether an account's own rules run for what is written is its admin's choice, told with each write. */

/** The CRM in memory, and what its creates and updates are told. */
function listening(): { readonly open: OpenAccount; readonly told: string[] } {
  const accounts = memoryAccounts();
  const told: string[] = [];
  const open: OpenAccount = async (clock) => {
    const account = await accounts.open(clock);
    return {
      ...account,
      connect(permits, facts) {
        const connector = account.connect(permits, facts);
        const create: Connector['create'] = (creates, priority, automations) => {
          told.push(`create ${String(automations)}`);
          return connector.create(creates, priority);
        };
        const update: Connector['update'] = (updates, priority, automations) => {
          told.push(`update ${String(automations)}`);
          return connector.update(updates, priority);
        };
        return Object.assign(Object.create(connector) as Connector, { create, update });
      },
    };
  };
  return { open, told };
}

test('they run for a new record and are left alone by what follows, unless settings say otherwise', async () => {
  const { open, told } = listening();
  const { fixture, crm } = await setUpFor(open)();
  await crm.writes(somebody(1));
  await fixture.settle();
  await crm.writes(somebody(1));
  await fixture.settle();
  expect([...new Set(told)]).toEqual(['create true', 'update false']);
  told.length = 0;
  await crm.configure({ automations: { onCreate: false, onUpdate: true } });
  await crm.writes(somebody(2));
  await fixture.settle();
  await crm.writes(somebody(2));
  await fixture.settle();
  expect([...new Set(told)]).toEqual(['create false', 'update true']);
});

import { claimAsking, listAlerts, touchWebhook, webhooksComeUntil } from '@sangam/core/store';
import { expect, test } from 'vitest';
import { memoryAccounts } from './conformance/memory-account.ts';
import { day, minute, setUpFor, somebody } from './conformance/set-up.ts';
import { memoryFields } from './harness/memory-crm/index.ts';

/** An account whose webhooks do not come is looked at every five minutes: what a poll finds is never old. */

const asha = somebody(1, 'Asha Rao');

const start = async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)({ polled: true });
  const { user } = accounts.opened().crm;
  const { connectionId, workspaceId } = crm;
  await crm.writes(asha);
  await fixture.settle();
  const { recordId } = await crm.record();
  let changes = 0;
  const inStore: typeof fixture.store.transact = (_, work) => fixture.store.transact(workspaceId, work);
  return {
    /** Somebody changes the record, and polls go on for so long. */
    change: async (ms: number): Promise<void> => {
      changes += 1;
      user.update(recordId, { [memoryFields.stage]: changes % 2 === 0 ? 'qualified' : 'customer' });
      for (let passed = 0; passed < ms; passed += 5 * minute) {
        fixture.clock.advance(5 * minute);
        await fixture.settle();
      }
    },
    asked: () =>
      inStore(workspaceId, async (trx) => {
        const now = fixture.clock.now();
        await claimAsking(trx, connectionId, { seen: 0, until: 1 });
        await webhooksComeUntil(trx, connectionId, 1, {
          url: 'u',
          until: now + day,
          againAt: now + day,
          now,
        });
      }),
    told: () => inStore(workspaceId, (trx) => touchWebhook(trx, connectionId, fixture.clock.now())),
    later: (ms: number) => fixture.clock.advance(ms),
    silent: async (): Promise<boolean> => {
      const open = await inStore(workspaceId, (trx) =>
        listAlerts(trx, { limit: 10, after: undefined, state: 'open' }),
      );
      return open.some(({ kind }) => kind === 'webhooks silent');
    },
  };
};

test('one that was asked for webhooks, and tells nothing of what polls find, is told silent until one comes', async () => {
  const { change, asked, told, later, silent } = await start();
  await change(20 * minute);
  expect(await silent()).toBe(false);
  await asked();
  later(2 * minute);
  await change(5 * minute);
  expect(await silent()).toBe(false);
  later(10 * minute);
  await change(5 * minute);
  expect(await silent()).toBe(true);
  await told();
  later(minute);
  await change(5 * minute);
  expect(await silent()).toBe(false);
});

test('one whose webhook comes a few minutes after a poll found the change is not', async () => {
  const { change, asked, told, later, silent } = await start();
  await asked();
  later(2 * minute);
  await change(5 * minute);
  later(3 * minute);
  await told();
  for (let round = 0; round < 4; round += 1) {
    later(10 * minute);
    await told();
    await change(5 * minute);
  }
  expect(await silent()).toBe(false);
});

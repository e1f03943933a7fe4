import { randomUUID } from 'node:crypto';
import { onTestFinished, describe, expect, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { memoryAccounts } from './conformance/memory-account.ts';
import { minute, nationalNumber, somebody, setUpFor } from './conformance/set-up.ts';
import type { CrmFixture } from './harness/crm-fixture.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import { memoryFields } from './harness/memory-crm/index.ts';
import { text } from './harness/whatsapp.ts';

/** A rep makes a record in the CRM shortly before its person writes. */

const asha = somebody(1, 'Asha Rao');
const phone = `+91${nationalNumber(1)}`;

/** Without the second that `writes` lets pass. */
const writesNow = (fixture: CrmFixture, crm: CrmWorkspace, words = 'Hello'): Promise<void> =>
  crm.receive(text(asha, `wamid.${randomUUID()}`, fixture.clock.now(), words));

const primary = async (crm: CrmWorkspace): Promise<string[]> =>
  (await crm.records())
    .filter((record) => crm.read(record, 'last activity') !== '')
    .map(({ recordId }) => recordId);

const movesTo = async (fixture: CrmFixture, crm: CrmWorkspace, recordId: string): Promise<void> => {
  const { corrections } = fixture.process;
  const [conflict] = await crm.conflicts();
  const actor = { workspaceId: crm.workspaceId, memberId: randomUUID() };
  await corrections.acceptConflict(actor, conflict?.conflictId ?? '', recordId);
  await fixture.settle();
  fixture.clock.advance(minute);
  await writesNow(fixture, crm, 'Which one is mine?');
  await fixture.settle();
};

describe.each(['told by webhook', 'polled'])('a CRM whose search lags by five seconds, %s', (how) => {
  const scene = async () => {
    const accounts = memoryAccounts({ searchLagMs: 5_000 });
    const { fixture, crm } = await setUpFor(accounts.open)();
    const account = accounts.opened();
    const { workspaceId, connectionId } = crm;
    /** As the vendor tells by webhook, or as a look finds it. */
    const news = async (recordId: string): Promise<void> => {
      if (how === 'polled') await crm.check();
      else {
        const changes = [{ kind: 'created' as const, recordId, at: fixture.clock.now() }];
        await fixture.process.changes.receive(
          'memory',
          [{ account: account.account, changes }],
          { kind: 'connection', workspaceId, connectionId },
          Buffer.from(JSON.stringify(changes)),
        );
      }
      await fixture.settle();
    };
    await crm.check();
    if (how !== 'polled') await news(account.crm.user.create({ FirstName: 'Somebody else' }));
    const theirs = account.crm.user.create({ FirstName: 'Aasha', [memoryFields.phone]: phone });
    return { fixture, crm, account, news, theirs };
  };

  test('twenty seconds before: theirs is found', async () => {
    const { fixture, crm, news, theirs } = await scene();
    fixture.clock.advance(20_000);
    if (how !== 'polled') await news(theirs);
    await writesNow(fixture, crm);
    await fixture.settle();
    expect(await primary(crm)).toEqual([theirs]);
    expect(await crm.conflicts()).toEqual([]);
  });

  test('0.3 seconds before, nobody can know: its first news is a conflict that names both, and one step moves', async () => {
    const { fixture, crm, news, theirs } = await scene();
    fixture.clock.advance(300);
    await writesNow(fixture, crm);
    await fixture.settle();
    const [made = ''] = await primary(crm);
    expect(made).not.toBe(theirs);
    await news(theirs);
    expect(await crm.conflicts()).toMatchObject([{ kind: 'two records', recordIds: [made, theirs] }]);
    await news(theirs);
    expect(await crm.conflicts()).toHaveLength(1);

    const before = (await crm.records()).find(({ recordId }) => recordId === made);
    await movesTo(fixture, crm, theirs);
    const records = await crm.records();
    const [left, moved] = [made, theirs].map((id) => records.find(({ recordId }) => recordId === id));
    expect(crm.read(moved, 'last activity')).not.toBe('');
    expect(crm.read(left, 'last activity')).toBe(crm.read(before, 'last activity'));
    expect(await crm.conflicts()).toEqual([]);
  });
});

test('people are asked for together, and nobody twice: a hundred new people cost ten searches of ten phones', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)();
  await crm.check();
  const { calls } = accounts.opened().crm;
  for (const words of ['Hello', 'Hello again']) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => crm.writes(somebody(index), words)));
    await fixture.process.apply();
    await fixture.settle();
  }
  expect(calls.filter(({ operation }) => operation === 'findByPhone').map(({ items }) => items)).toEqual(
    Array.from({ length: 10 }, () => 10),
  );
});

test('while webhooks come nobody is asked', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)();
  await crm.check();
  await crm.transact((trx) =>
    trx
      .updateTable('crm_scan_states')
      .set({ last_webhook_at: fixture.clock.now() })
      .where('workspace_id', '=', crm.workspaceId)
      .execute(),
  );
  await crm.writes(somebody(1));
  await fixture.settle();
  const { calls } = accounts.opened().crm;
  expect(calls.filter(({ operation }) => operation === 'findByPhone')).toEqual([]);
  fixture.clock.advance(minute);
  await crm.writes(somebody(2));
  await fixture.settle();
  expect(calls.filter(({ operation }) => operation === 'findByPhone')).toHaveLength(1);
});

describe('HubSpot', () => {
  const typed = (crm: CrmWorkspace): Promise<string> =>
    crm.account.user.create(crm.valuesOf({ 'first name': 'Aasha', phone }));

  test.each([true, false])(
    'twenty seconds before: theirs is found, with webhooks or without (%s)',
    async (webhooks) => {
      const { fixture, crm } = await setUpFor(openHubspotAccount)({ webhooks });
      await crm.check();
      const theirs = await typed(crm);
      await fixture.settle();
      fixture.clock.advance(20_000);
      await writesNow(fixture, crm);
      await fixture.settle();
      expect((await crm.record()).recordId).toBe(theirs);
    },
  );

  test('whose webhook is still on its way: at its first news it is a conflict that names both', async () => {
    const { fixture, crm } = await setUpFor(openHubspotAccount)({ webhooks: true });
    await crm.check();
    await crm.account.user.create(crm.valuesOf({ 'first name': 'Somebody else' }));
    await fixture.settle();
    crm.deaf = true;
    onTestFinished(() => void (crm.deaf = false));
    const theirs = await typed(crm);
    fixture.clock.advance(300);
    await writesNow(fixture, crm);
    await fixture.settle();
    const [made = ''] = await primary(crm);
    expect(made).not.toBe(theirs);
    crm.deaf = false;
    await crm.account.redeliver();
    await fixture.settle();
    expect(await crm.conflicts()).toMatchObject([{ kind: 'two records', recordIds: [made, theirs] }]);
    expect(crm.isOptedOut(await crm.account.user.get(theirs))).toBe(false);
  });
});

import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readStatement } from '@sangam/core/corrections';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { memoryAccounts } from './conformance/memory-account.ts';
import { hour, minute, somebody, setUpFor } from './conformance/set-up.ts';
import type { MemoryCrmRules } from './harness/memory-crm/index.ts';
import { until } from './harness/until.ts';

/** An entry that may stand somewhere, or that is on its way while its record changes: it stands once, and is counted once. */

const asha = somebody(1, 'Asha');
const ravi = somebody(2, 'Ravi');

test('an entry being written while its record is merged away stands once, and the statement balances', async () => {
  const { fixture, crm } = await setUpFor(openHubspotAccount)({ webhooks: true });
  await crm.writes(asha, 'one');
  await crm.writes(ravi, 'two');
  await fixture.ride(hour);
  fixture.clock.advance(20 * minute);
  const records = await crm.records();
  const recordOf = (name: string): string =>
    records.find((record) => crm.read(record, 'first name') === name)?.recordId ?? '';
  let into = '';
  crm.beforeCall = async (priority) => {
    if (priority !== 'timeline' || into !== '') return;
    into = await crm.account.user.merge(recordOf('Ravi'), recordOf('Asha'));
    await until('the merge', async () => {
      const { rows } = await fixture.database.query("select 1 from crm_links where decided_by = 'merge'");
      return rows.length === 2;
    });
  };
  await crm.writes(asha, 'three');
  await fixture.ride(2 * hour);
  expect(await crm.account.user.timeline(into)).toHaveLength(2);
  const today = new Date(fixture.clock.now()).toISOString().slice(0, 10);
  const { balances, connections } = await readStatement(fixture.store, crm.workspaceId, today, 'UTC');
  expect(connections.map(({ timeline }) => timeline.says)).toEqual([
    'All 3 timeline entries due are accounted for.',
  ]);
  expect(balances).toBe(true);
});

/** Asha wrote once; her entry was made, and nobody was told. */
async function unanswered(rules: MemoryCrmRules = {}) {
  const accounts = memoryAccounts(rules);
  const { fixture, crm } = await setUpFor(accounts.open)();
  const vendor = accounts.opened().crm;
  const calls = (): number => vendor.calls.filter(({ operation }) => operation === 'entries').length;
  let cut = false;
  vendor.trouble = (operation) => {
    if (cut || operation !== 'entries') return undefined;
    cut = true;
    return { commitAfterMs: 0 };
  };
  await crm.writes(asha, 'only words');
  await fixture.settle();
  const { recordId } = await crm.record();
  const shown = (id: string): string[] => vendor.user.timeline(id).map(({ text }) => text);
  expect(shown(recordId)).toEqual(['only words']);
  const tell = async (kind: 'deleted' | 'restored'): Promise<void> => {
    await crm.isTold([{ kind, recordId, at: fixture.clock.now() }]);
    await fixture.ride(2 * hour);
  };
  return { fixture, crm, vendor, recordId, shown, tell, calls };
}

describe('an entry nobody answered for', () => {
  test('whose record is deleted unseen costs a few calls, and stands once when it is restored', async () => {
    const { fixture, crm, vendor, recordId, shown, tell, calls } = await unanswered();
    crm.beforeCall = () =>
      calls() > 20 ? Promise.reject(new Error('Calls without end.')) : Promise.resolve();
    fixture.clock.advance(minute);
    vendor.user.remove(recordId);
    await fixture.ride(hour);
    const before = calls();
    await fixture.ride(5 * hour);
    expect(calls()).toBe(before);
    vendor.user.restore(recordId);
    await tell('restored');
    expect(shown(recordId)).toEqual(['only words']);
    await crm.writes(asha, 'and more');
    await fixture.ride(2 * hour);
    expect(shown(recordId)).toEqual(['only words\nand more']);
  });

  test.each([true, false])(
    'whose lead is converted unseen stands once, moved by the CRM: %s',
    async (moves) => {
      const { fixture, crm, vendor, recordId, shown } = await unanswered({
        creates: 'lead',
        movesWithMerge: moves,
      });
      const contact = vendor.user.convert(recordId);
      await fixture.ride(3 * hour);
      await crm.check();
      await fixture.ride(2 * hour);
      expect(shown(contact)).toEqual(['only words']);
      expect(shown(recordId)).toEqual([]);
    },
  );

  test('that was parted from its record meanwhile leaves that one, and stands on the new one', async () => {
    const { fixture, crm, recordId, vendor, shown } = await unanswered();
    const { contactId } = await crm.contactOf(asha);
    const { workspaceId, connectionId } = crm;
    await fixture.process.corrections.unlink(
      { workspaceId, memberId: randomUUID() },
      { connectionId, contactId, recordId },
    );
    await fixture.ride(2 * hour);
    await crm.writes(asha, 'and more');
    await fixture.ride(2 * hour);
    expect(vendor.user.list().map((record) => shown(record.recordId))).toEqual([
      [],
      ['only words\nand more'],
    ]);
  });
});

test.each([true, false])(
  'an entry whose record is merged unseen stands once after a status, moved by the CRM: %s',
  async (movesWithMerge) => {
    const accounts = memoryAccounts({ movesWithMerge });
    const { fixture, crm } = await setUpFor(accounts.open)();
    const { user } = accounts.opened().crm;
    await crm.writes(asha, 'one');
    const answer = await crm.answers(asha, 'ok');
    await crm.writes(ravi, 'two');
    await fixture.ride(hour);
    const recordOf = (name: string): string =>
      user.list().find(({ values }) => values['FirstName'] === name)?.recordId ?? '';
    const [primary, merged] = [recordOf('Ravi'), recordOf('Asha')];
    user.merge(primary, merged);
    fixture.clock.advance(10 * minute);
    await crm.reached(asha, answer, 'read');
    await fixture.ride(3 * hour);
    await crm.check();
    await fixture.ride(2 * hour);
    expect(
      user
        .timeline(primary)
        .map(({ text }) => text)
        .toSorted(),
    ).toEqual(['one\nok (read)', 'two']);
    expect(user.timeline(merged)).toEqual([]);
  },
);

test('what was written late of an entry does not undo what was said since', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)();
  const vendor = accounts.opened().crm;
  await crm.writes(asha, 'one');
  await fixture.ride(hour);
  vendor.trouble = (operation) => {
    if (operation !== 'entries') return undefined;
    vendor.trouble = undefined;
    return { commitAfterMs: 10_000 };
  };
  await crm.writes(asha, 'two');
  await fixture.settle();
  expect(vendor.trouble).toBeUndefined();
  await crm.writes(asha, 'three');
  await fixture.ride(hour);
  fixture.clock.advance(minute);
  const { recordId } = await crm.record();
  expect((await crm.account.user.timeline(recordId)).map(({ text }) => text)).toEqual(['one\ntwo\nthree']);
});

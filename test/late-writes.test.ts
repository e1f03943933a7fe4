import { randomUUID } from 'node:crypto';
import { sweepWrites } from '@sangam/core/store';
import { describe, expect, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { memoryAccounts } from './conformance/memory-account.ts';
import { hour, minute, setUpFor, somebody } from './conformance/set-up.ts';
import { checked } from './harness/checked.ts';
import { until } from './harness/until.ts';
import type { CrmFixture } from './harness/crm-fixture.ts';
import type { WorkspaceOptions } from './harness/crm-workspace.ts';

/** What nobody answered takes effect late, over what stands there by then. */

const asha = somebody(1, 'Asha Rao');
const lateMs = 60_000;
const hidden = { bsuid: asha.bsuid ?? '', name: 'Asha Rao' };

/** Lets what was cut then take effect. */
function landIt({ clock }: CrmFixture, cutAt: number): void {
  clock.advance(cutAt + lateMs + 5000 - clock.now());
}

const accounts = [
  ['a CRM unlike HubSpot', () => memoryAccounts().open, { polled: true }],
  ['HubSpot, by polls', () => openHubspotAccount, { polled: true }],
  ['HubSpot, by webhooks', () => openHubspotAccount, { webhooks: true }],
] as const;

describe.each(accounts)('at %s', (_, open, news: WorkspaceOptions) => {
  test.each(['by our own reads', 'by news alone', 'after our id was written without a word'])(
    'what a create writes on the record its person was found on meanwhile is nobody’s change, and what was typed is back (seen %s)',
    async (seen) => {
      const { fixture, crm } = await setUpFor(open())(news);
      const typed = crm.valuesOf({ 'first name': 'Typed', phone: `+${asha.phone ?? ''}` });
      const recordId = await crm.account.user.create(typed);
      await crm.check();
      await crm.account.fault({ on: 'creates', commitAfterMs: lateMs, times: 1 });
      const cutAt = fixture.clock.now();
      await crm.writes(hidden, 'Hello');
      await fixture.settle();
      await crm.writes(asha, 'Here is my number');
      await fixture.process.apply();
      if (seen === 'after our id was written without a word')
        await crm.account.fault({ on: 'updates', commitAfterMs: 0, times: 1 });
      await fixture.pass(30_000);
      expect((await crm.record()).recordId).toBe(recordId);
      expect(crm.read(await crm.record(), 'first message')).toBe('Hello');

      const changes = await crm.occurrences();

      // Where our id is unique, a create under it writes to the record that bears it.
      landIt(fixture, cutAt);
      expect(crm.read(await crm.record(), 'first name')).toBe('Asha');
      if (seen === 'by our own reads') await crm.tag(asha, ['VIP']);
      await fixture.ride(hour);
      expect(await crm.occurrences()).toEqual(changes);
      const record = await crm.record();
      expect([crm.read(record, 'first name'), crm.read(record, 'last name')]).toEqual(['Typed', 'Rao']);
      const { lastInboundAt } = await crm.contactOf(asha);
      expect(crm.timeOf(record, 'last activity')).toBe(lastInboundAt);
      expect([await crm.letters(), await crm.conflicts()]).toEqual([[], []]);
    },
  );

  test('what a person typed meanwhile is back, where a late update wrote over it', async () => {
    const { fixture, crm } = await setUpFor(open())(news);
    const typed = crm.valuesOf({ 'first name': 'Typed', phone: `+${asha.phone ?? ''}` });
    const recordId = await crm.account.user.create(typed);
    await crm.check();
    await crm.account.fault({ on: 'updates', commitAfterMs: lateMs, times: 1 });
    const cutAt = fixture.clock.now();
    await crm.writes(asha);
    await fixture.settle();
    await crm.account.user.update(recordId, crm.valuesOf({ 'last name': 'Sen' }));
    await fixture.pass(30_000);
    const changes = await crm.occurrences();
    landIt(fixture, cutAt);
    expect(crm.read(await crm.record(), 'last name')).toBe('Rao');
    await fixture.ride(hour);
    expect(crm.read(await crm.record(), 'last name')).toBe('Sen');
    expect(await crm.occurrences()).toEqual(changes);
  });
});

test('what a create writes on the record its person was given by a member since is nobody’s change', async () => {
  const { fixture, crm } = await setUpFor(memoryAccounts().open)({ polled: true });
  const typed = crm.valuesOf({ 'first name': 'Typed', 'last name': 'Sen' });
  const recordId = await crm.account.user.create(typed);
  await crm.check();
  await crm.account.fault({ on: 'creates', commitAfterMs: lateMs, times: 1 });
  const cutAt = fixture.clock.now();
  await crm.writes(asha, 'Hello');
  await fixture.pass(20_000);
  expect(await crm.records()).toHaveLength(2);
  const { contactId } = await crm.contactOf(asha);
  const actor = { workspaceId: crm.workspaceId, memberId: randomUUID() };
  const link = { connectionId: crm.connectionId, contactId, recordId };
  await fixture.process.corrections.relink(actor, link);
  await fixture.pass(10_000);
  const changes = await crm.occurrences();
  landIt(fixture, cutAt);
  const shown = async (): Promise<string[]> => {
    const record = (await crm.records()).find((one) => one.recordId === recordId);
    return [crm.read(record, 'first name'), crm.read(record, 'last name')];
  };
  expect(await shown()).toEqual(['Asha', 'Rao']);
  await fixture.ride(hour);
  expect(await crm.occurrences()).toEqual(changes);
  expect(await shown()).toEqual(['Typed', 'Sen']);
});

test.each(['creates', 'updates'] as const)(
  'that one of its %s took effect is known however late it is told',
  async (on) => {
    const { fixture, crm } = await setUpFor(openHubspotAccount)({ webhooks: true });
    await crm.check();
    if (on === 'updates') await crm.writes(asha);
    await fixture.ride(hour);
    await crm.account.fault({ on, commitAfterMs: 20_000, times: 1 });
    await crm.writes(asha, 'STOP');
    await fixture.settle();
    fixture.clock.advance(5 * hour);
    await fixture.ride(hour);
    expect(crm.isOptedOut(await crm.record())).toBe(true);
    expect(await crm.occurrences()).toEqual([]);
  },
);

describe.each([
  ['a CRM unlike HubSpot', () => memoryAccounts().open],
  ['HubSpot', () => openHubspotAccount],
] as const)('at %s', (_, open) => {
  test.each(['poll', 'check'] as const)(
    'what an update left without a word is nobody’s change, though a %s sees it before it is tried again',
    async (look) => {
      const { fixture, crm } = await setUpFor(open())({});
      await crm.check();
      await crm.writes(asha);
      await fixture.ride(hour);
      await crm.account.fault({ on: 'updates', commitAfterMs: 0, times: 1 });
      await crm.writes(asha, 'And again');
      await fixture.settle();
      expect(crm.timeOf(await crm.record(), 'last activity')).toBe((await crm.contactOf(asha)).lastInboundAt);
      // Its echo would be forgotten by now.
      fixture.clock.advance(hour);
      await crm.transact((trx) => sweepWrites(trx, fixture.clock.now()));
      crm.beforeLease = () => checked(fixture);
      await crm[look]();
      expect(await crm.occurrences()).toEqual([]);
      crm.beforeLease = undefined;
      await fixture.ride(hour);
      expect(await crm.occurrences()).toEqual([]);
    },
  );
});

test.each([
  ['a CRM unlike HubSpot', () => memoryAccounts({ writeClass: 'keyed' }).open],
  ['HubSpot', () => openHubspotAccount],
] as const)(
  'what later creates without a word were to say is said where the first of them took effect, at %s',
  async (_, open) => {
    const { fixture, crm } = await setUpFor(open())({});
    await crm.check();
    await crm.account.fault({ on: 'creates', commitAfterMs: lateMs, times: 1 });
    const cutAt = fixture.clock.now();
    await crm.writes(asha);
    await fixture.settle();
    await crm.account.fault({ on: 'creates', dropConnection: 'before' });
    await crm.writes(asha, 'STOP');
    await crm.tag(asha, ['vip']);
    await fixture.pass(30_000);
    expect(fixture.failures.length).toBeGreaterThan(1);
    landIt(fixture, cutAt);
    expect(crm.isOptedOut(await crm.record())).toBe(false);
    await fixture.ride(hour);
    const record = await crm.record();
    expect([crm.isOptedOut(record), crm.tagsOf(record)]).toEqual([true, ['vip']]);
    expect((await crm.contactOf(asha)).optOut).toBe(true);
  },
);

test('what several creates under one id left on the one record they made is nobody’s change, told before anybody saw it', async () => {
  const { fixture, crm } = await setUpFor(openHubspotAccount)({ webhooks: true });
  await crm.check();
  await crm.account.fault({ on: 'creates', commitAfterMs: lateMs });
  await crm.writes(asha);
  await fixture.settle();
  await crm.writes(asha, 'STOP');
  await fixture.pass(5000);
  fixture.clock.advance(2 * lateMs);
  expect(crm.isOptedOut(await crm.record())).toBe(true);
  await until('the account’s webhooks', () => crm.account.webhooksArrived());
  await fixture.process.apply();
  expect(await crm.occurrences()).toEqual([]);
  await crm.account.fault({});
  await fixture.ride(hour);
  expect(await crm.occurrences()).toEqual([]);
});

test.each([1, 2])(
  'a record that a create made without a word, and that was deleted before anybody saw it, was ours (%i such creates)',
  async (times) => {
    const { fixture, crm } = await setUpFor(openHubspotAccount)({ webhooks: true });
    await crm.check();
    crm.deaf = true;
    await crm.account.fault({ on: 'creates', commitAfterMs: 0, times });
    await crm.writes(asha, 'STOP');
    await fixture.settle();
    await crm.account.user.remove((await crm.record()).recordId);
    await crm.writes(asha, 'START');
    // Something more to be said once it is found: what stands there is read for it.
    let tagged = false;
    crm.beforeCall = async () => {
      if (tagged || (await crm.records()).length === 0) return;
      tagged = true;
      await crm.tag(asha, ['vip']);
    };
    await fixture.ride(hour);
    expect(crm.tagsOf(await crm.record())).toEqual(['vip']);
    crm.deaf = false;
    fixture.clock.advance(minute);
    await fixture.ride(hour);
    await crm.check();
    await fixture.ride(hour);
    expect(crm.isOptedOut(await crm.record())).toBe(false);
    expect(await crm.occurrences()).toEqual([]);
  },
);

test('what records that creates made without a word carry into another, merged before anybody saw them, was ours', async () => {
  const { fixture, crm } = await setUpFor(openHubspotAccount)({ webhooks: true });
  await crm.check();
  crm.deaf = true;
  await crm.account.fault({ on: 'creates', commitAfterMs: 0, times: 1 });
  await crm.writes(asha);
  await crm.writes({ ...somebody(2), name: 'Bela' });
  await fixture.settle();
  const [one, other] = await crm.records();
  fixture.clock.advance(minute);
  await crm.account.user.merge(one?.recordId ?? '', other?.recordId ?? '');
  crm.deaf = false;
  await fixture.ride(hour);
  expect(await crm.occurrences()).toEqual([]);
});

import { describe, expect, test } from 'vitest';
import type { UserRecord } from './conformance/account.ts';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { memoryAccounts } from './conformance/memory-account.ts';
import { hour, minute, setUpFor, somebody } from './conformance/set-up.ts';
import type { CrmFixture } from './harness/crm-fixture.ts';
import type { CrmWorkspace, WorkspaceOptions } from './harness/crm-workspace.ts';
import { everyRow } from './harness/every-row.ts';
import { until } from './harness/until.ts';
import type { Person } from './harness/whatsapp.ts';

/** Somebody is erased whose record the CRM made without a word: nobody here knows which one it is. */

const asha: Person = { bsuid: 'IN.ASHA', name: 'Asha Rao' };
/** Without a last name of her own. */
const bela = { ...somebody(2), name: 'Bela' };
const theirs = ['IN.ASHA', 'Asha', 'Rao', 'secret of mine'];

const accounts = [
  ['a CRM unlike HubSpot', () => memoryAccounts().open, { polled: true }],
  ['HubSpot, by polls', () => openHubspotAccount, { polled: true }],
  ['HubSpot, by webhooks', () => openHubspotAccount, { webhooks: true }],
] as const;

describe.each(accounts)('at %s', (_, open, news: WorkspaceOptions) => {
  /** News of what was made comes once `deaf` is over. */
  const erasedUnseen = async (made: Person = asha) => {
    const { fixture, crm } = await setUpFor(open())(news);
    await crm.writes(bela, 'Hello');
    await fixture.ride(hour);
    await crm.check();
    await crm.account.fault({ on: 'creates', commitAfterMs: 0, times: 1 });
    crm.deaf = true;
    await crm.writes(made, 'A secret of mine');
    await fixture.settle();
    const { contactId } = await crm.contactOf(made);
    await crm.erase(made);
    fixture.clock.advance(minute);
    const records = await crm.records();
    const named = (name: string): UserRecord | undefined =>
      records.find((record) => crm.read(record, 'first name') === name);
    const [ofAsha, ofBela] = [named('Asha'), named('Bela')];
    if (ofAsha === undefined || ofBela === undefined) throw new Error('Two records were expected.');
    return { fixture, crm, ofAsha, ofBela, contactId };
  };

  const comeToRest = async (fixture: CrmFixture, crm: CrmWorkspace): Promise<void> => {
    crm.deaf = false;
    await until('the account’s webhooks', () => crm.account.webhooksArrived());
    fixture.clock.advance(minute);
    await fixture.ride(hour);
    await crm.check();
    await fixture.ride(hour);
  };

  const tracesLeft = async (fixture: CrmFixture, crm: CrmWorkspace, contactId: string): Promise<string[]> => {
    const left = await everyRow(fixture.store, crm.workspaceId);
    return [...theirs, contactId].filter((trace) => left.includes(trace));
  };

  test.each(['into another’s', 'and another’s into it'])(
    'what it said gives way where it was merged %s before anybody saw it',
    async (how) => {
      const { fixture, crm, ofAsha, ofBela, contactId } = await erasedUnseen();
      const [into, from] = how === 'into another’s' ? [ofBela, ofAsha] : [ofAsha, ofBela];
      await crm.account.user.merge(into.recordId, from.recordId);
      const merged = await crm.record();
      // As where the one that has no last name of its own takes the other’s over.
      if (crm.read(merged, 'last name') === '')
        await crm.account.user.update(merged.recordId, crm.valuesOf({ 'last name': 'Rao' }));
      await comeToRest(fixture, crm);
      await crm.writes(bela, 'Still here');
      await fixture.ride(hour);
      const record = await crm.record();
      const says = (['first name', 'last name', 'phone', 'bsuid', 'first message'] as const).map((source) =>
        crm.read(record, source),
      );
      expect(says).toEqual(['Bela', '', `+${bela.phone ?? ''}`, bela.bsuid, 'Hello']);
      const mine = (await crm.contactOf(bela)).contactId;
      expect(record.values[crm.connector.traits.contactIdField]).toBe(mine);
      expect(await tracesLeft(fixture, crm, contactId)).toEqual([]);
      expect([await crm.letters(), await crm.conflicts()]).toEqual([[], []]);
    },
  );

  test('it is not remembered by a look, and gives way where it is merged then', async () => {
    const { fixture, crm, ofAsha, ofBela, contactId } = await erasedUnseen();
    await comeToRest(fixture, crm);
    expect(await tracesLeft(fixture, crm, contactId)).toEqual([]);
    await crm.account.user.merge(ofBela.recordId, ofAsha.recordId);
    const merged = await crm.record();
    if (crm.read(merged, 'last name') === '')
      await crm.account.user.update(merged.recordId, crm.valuesOf({ 'last name': 'Rao' }));
    await comeToRest(fixture, crm);
    expect(crm.read(await crm.record(), 'last name')).toBe('');
    expect(await tracesLeft(fixture, crm, contactId)).toEqual([]);
  });

  test.each(['into another’s', 'and another’s into it'])(
    'it gives way with the first news of the record it was merged %s',
    async (how) => {
      const { fixture, crm, ofAsha, ofBela } = await erasedUnseen();
      const [into, from] = how === 'into another’s' ? [ofBela, ofAsha] : [ofAsha, ofBela];
      await crm.account.user.merge(into.recordId, from.recordId);
      const { recordId } = await crm.record();
      const takenOver = crm.valuesOf({ 'last name': 'Rao' });
      if (crm.read(await crm.record(), 'last name') === '')
        await crm.account.user.update(recordId, takenOver);
      crm.deaf = false;
      await until('the account’s webhooks', () => crm.account.webhooksArrived());
      fixture.clock.advance(minute);
      await fixture.settle();
      const record = await crm.record();
      expect(crm.read(record, 'first name')).toBe('Bela');
      expect(crm.read(record, 'last name')).toBe('');
    },
  );

  test('what stood on the other one before stays', async () => {
    const { fixture, crm, ofAsha, ofBela } = await erasedUnseen();
    crm.deaf = false;
    await crm.account.user.update(ofBela.recordId, crm.valuesOf({ 'last name': 'Rao' }));
    // Seen before the merge, by a poll where nothing is told.
    fixture.clock.advance(10 * minute);
    await fixture.ride(hour);
    await crm.writes(bela, 'Still here');
    await fixture.settle();
    await crm.account.user.merge(ofBela.recordId, ofAsha.recordId);
    await comeToRest(fixture, crm);
    expect(crm.read(await crm.record(), 'last name')).toBe('Rao');
  });
});

test.each(['made without a word', 'made', 'written'])(
  'what is told late of a record that was %s before its person was erased is nobody’s change',
  async (how) => {
    const { fixture, crm } = await setUpFor(openHubspotAccount)({ webhooks: true });
    await crm.check();
    if (how === 'written') {
      await crm.writes(asha, 'Hello');
      await fixture.ride(hour);
    }
    crm.deaf = true;
    if (how === 'made without a word') await crm.account.fault({ on: 'creates', commitAfterMs: 0, times: 1 });
    await crm.writes(asha, 'A secret of mine');
    await fixture.settle();
    fixture.clock.advance(minute);
    await crm.erase(asha);
    fixture.clock.advance(hour);
    crm.deaf = false;
    await fixture.ride(hour);
    expect(await crm.occurrences()).toEqual([]);
    const [stage] = crm.account.stage.values;
    await crm.account.user.update((await crm.record()).recordId, { [crm.account.stage.field]: stage });
    await fixture.ride(hour);
    expect((await crm.occurrences()).map(({ value }) => value)).toEqual([stage]);
  },
);

test('what is told late of a record that was made while its person was erased is nobody’s change', async () => {
  const { fixture, crm } = await setUpFor(openHubspotAccount)({ webhooks: true });
  await crm.check();
  await crm.writes(asha, 'A secret of mine');
  await fixture.process.apply();
  crm.deaf = true;
  let erasing: Promise<void> | undefined;
  crm.beforeCall = async () => {
    erasing ??= crm.erase(asha);
    await erasing;
  };
  await fixture.settle();
  crm.beforeCall = undefined;
  fixture.clock.advance(hour);
  crm.deaf = false;
  await fixture.ride(hour);
  expect(await crm.occurrences()).toEqual([]);
});

test.each([
  ['a CRM unlike HubSpot', () => memoryAccounts().open],
  ['HubSpot', () => openHubspotAccount],
] as const)(
  'our id that an update wrote without a word before its person was erased gives way once they come back, at %s',
  async (_, open) => {
    const { fixture, crm } = await setUpFor(open())({ polled: true });
    const shown = somebody(1, 'Asha Rao');
    await crm.account.user.create(crm.valuesOf({ 'first name': 'Typed', phone: `+${shown.phone ?? ''}` }));
    await crm.check();
    await crm.account.fault({ on: 'updates', commitAfterMs: 0, times: 1 });
    await crm.writes(shown);
    await fixture.settle();
    const { contactId } = await crm.contactOf(shown);
    const idIn = async (): Promise<string | undefined> =>
      (await crm.record()).values[crm.connector.traits.contactIdField];
    expect(await idIn()).toBe(contactId);
    await crm.erase(shown);
    await crm.writes(shown, 'Back again');
    await fixture.ride(hour);
    expect(await idIn()).toBe((await crm.contactOf(shown)).contactId);
    expect(await everyRow(fixture.store, crm.workspaceId)).not.toContain(contactId);
  },
);

import { listConflicts } from '@sangam/core/store';
import { describe, expect, test } from 'vitest';
import type { OpenAccount, UserRecord } from './conformance/account.ts';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { memoryAccounts } from './conformance/memory-account.ts';
import { day, hour, minute, somebody, setUpFor } from './conformance/set-up.ts';
import { checked } from './harness/checked.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import { memoryFields } from './harness/memory-crm/index.ts';
import { tell } from './harness/tell.ts';
import { text } from './harness/whatsapp.ts';

/** What a survivor takes over from the records merged into it is no change, and no second record of anybody. */

const asha = somebody(1, 'Asha');
const ravi = somebody(2, 'Ravi');

describe.each([false, true])('HubSpot, where a merge keeps the id: %s', (mergeKeepsPrimaryId) => {
  test.each(['webhooks', 'polled'])('what stood before is not told again (%s)', async (how) => {
    const { fixture, crm } = await setUpFor((clock) => openHubspotAccount(clock, { mergeKeepsPrimaryId }))({
      webhooks: how === 'webhooks',
      polled: how === 'polled',
    });
    await crm.check();
    await crm.writes(asha);
    await crm.writes(ravi);
    await fixture.ride(hour);
    const [first = '', second = ''] = (await crm.records()).map(({ recordId }) => recordId);
    fixture.clock.advance(minute);
    const { field } = crm.account.stage;
    const [, qualified] = crm.account.stage.values;
    await crm.account.user.update(first, { [field]: qualified });
    fixture.clock.advance(10 * minute);
    await fixture.ride(hour);
    const before = await crm.occurrences();
    expect(before.filter((one) => one.field === field)).toHaveLength(1);
    fixture.clock.advance(day);
    await fixture.ride(hour);
    const survivor = await crm.account.user.merge(first, second);
    fixture.clock.advance(minute);
    await fixture.ride(hour);
    fixture.clock.advance(hour);
    await fixture.ride(hour);
    expect(await crm.occurrences()).toEqual(before);
    expect(await crm.transact((trx) => listConflicts(trx, { limit: 100 }))).toEqual([]);

    fixture.clock.advance(day);
    await crm.account.user.update(survivor, { [field]: crm.account.stage.values[0] });
    fixture.clock.advance(10 * minute);
    await fixture.ride(hour);
    expect((await crm.occurrences()).filter((one) => one.field === field)).toHaveLength(2);
  });
});

const keepsId: OpenAccount = (clock) => openHubspotAccount(clock, { mergeKeepsPrimaryId: true });

test.each([
  ['HubSpot', 'another', openHubspotAccount],
  ['HubSpot, where a merge keeps the id', 'another', keepsId],
  ['HubSpot, where a merge keeps the id', 'itself', keepsId],
  ['memory', 'another', memoryAccounts().open],
] satisfies [string, 'another' | 'itself', OpenAccount][])(
  'an opt-out another record brought along is nobody’s word, though a read finds the merge: %s, of a record that is %s by then',
  async (_, as, open) => {
    const { fixture, crm } = await setUpFor(open)({ polled: true });
    await crm.check();
    await crm.writes(asha);
    await crm.writes(ravi);
    await crm.writes(ravi, 'STOP');
    await fixture.ride(hour);
    fixture.clock.advance(minute);
    await fixture.ride(hour);
    const recordOf = async (name: string): Promise<string> =>
      (await crm.records()).find((one) => crm.read(one, 'first name') === name)?.recordId ?? '';
    const [ashas, ravis] = [await recordOf('Asha'), await recordOf('Ravi')];
    crm.deaf = true;
    await crm.writes(asha, 'More');
    const order = as === 'itself' ? ([ashas, ravis] as const) : ([ravis, ashas] as const);
    // A value that is missing comes from the other.
    if (as === 'itself') await crm.account.user.update(ashas, { [crm.fieldOf('opt-out').name]: '' });
    const survivor = await crm.account.user.merge(...order);
    await fixture.ride(hour);
    crm.deaf = false;
    await crm.check();
    await fixture.ride(8 * hour);
    const consents = async (person: typeof asha) => (await crm.contactOf(person)).optOut;
    expect([await consents(asha), await consents(ravi)]).toEqual([false, true]);
    expect((await crm.record()).recordId).toBe(survivor);
    expect(crm.isOptedOut(await crm.record())).toBe(true);
    const { rows } = await fixture.database.query("select 1 from consent_entries where method = 'crm'");
    expect(rows).toEqual([]);
  },
);

test.each(['the merge first', 'the field first'])(
  'a webhook of a value taken over is no change, %s; the same value set later is one',
  async (order) => {
    const accounts = memoryAccounts();
    const { fixture, crm } = await setUpFor(accounts.open)();
    await crm.writes(asha);
    await fixture.settle();
    const { recordId } = await crm.record();
    const { user } = accounts.opened().crm;
    user.update(recordId, { [memoryFields.stage]: 'qualified' });
    const stage = { kind: 'field', field: memoryFields.stage, value: 'qualified', by: 'user 7' } as const;
    await tell(fixture, crm, { ...stage, recordId, at: fixture.clock.now() });
    await fixture.settle();
    fixture.clock.advance(day);
    const into = user.create({ [memoryFields.stage]: 'qualified' });
    user.merge(into, recordId);
    const at = fixture.clock.now();
    const news = [
      { kind: 'merged', recordId, into, at },
      { ...stage, recordId: into, at: at + 500 },
    ] as const;
    await tell(fixture, crm, ...(order === 'the merge first' ? news : news.toReversed()));
    await fixture.settle();
    const told = async () =>
      (await crm.occurrences())
        .filter(({ field }) => field === memoryFields.stage)
        .map((one) => `${one.recordId} ${one.value}`)
        .toSorted();
    expect(await told()).toEqual([`${recordId} qualified`]);
    for (const value of ['new', 'qualified']) {
      fixture.clock.advance(day);
      user.update(into, { [memoryFields.stage]: value });
      await tell(fixture, crm, { ...stage, value, recordId: into, at: fixture.clock.now() });
      await fixture.settle();
    }
    expect(await told()).toEqual([`${into} new`, `${into} qualified`, `${recordId} qualified`].toSorted());
  },
);

test('a look shows the values a known survivor took over, and they are no change', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)({ polled: true });
  const { user } = accounts.opened().crm;
  await crm.writes(asha);
  await crm.writes(ravi);
  await fixture.settle();
  const [first = '', second = ''] = (await crm.records()).map(({ recordId }) => recordId);
  const stages = async () =>
    (await crm.occurrences())
      .filter(({ field }) => field === memoryFields.stage)
      .map((one) => `${one.recordId} ${one.value}`)
      .toSorted();
  const move = async (recordId: string, value: string): Promise<void> => {
    fixture.clock.advance(10 * minute);
    user.update(recordId, { [memoryFields.stage]: value });
    await fixture.settle();
  };
  await move(first, 'qualified');
  expect(await stages()).toEqual([`${first} qualified`]);
  fixture.clock.advance(day);
  user.merge(second, first);
  user.update(second, { [memoryFields.stage]: 'qualified' });
  await fixture.settle();
  expect(await stages()).toEqual([`${first} qualified`]);
  await move(second, 'new');
  await move(second, 'qualified');
  expect(await stages()).toEqual([`${first} qualified`, `${second} new`, `${second} qualified`]);
});

describe('an opt-out that a survivor took over is nobody’s word', () => {
  test.each([false, true])('at HubSpot, where a merge keeps the id: %s', async (mergeKeepsPrimaryId) => {
    const { fixture, crm } = await setUpFor((clock) => openHubspotAccount(clock, { mergeKeepsPrimaryId }))();
    await crm.writes(asha, 'STOP');
    await crm.writes(ravi);
    await fixture.ride(hour);
    const recordOf = (records: readonly UserRecord[], name: string): string =>
      records.find((one) => crm.read(one, 'first name') === name)?.recordId ?? '';
    const records = await crm.records();
    await crm.account.user.merge(recordOf(records, 'Asha'), recordOf(records, 'Ravi'));
    await crm.writes(asha, 'START');
    await fixture.ride(hour);
    expect(await optedOut(crm)).toEqual([false, false, false]);
    await crm.writes(ravi, 'STOP');
    await fixture.ride(hour);
    expect(await optedOut(crm)).toEqual([true, false, true]);
  });

  test.each(['check', 'poll'] as const)('of a lead that was converted, as a %s finds it', async (look) => {
    const accounts = memoryAccounts({ creates: 'lead' });
    const { fixture, crm } = await setUpFor(accounts.open)({ polled: true });
    await crm.writes(asha, 'STOP');
    await crm.writes(ravi);
    await fixture.ride(hour);
    const { user } = accounts.opened().crm;
    const lead = user.list().find(({ values }) => values['FirstName'] === 'Asha')?.recordId ?? '';
    const contact = user.convert(lead);
    await crm.writes(asha, 'START');
    await fixture.ride(hour);
    expect(crm.isOptedOut(await crm.account.user.get(contact))).toBe(false);
    expect((await crm.contactOf(asha)).optOut).toBe(false);
    // What somebody says there once the conversion is over is a word.
    fixture.clock.advance(hour);
    await crm.account.user.update(contact, crm.valuesOf({ 'opt-out': { kind: 'flag', set: true } }));
    await crm[look]();
    await fixture.ride(hour);
    expect((await crm.contactOf(asha)).optOut).toBe(true);
  });

  test.each(['check', 'poll'] as const)('though a %s sees it before it is read', async (look) => {
    const { fixture, crm } = await setUpFor(keepsId)({ polled: true });
    await crm.check();
    await crm.writes(asha);
    await crm.writes(ravi, 'STOP');
    await fixture.ride(hour);
    const records = await crm.records();
    const [ashas = '', ravis = ''] = ['Asha', 'Ravi'].map(
      (name) => records.find((one) => crm.read(one, 'first name') === name)?.recordId,
    );
    crm.deaf = true;
    // A value that is missing comes from the other.
    await crm.account.user.update(ashas, { [crm.fieldOf('opt-out').name]: '' });
    await crm.account.user.merge(ashas, ravis);
    fixture.clock.advance(hour);
    await crm.writes(ravi, 'START');
    crm.deaf = false;
    crm.beforeLease = () => checked(fixture);
    await crm[look]();
    crm.beforeLease = undefined;
    await fixture.ride(hour);
    expect(await optedOut(crm)).toEqual([false, false, false]);
    const { rows } = await fixture.database.query("select 1 from consent_entries where method = 'crm'");
    expect(rows).toEqual([]);
  });

  /** The one record, Asha, Ravi. */
  const optedOut = async (crm: CrmWorkspace): Promise<boolean[]> => [
    crm.isOptedOut(await crm.record()),
    (await crm.contactOf(asha)).optOut,
    (await crm.contactOf(ravi)).optOut,
  ];
});

test('two people whose records were merged unseen write at once, and one batch for both is no refusal', async () => {
  const { fixture, crm } = await setUpFor(openHubspotAccount)();
  await crm.writes(asha);
  await crm.writes(ravi);
  await fixture.ride(hour);
  // From the second message on nothing has to be looked at.
  await crm.writes(asha);
  await crm.writes(ravi);
  await fixture.ride(hour);
  const [first = '', second = ''] = (await crm.records()).map(({ recordId }) => recordId);
  fixture.clock.advance(minute);
  const survivor = await crm.account.user.merge(first, second);
  const at = fixture.clock.now();
  await crm.receive(text(asha, 'wamid.asha', at, 'STOP'), text(ravi, 'wamid.ravi', at, 'and I'));
  await fixture.ride(hour);
  expect(await crm.letters()).toEqual([]);
  const record = await crm.record();
  expect(record.recordId).toBe(survivor);
  expect(crm.isOptedOut(record)).toBe(true);
  expect(crm.timeOf(record, 'last activity')).toBe(Math.floor(at / 1000) * 1000);
});

test('two records of one person are a conflict no more once one is merged into the other, or gone', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)({ polled: true });
  const { user } = accounts.opened().crm;
  const twin = async (index: number): Promise<readonly [string, string]> => {
    const phone = `+${somebody(index).phone ?? ''}`;
    await crm.writes(somebody(index));
    await fixture.settle();
    const made = (await crm.records()).at(-1)?.recordId ?? '';
    const other = user.create({ FirstName: 'Twin', [memoryFields.phone]: phone });
    fixture.clock.advance(10 * minute);
    await fixture.settle();
    return [made, other];
  };
  const [made, other] = await twin(1);
  const [, deleted] = await twin(2);
  expect(await crm.conflicts()).toHaveLength(2);
  user.merge(made, other);
  user.remove(deleted);
  fixture.clock.advance(10 * minute);
  await fixture.settle();
  expect(await crm.conflicts()).toEqual([]);
});

test('two records of one person are a conflict no more once the phone is gone from the other', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)({ polled: true });
  const { user } = accounts.opened().crm;
  await crm.writes(asha);
  await fixture.settle();
  const { recordId: made } = await crm.record();
  const twin = user.create({ FirstName: 'Twin', [memoryFields.phone]: `+${asha.phone ?? ''}` });
  fixture.clock.advance(10 * minute);
  await fixture.settle();
  expect(await crm.conflicts()).toMatchObject([{ recordIds: [made, twin] }]);
  user.update(twin, { [memoryFields.phone]: '' });
  fixture.clock.advance(10 * minute);
  await fixture.settle();
  expect(await crm.conflicts()).toEqual([]);
});

test('a conflict about a record that was merged into a third names that one', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)({ polled: true });
  const { user } = accounts.opened().crm;
  await crm.writes(asha);
  await fixture.settle();
  const { recordId: made } = await crm.record();
  const twin = user.create({ FirstName: 'Twin', [memoryFields.phone]: `+${asha.phone ?? ''}` });
  const third = user.create({ FirstName: 'Third' });
  fixture.clock.advance(10 * minute);
  await fixture.settle();
  expect(await crm.conflicts()).toMatchObject([{ recordIds: [made, twin] }]);
  user.merge(third, twin);
  fixture.clock.advance(10 * minute);
  await fixture.settle();
  expect(await crm.conflicts()).toMatchObject([{ kind: 'two records', recordIds: [made, third] }]);
});

describe('what a survivor of merges took over', () => {
  test.each([1, 2])('is ours to correct where it was ours, %i merges on', async (merges) => {
    const accounts = memoryAccounts();
    const { fixture, crm } = await setUpFor(accounts.open)();
    const { user } = accounts.opened().crm;
    const at = fixture.clock.now();
    await crm.receive(text(asha, 'wamid.later', at, 'Are you there?'));
    await fixture.settle();
    // Told one after the other, and read only then.
    for (let merge = 0; merge < merges; merge += 1) {
      const { recordId, values } = await crm.record();
      const into = user.create(values);
      user.merge(into, recordId);
      await tell(fixture, crm, { kind: 'merged', recordId, into, at: fixture.clock.now() });
    }
    await fixture.settle();
    await crm.receive(text(asha, 'wamid.earlier', at - hour, 'I saw your ad'));
    await fixture.settle();
    expect(crm.read(await crm.record(), 'first message')).toBe('I saw your ad');
  });

  test('is a person’s where a person typed it', async () => {
    const accounts = memoryAccounts();
    const { fixture, crm } = await setUpFor(accounts.open)();
    const { user } = accounts.opened().crm;
    const at = fixture.clock.now();
    await crm.receive(text(asha, 'wamid.asha', at, 'Hello'), text(ravi, 'wamid.ravi', at, 'Hello'));
    await fixture.settle();
    const [kept = '', merged = ''] = (await crm.records()).map(({ recordId }) => recordId);
    const typed = crm.valuesOf({ 'first message': 'Met at the fair' });
    user.update(merged, typed);
    await tell(fixture, crm, {
      kind: 'field',
      recordId: merged,
      field: Object.keys(typed)[0] ?? '',
      value: 'Met at the fair',
      at: fixture.clock.now(),
      by: 'user 7',
    });
    await fixture.settle();
    fixture.clock.advance(day);
    user.merge(kept, merged);
    user.update(kept, typed);
    await tell(fixture, crm, { kind: 'merged', recordId: merged, into: kept, at: fixture.clock.now() });
    await fixture.settle();
    await crm.receive(text(asha, 'wamid.earlier', at - hour, 'I saw your ad'));
    await fixture.settle();
    expect(crm.read(await crm.record(), 'first message')).toBe('Met at the fair');
  });
});

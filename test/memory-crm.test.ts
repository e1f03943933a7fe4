import { createReconciler } from '@sangam/core/pipeline';
import { lastCheck } from '@sangam/core/store';
import { createPermits, Dispatcher } from '@sangam/core/work';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { memoryAccounts } from './conformance/memory-account.ts';
import { leadActivity, memoryFields } from './harness/memory-crm/index.ts';
import { rests } from './conformance/timeline.ts';
import { day, hour, minute, setUpFor, somebody } from './conformance/set-up.ts';
import type { CrmChange, ScanPage } from '@sangam/core/crm';
import { scanning } from './harness/tell.ts';
import { freely } from './harness/permits.ts';
import { until } from './harness/until.ts';
import { text } from './harness/whatsapp.ts';

describe('at a CRM that may be written as often as one wants', () => {
  rests(setUpFor(memoryAccounts({ restMs: { message: 0, status: 0 } }).open));
});

test('at a CRM without webhooks a sentence that wants them is told by polls', async () => {
  const { fixture, crm } = await setUpFor(memoryAccounts().open)({ webhooks: true });
  const asha = somebody(1, 'Asha Rao');
  await crm.writes(asha);
  await fixture.settle();
  fixture.clock.advance(minute);
  const { recordId } = await crm.record();
  await crm.account.user.update(recordId, crm.valuesOf({ 'opt-out': { kind: 'flag', set: true } }));
  await fixture.settle();
  expect((await crm.contactOf(asha)).optOut).toBe(true);
});

test.each([true, false])(
  "what a rule of the account's own sets while a record is made is theirs, tags of ours beside it or not (%s)",
  async (tagged) => {
    const setWhenMade = { Tags: tagged ? 'Hers, Imported' : 'Imported', OptOut: 'Yes' };
    const { fixture, crm } = await setUpFor(memoryAccounts({ setWhenMade }).open)();
    const asha = somebody(1, 'Asha Rao');
    await crm.writes(asha);
    await fixture.process.apply();
    if (tagged) await crm.tag(asha, ['Hers']);
    await fixture.settle();
    const tags = tagged ? ['Hers', 'Imported'] : ['Imported'];
    expect(crm.tagsOf(await crm.record()).toSorted()).toEqual(tags);
    expect(crm.isOptedOut(await crm.record())).toBe(true);
    const { tags: known, optOut } = await crm.contactOf(asha);
    expect({ known: known.toSorted(), optOut }).toEqual({ known: tags, optOut: true });
  },
);

test('a look at changes that could not see all of them has everything looked at', async () => {
  let incomplete = false;
  const open = scanning(memoryAccounts().open, {
    scan: (page) => (incomplete ? { ...page, gone: [], incomplete } : page),
  });
  const { fixture, crm } = await setUpFor(open)();
  await crm.writes(somebody(1, 'Asha Rao'));
  await fixture.settle();
  await crm.check();
  const check = async () =>
    fixture.store.transact(crm.workspaceId, (trx) => lastCheck(trx, crm.connectionId));
  const before = await check();
  fixture.clock.advance(minute);
  await crm.poll();
  expect((await check())?.checkId).toBe(before?.checkId);
  incomplete = true;
  await crm.poll();
  incomplete = false;
  await fixture.settle();
  const after = await check();
  expect(after?.checkId).not.toBe(before?.checkId);
  expect(after?.state).toBe('done');
});

test('a date is the day it was where the account is, and stays as it is', async () => {
  const { fixture, crm } = await setUpFor(memoryAccounts().open)({ settings: { timeZone: 'Asia/Kolkata' } });
  const seenOn = { name: 'SeenOn', label: 'SeenOn', kind: 'date', writable: true } as const;
  await crm.remap([{ source: 'last activity', field: seenOn, policy: 'ours', transform: 'as is' }]);
  // Half past eight in the evening of UTC, two in the morning there.
  fixture.clock.advance(day - (fixture.clock.now() % day) + 20.5 * hour);
  const there = new Date(fixture.clock.now() + 5.5 * hour).toISOString().slice(0, 10);
  await crm.writes(somebody(1, 'Asha Rao'));
  await fixture.settle();
  expect((await crm.record()).values['SeenOn']).toContain(there);
  const calls = await crm.account.calls();
  await crm.writes(somebody(1, 'Asha Rao'), 'Again');
  await fixture.settle();
  expect((await crm.record()).values['SeenOn']).toContain(there);
  expect(await crm.account.calls()).toBeGreaterThan(calls);
});

test('a look that lags behind what was told of a deal tells nothing', async () => {
  let lagging: ScanPage['deals'];
  const accounts = memoryAccounts();
  const open = scanning(accounts.open, {
    scan: (page) => (lagging === undefined ? page : { ...page, deals: lagging }),
  });
  const { fixture, crm } = await setUpFor(open)();
  await crm.writes(somebody(1, 'Asha Rao'));
  await fixture.settle();
  await crm.check();
  const { recordId: personRecordId } = await crm.record();
  const field = memoryFields.stage;
  const { user } = accounts.opened().crm;
  const dealId = user.createDeal(personRecordId, { [field]: 'new' });
  const seenAt = fixture.clock.now();
  await crm.poll();
  fixture.clock.advance(minute);
  user.updateDeal(dealId, { [field]: 'qualified' });
  const at = fixture.clock.now();
  await crm.isTold([
    { kind: 'field', of: 'deal', recordId: dealId, personRecordId, field, at, value: 'qualified' },
  ]);
  await fixture.settle();
  lagging = [{ dealId, personRecordId, values: { [field]: 'new' }, changedAt: seenAt }];
  await crm.poll();
  lagging = undefined;
  await crm.poll();
  expect((await crm.occurrences()).map(({ value }) => value)).toEqual(['qualified']);
});

test('what is told late of a deal hides no change that a look finds after it', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)();
  await crm.writes(somebody(1, 'Asha Rao'));
  await fixture.settle();
  await crm.check();
  const { recordId: personRecordId } = await crm.record();
  const { stage } = memoryFields;
  const { user } = accounts.opened().crm;
  const dealId = user.createDeal(personRecordId, { [stage]: 'new' });
  await crm.poll();
  const told = (field: string, value: string, at: number): CrmChange => ({
    kind: 'field',
    of: 'deal',
    recordId: dealId,
    personRecordId,
    field,
    value,
    at,
  });
  const passes = (): number => {
    fixture.clock.advance(minute);
    return fixture.clock.now();
  };
  const lateAt = passes();
  const at = passes();
  user.updateDeal(dealId, { [stage]: 'qualified' });
  await crm.isTold([told(stage, 'qualified', at)]);
  await fixture.settle();
  await crm.isTold([told(stage, 'new', lateAt), told('LeadSource', 'Messenger', passes())]);
  await fixture.settle();
  const lastAt = passes();
  user.updateDeal(dealId, { [stage]: 'new' });
  await crm.poll();
  const stages = (await crm.occurrences()).filter(({ field }) => field.endsWith(stage));
  expect(stages.map(({ value, changedAt }) => [value, changedAt]).toSorted()).toEqual([
    ['new', lateAt],
    ['new', lastAt],
    ['qualified', at],
  ]);
});

test.each(['keyed', 'findable'] as const)(
  'at a CRM without webhooks, batches or a name we know, a person becomes one record with their conversation (%s)',
  async (writeClass) => {
    const accounts = memoryAccounts({ writeClass, batchSize: 1 });
    const { fixture, crm } = await setUpFor(accounts.open)();
    await crm.writes(somebody(1, 'Asha Rao'), 'Is the blue one there?');
    await crm.writes(somebody(2, 'Ravi'));
    await crm.writes(somebody(1, 'Asha Rao'), 'STOP');
    await fixture.ride(60_000);
    const records = await crm.records();
    expect(records).toHaveLength(2);
    const asha = records.find((record) => crm.read(record, 'first name') === 'Asha');
    expect(crm.isOptedOut(asha)).toBe(true);
    const [entry] = accounts.opened().crm.user.timeline(asha?.recordId ?? '');
    expect(entry?.text).toContain('Is the blue one there?');
    expect(await crm.letters()).toEqual([]);
  },
);

test('ten messages of one person in a second cost the same calls without batches as with', async () => {
  const asha = somebody(1, 'Asha Rao');
  const callsOf = async (batchSize: number): Promise<string[]> => {
    const accounts = memoryAccounts({ batchSize });
    const { fixture, crm } = await setUpFor(accounts.open)();
    await crm.writes(asha);
    await fixture.settle();
    const { calls } = accounts.opened().crm;
    const before = calls.length;
    const firstAt = fixture.clock.now();
    fixture.clock.advance(minute);
    let messages = 0;
    // Time passes by what the test says alone.
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const due = {
      ...fixture.store,
      /** Each time it looks for work a tenth of a second has passed, and she has written again. */
      async scanDue(at: number) {
        fixture.clock.advance(100);
        if (messages < 10) {
          messages += 1;
          const words = `message ${String(messages)}`;
          // A second apart, as WhatsApp tells times: each is news to the record.
          await crm.receive(text(asha, `wamid.${words}`, firstAt + messages * 1000, words));
          await fixture.process.apply();
        }
        return fixture.store.scanDue(at);
      },
    };
    const reconciler = createReconciler({
      store: fixture.store,
      dispatcher: new Dispatcher(due, fixture.clock),
      clock: fixture.clock,
      connectors: {
        of: async () => accounts.opened().connect(freely()),
        forget: () => undefined,
      },
      erasureKeyOf: async () => Buffer.alloc(32),
      counts: { written: () => undefined, callFailed: () => undefined, failed: () => undefined },
    });
    await reconciler.drain();
    vi.useRealTimers();
    return calls.slice(before).map(({ operation }) => operation);
  };
  const batched = await callsOf(100);
  expect(batched.length).toBeLessThanOrEqual(5);
  expect(await callsOf(1)).toEqual(batched);
});

test.each(['keyed', 'findable'] as const)(
  'a call that breaks among many leaves what was answered before, and is looked after alone (%s)',
  async (writeClass) => {
    const accounts = memoryAccounts({ writeClass, batchSize: 1, settleMs: 30_000 });
    const { fixture, crm } = await setUpFor(accounts.open)();
    const { crm: memory } = accounts.opened();
    for (let index = 0; index < 20; index += 1) await crm.writes(somebody(index));
    let creates = 0;
    memory.trouble = (operation) => {
      if (operation !== 'create') return undefined;
      creates += 1;
      return creates === 7 ? { commitAfterMs: 20_000 } : undefined;
    };
    await fixture.ride(600_000);
    expect(await crm.records()).toHaveLength(20);
    // Each was made by one call; who came after the one nobody heard of is looked for once more, and nobody before.
    expect(creates).toBeLessThanOrEqual(21);
    const looks = memory.calls.filter(({ operation }) => operation === 'findByContactId');
    expect(looks.length).toBeLessThanOrEqual(writeClass === 'keyed' ? 14 : 15);
    expect(fixture.failures.map(({ code }) => code)).toEqual(['timeout']);
    expect(await crm.letters()).toEqual([]);
  },
);

test('a day that is spent is kept for who is new and who says STOP, and the rest comes the next day', async () => {
  const accounts = memoryAccounts({ tokensADay: 1000 });
  const { fixture, crm } = await setUpFor(accounts.open)();
  const { crm: memory } = accounts.opened();
  await crm.check();
  const [asha, ravi, bela, chitra] = [
    somebody(1, 'Asha'),
    somebody(2, 'Ravi'),
    somebody(3, 'Bela'),
    somebody(4, 'Chitra'),
  ] as const;
  for (const person of [asha, ravi]) await crm.writes(person);
  await fixture.settle();
  const { store, clock } = fixture;
  const { workspaceId, connectionId } = crm;
  const limits = () => memory.traits.usualFacts.limits;
  const permits = createPermits({ store, clock, workspaceId, connectionId, limits });
  const failures: string[] = [];
  const reconciler = createReconciler({
    store,
    clock,
    dispatcher: new Dispatcher(store, clock),
    connectors: { of: async () => accounts.opened().connect(permits), forget: () => undefined },
    erasureKeyOf: async () => Buffer.alloc(32),
    counts: {
      written: () => undefined,
      callFailed: (_, { code }) => void failures.push(code),
      failed: () => undefined,
    },
  });
  reconciler.start();
  onTestFinished(() => reconciler.stop());
  const named = async (name: string) =>
    (await crm.records()).find((record) => crm.read(record, 'first name') === name);
  const isThere = (name: string) => until(name, () => named(name));
  // What others spend there the CRM tells with its next answer.
  memory.spent = 760;
  await crm.writes(bela, 'I am new');
  await fixture.process.apply();
  await isThere('Bela');
  await crm.writes(asha, 'Is it there?');
  await fixture.process.apply();
  await until('the reserve', () => failures.includes('limit_wait'));
  await crm.writes(chitra, 'I am new too');
  await crm.writes(ravi, 'STOP');
  await fixture.process.apply();
  await isThere('Chitra');
  await until('the STOP', async () => crm.isOptedOut(await named('Ravi')));
  expect(crm.timeOf(await named('Asha'), 'last activity')).toBeLessThan(
    (await crm.contactOf(asha)).lastActivityAt ?? 0,
  );
  await reconciler.stop();
  memory.spent = 0;
  await fixture.ride(24 * hour);
  expect(crm.timeOf(await named('Asha'), 'last activity')).toBe((await crm.contactOf(asha)).lastActivityAt);
  expect(await crm.letters()).toEqual([]);
});

test('a field that one type of record has is written to records of that type alone', async () => {
  const accounts = memoryAccounts({ creates: 'lead' });
  const { fixture, crm } = await setUpFor(accounts.open)();
  const { user } = accounts.opened().crm;
  await crm.remap([{ source: 'last activity', field: leadActivity, policy: 'ours', transform: 'as is' }]);
  const asha = somebody(1, 'Asha');
  await crm.writes(asha);
  await fixture.settle();
  const [lead] = user.list();
  expect(lead).toMatchObject({
    type: 'lead',
    values: { Status: 'Not Contacted', LeadActivity: expect.any(String) },
  });
  const converted = user.convert(lead?.recordId ?? '');
  await crm.configure({ creation: { as: 'contact' } });
  await crm.writes(asha, 'still here');
  await crm.writes(somebody(2, 'Ravi'));
  // Where the timeline comes to the lead first, it looks once more half an hour later.
  await fixture.ride(hour);
  const made = user.list().find(({ values }) => values['FirstName'] === 'Ravi');
  expect(made?.type).toBe('contact');
  expect(made?.values).not.toHaveProperty('Status');
  expect(made?.values).not.toHaveProperty('LeadActivity');
  // What a conversion took along stays as it was.
  const contact = user.list().find(({ recordId }) => recordId === converted);
  expect(contact?.values['LeadActivity']).toBe(lead?.values['LeadActivity']);
  expect(contact?.values['LastActivity']).not.toBe(lead?.values['LastActivity']);
  expect(user.list()).toHaveLength(2);
  expect(await crm.letters()).toEqual([]);
  expect(fixture.failures).toEqual([]);
});

test('where looking people up takes long, none is made after the lease, and all in the end', async () => {
  const accounts = memoryAccounts({ writeClass: 'findable' });
  const { fixture, crm } = await setUpFor(accounts.open)();
  const { crm: memory } = accounts.opened();
  const people = Array.from({ length: 50 }, (_, index) => somebody(index));
  for (const person of people) await crm.writes(person);
  await fixture.process.apply();
  let now = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  onTestFinished(() => clock.mockRestore());
  let leasedAt = now;
  let latest = 0;
  memory.trouble = (operation) => {
    latest = Math.max(latest, now - leasedAt);
    // Each of ten people: after the third of a batch none begins that could end after its lease.
    if (operation === 'findByPhone') now += 19_000;
    return undefined;
  };
  const reconciler = createReconciler({
    store: fixture.store,
    clock: fixture.clock,
    dispatcher: new Dispatcher(fixture.store, fixture.clock),
    connectors: {
      async of() {
        leasedAt = now;
        return accounts.opened().connect(freely());
      },
      forget: () => undefined,
    },
    erasureKeyOf: async () => Buffer.alloc(32),
    counts: { written: () => undefined, callFailed: () => undefined, failed: () => undefined },
  });
  for (let rounds = 0; rounds < 40 && (await crm.records()).length < people.length; rounds += 1) {
    await reconciler.drain();
    fixture.clock.advance(minute);
    now += minute;
  }
  expect(await crm.records()).toHaveLength(people.length);
  expect(latest).toBeLessThanOrEqual(40_000);
});

test('an option the account does not take leaves its field as it was, the rest is written, and it is said', async () => {
  const accounts = memoryAccounts({ ids: 'of each account' });
  const { fixture, crm } = await setUpFor(accounts.open)();
  const { ids } = accounts.opened().crm;
  const asha = somebody(1, 'Asha');
  await crm.writes(asha);
  await fixture.process.apply();
  await crm.tag(asha, ['vip']);
  await fixture.settle();
  const add = vi.spyOn(ids, 'addOptions').mockImplementation(() => undefined);
  await crm.tag(asha, ['Diwali']);
  await crm.writes(asha, 'STOP');
  await fixture.settle();
  const record = await crm.record();
  expect(crm.tagsOf(record)).toEqual(['vip']);
  expect(crm.isOptedOut(record)).toBe(true);
  expect(await crm.letters()).toMatchObject([{ explanation: expect.stringContaining('“Diwali”') }]);
  add.mockRestore();
  await crm.replay();
  await fixture.settle();
  expect(crm.tagsOf(await crm.record())).toEqual(['Diwali', 'vip']);
});

test('where there is room for a part of a tick’s calls at a time, everybody is written in the end', async () => {
  const accounts = memoryAccounts({ creates: 'lead' });
  const { fixture, crm } = await setUpFor(accounts.open)();
  // A person who is new costs three calls in a row, and sixty at once more than there is room for.
  await crm.account.limit('day', { kind: 'rolling', calls: 5, perMs: 10_000 });
  await Promise.all(Array.from({ length: 60 }, (_, index) => crm.writes(somebody(index))));
  await fixture.ride(3 * hour);
  expect(await crm.records()).toHaveLength(60);
  expect(await crm.letters()).toEqual([]);
});

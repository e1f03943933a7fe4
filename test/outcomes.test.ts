import type { CrmValues, WriteOutcome } from '@sangam/core/crm';
import { describe, expect, test } from 'vitest';
import { type MemoryAccount, memoryAccounts } from './conformance/memory-account.ts';
import { day, hour, minute, nationalNumber, somebody, setUpFor } from './conformance/set-up.ts';
import type { CrmFixture } from './harness/crm-fixture.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import { type MemoryCrmRules, memoryFields } from './harness/memory-crm/index.ts';
import type { Person } from './harness/whatsapp.ts';

/** What one item of a write may come to, at CRMs unlike HubSpot. */

interface Scene {
  readonly fixture: CrmFixture;
  readonly crm: CrmWorkspace;
  readonly account: MemoryAccount;
}

const scene = async (rules: MemoryCrmRules = {}): Promise<Scene> => {
  const accounts = memoryAccounts(rules);
  const { fixture, crm } = await setUpFor(accounts.open)();
  return { fixture, crm, account: accounts.opened() };
};

/** As if webhooks of the account came all the time: nobody is asked before a record is made. */
const wellTold = async ({ fixture, crm }: Scene): Promise<void> => {
  await fixture.database.query('update crm_scan_states set last_webhook_at = $2 where workspace_id = $1', [
    crm.workspaceId,
    fixture.clock.now() + hour,
  ]);
};

const typed = (name: string, values: CrmValues = {}): CrmValues => ({ FirstName: name, ...values });
const phoneOf = (index: number): string => `+91${nationalNumber(index)}`;
const callsOf = ({ account }: Scene, operation: string): number =>
  account.crm.calls.filter((call) => call.operation === operation).length;

describe('a record the vendor names in place of making one', () => {
  test.each(['refuse and name the holder', 'refuse naming the field'] as const)(
    'is taken when it holds the phone, and its neighbours are made (%s)',
    async (twins) => {
      const set = await scene({ twins });
      const { fixture, crm, account } = set;
      await crm.check();
      await wellTold(set);
      const recordId = account.crm.user.create(typed('Aasha', { [memoryFields.phone]: phoneOf(1) }));
      await Promise.all([crm.writes(somebody(1, 'Asha Rao')), crm.writes(somebody(2, 'Ravi'))]);
      await fixture.settle();
      const records = await crm.records();
      expect(records).toHaveLength(2);
      const adopted = records.find((record) => record.recordId === recordId);
      expect(crm.read(adopted, 'first name')).toBe('Aasha');
      expect(crm.read(adopted, 'last activity')).not.toBe('');
      const made = records.find((record) => record !== adopted);
      expect(crm.read(made, 'phone')).toBe(phoneOf(2));
      expect(await crm.letters()).toEqual([]);
      expect(await crm.conflicts()).toEqual([]);
    },
  );

  const named = async (
    outcome: (recordId: string, contactId: string) => WriteOutcome,
    holds: CrmValues,
  ): Promise<Scene & { readonly recordId: string }> => {
    const set = await scene();
    const { fixture, crm, account } = set;
    await crm.check();
    await wellTold(set);
    const recordId = account.crm.user.create(holds);
    await crm.writes(somebody(1, 'Asha Rao'));
    await fixture.process.apply();
    const { contactId } = await crm.contactOf(somebody(1));
    let creates = 0;
    account.crm.judge = (item) => {
      if (item === recordId) return undefined;
      creates += 1;
      return creates === 1 ? outcome(recordId, contactId) : undefined;
    };
    await fixture.settle();
    return { ...set, recordId };
  };
  const explanation = 'Another record is in the way.';

  test('is read where the vendor does not say which field it holds: no key of ours is made up', async () => {
    const set = await named(
      (recordId, item) => ({ item, outcome: 'taken', recordId, explanation }),
      typed('Aasha', { [memoryFields.mobile]: phoneOf(1) }),
    );
    expect(await set.crm.records()).toHaveLength(1);
    expect(set.crm.read(await set.crm.record(), 'last activity')).not.toBe('');
    expect(await set.crm.letters()).toEqual([]);
  });

  test('is left alone when it is somebody else: a conflict, and a record without what that one holds', async () => {
    const set = await named(
      (recordId, item) => ({ item, outcome: 'exists', recordId, by: 'rule', explanation }),
      typed('Asha', { LastName: 'Shah', [memoryFields.phone]: phoneOf(7) }),
    );
    const { crm, recordId } = set;
    const records = await crm.records();
    expect(records).toHaveLength(2);
    const made = records.find((record) => record.recordId !== recordId);
    expect(crm.read(made, 'phone')).toBe(phoneOf(1));
    expect(crm.read(made, 'last name')).toBe('Rao');
    expect(crm.read(made, 'first name')).toBe('');
    expect(await crm.conflicts()).toMatchObject([{ kind: 'taken by another record', recordIds: [recordId] }]);
    expect(await crm.letters()).toEqual([]);
  });

  test('that holds our id is taken whatever phone it holds', async () => {
    const { crm } = await named(
      (recordId, item) => ({ item, outcome: 'exists', recordId, by: 'our id', explanation }),
      typed('Aasha', { [memoryFields.phone]: phoneOf(7) }),
    );
    expect(crm.read(await crm.record(), 'first name')).toBe('Aasha');
    expect(crm.read(await crm.record(), 'last activity')).not.toBe('');
    expect(await crm.conflicts()).toEqual([]);
  });
});

describe('one of a hundred', () => {
  const hundred = async (): Promise<Scene & { readonly recordIds: string[] }> => {
    const set = await scene();
    await Promise.all(Array.from({ length: 100 }, (_, index) => set.crm.writes(somebody(index))));
    await set.fixture.settle();
    const recordIds = (await set.crm.records()).map(({ recordId }) => recordId);
    set.account.crm.calls.length = 0;
    return { ...set, recordIds };
  };
  const allWrite = (crm: CrmWorkspace): Promise<unknown> =>
    Promise.all(Array.from({ length: 100 }, (_, index) => crm.writes(somebody(index), 'Again')));

  test('that is locked waits alone, costs its neighbours no call, and is written when it is free', async () => {
    const set = await hundred();
    const { fixture, crm, account, recordIds } = set;
    const [lockedId = ''] = recordIds;
    account.crm.locked.add(lockedId);
    const before = crm.read((await crm.records()).at(-1), 'last activity');
    fixture.clock.advance(minute);
    await allWrite(crm);
    await fixture.process.apply();
    await fixture.settle();
    const written = (await crm.records()).filter((one) => crm.read(one, 'last activity') > before);
    expect(written).toHaveLength(99);
    expect(account.crm.calls.filter((call) => call.operation === 'update').map((call) => call.items)).toEqual(
      [100],
    );
    expect(await crm.letters()).toEqual([]);
    expect(fixture.failures).toEqual([]);
    account.crm.locked.delete(lockedId);
    await fixture.ride(hour);
    const all = (await crm.records()).filter((one) => crm.read(one, 'last activity') > before);
    expect(all).toHaveLength(100);
    expect(await crm.letters()).toEqual([]);
  });

  test('that stays locked is a dead letter in the end, and is replayed', async () => {
    const set = await hundred();
    const { fixture, crm, account, recordIds } = set;
    const [lockedId = ''] = recordIds;
    account.crm.locked.add(lockedId);
    fixture.clock.advance(minute);
    await allWrite(crm);
    await fixture.pass(3 * day);
    expect(await crm.letters()).toMatchObject([{ reason: 'record_locked', source: 'crm' }]);
    expect(callsOf(set, 'update')).toBeLessThan(15);
    account.crm.locked.delete(lockedId);
    await crm.replay();
    await fixture.ride(hour);
    expect(await crm.letters()).toEqual([]);
  });

  test('of which nobody knows whether it was written is looked at before it is written again', async () => {
    const { fixture, crm, account, recordIds } = await hundred();
    const [cutId = ''] = recordIds;
    account.crm.answers.set(cutId, {
      item: cutId,
      outcome: 'unknown',
      code: 'timeout',
      explanation: 'No answer came.',
    });
    fixture.clock.advance(minute);
    await allWrite(crm);
    await fixture.process.apply();
    await fixture.settle();
    account.crm.answers.clear();
    account.crm.calls.length = 0;
    await fixture.ride(hour);
    const [first, second] = account.crm.calls.filter(({ operation }) => operation !== 'entries');
    expect(first).toMatchObject({ operation: 'read', items: 1 });
    expect(second).toMatchObject({ operation: 'update', items: 1 });
    expect(await crm.letters()).toEqual([]);
  });
});

describe('a create nobody answered, where our id keeps nothing from being made twice', () => {
  const cut = async (commitAfterMs: number, person: Person = somebody(1, 'Asha')): Promise<Scene> => {
    const set = await scene({ writeClass: 'findable' });
    await set.crm.check();
    await wellTold(set);
    let cuts = 0;
    set.account.crm.trouble = (operation) => {
      if (operation !== 'create' || cuts > 0) return undefined;
      cuts += 1;
      return { commitAfterMs };
    };
    await set.crm.writes(person);
    await set.fixture.settle();
    return set;
  };

  test('is looked for once the vendor can no longer make it, and not made twice', async () => {
    const { fixture, crm } = await cut(20_000);
    await fixture.ride(hour);
    fixture.clock.advance(minute);
    expect(await crm.records()).toHaveLength(1);
    expect(crm.read(await crm.record(), 'last activity')).not.toBe('');
    expect(await crm.conflicts()).toEqual([]);
  });

  test('waits that long though the person writes on and others go through', async () => {
    const { fixture, crm } = await cut(25_000);
    for (let again = 0; again < 5; again += 1) {
      fixture.clock.advance(2_000);
      await crm.writes(somebody(1, 'Asha'), 'Hello?');
      await crm.writes(somebody(2 + again));
      await fixture.settle();
    }
    await fixture.ride(hour);
    fixture.clock.advance(minute);
    expect(await crm.records()).toHaveLength(6);
  });

  test('that comes later still is found within the hour: the oldest is theirs, the other is shown, none is deleted', async () => {
    const { fixture, crm, account } = await cut(2 * minute);
    await fixture.ride(hour);
    const records = await crm.records();
    expect(records).toHaveLength(2);
    const ids = records.map(({ recordId }) => recordId).toSorted();
    expect(await crm.conflicts()).toMatchObject([{ kind: 'two records', recordIds: ids }]);
    await crm.writes(somebody(1, 'Asha'), 'On which one?');
    await fixture.ride(hour);
    const [oldest = '', other = ''] = ids;
    const said = (recordId: string): string =>
      account.crm.user
        .timeline(recordId)
        .map(({ text }) => text)
        .join('\n');
    expect(said(oldest)).toContain('On which one?');
    expect(said(other)).not.toContain('On which one?');
  });

  test('that comes later still takes the STOP of its person, whom no phone names', async () => {
    const asha = { bsuid: 'IN.ASHA', name: 'Asha' };
    const { fixture, crm } = await cut(2 * minute, asha);
    await fixture.pass(minute);
    expect(await crm.records()).toHaveLength(1);
    await crm.writes(asha, 'STOP');
    await fixture.ride(hour);
    expect((await crm.records()).map((record) => crm.isOptedOut(record))).toEqual([true, true]);
  });

  test('alone in a batch of calls comes back alone', async () => {
    const set = await scene({ writeClass: 'findable' });
    const { fixture, crm, account } = set;
    await crm.check();
    await wellTold(set);
    await Promise.all([1, 2, 3].map((index) => crm.writes(somebody(index))));
    await fixture.process.apply();
    const { contactId } = await crm.contactOf(somebody(2));
    account.crm.answers.set(contactId, {
      item: contactId,
      outcome: 'unknown',
      code: 'timeout',
      explanation: 'No answer came.',
    });
    await fixture.settle();
    expect(await crm.records()).toHaveLength(2);
    account.crm.answers.clear();
    const started = fixture.clock.now();
    await fixture.pass(10_000);
    expect(await crm.records()).toHaveLength(2);
    await fixture.ride(hour);
    expect(await crm.records()).toHaveLength(3);
    expect(fixture.clock.now() - started).toBeGreaterThanOrEqual(30_000);
    expect(await crm.letters()).toEqual([]);
  });
});

describe('of several records of one person', () => {
  const theirs = async ({ crm }: Scene): Promise<string[]> =>
    (await crm.records())
      .filter((record) => crm.read(record, 'last activity') !== '')
      .map(({ recordId }) => recordId);

  test.each(['before a look', 'after a look'])(
    'a contact goes before a lead, though that is older (%s)',
    async (when) => {
      const set = await scene();
      const { fixture, crm, account } = set;
      account.crm.user.create(typed('Lead', { [memoryFields.phone]: phoneOf(1) }), 'lead');
      fixture.clock.advance(minute);
      const contact = account.crm.user.create(typed('Contact', { [memoryFields.mobile]: phoneOf(1) }));
      if (when === 'after a look') await crm.check();
      await crm.writes(somebody(1));
      await fixture.settle();
      expect(await theirs(set)).toEqual([contact]);
    },
  );

  test('found by a look, a contact goes before a lead, then the field people look at first, then the oldest', async () => {
    const set = await scene();
    const { fixture, crm, account } = set;
    await crm.configure({ creation: { policy: 'never' } });
    for (const index of [1, 2, 3]) await crm.writes(somebody(index));
    await fixture.settle();
    const make = (index: number, field: string, type: 'contact' | 'lead' = 'contact'): string => {
      fixture.clock.advance(minute);
      return account.crm.user.create(typed('Typed', { [field]: phoneOf(index) }), type);
    };
    make(1, memoryFields.phone, 'lead');
    const contact = make(1, memoryFields.mobile);
    make(2, memoryFields.mobile);
    const first = make(2, memoryFields.phone);
    const oldest = make(3, memoryFields.phone);
    make(3, memoryFields.phone);
    await crm.check();
    await fixture.settle();
    expect((await theirs(set)).toSorted()).toEqual([contact, first, oldest].toSorted());
  });
});

describe('a create looks for our id first', () => {
  const rewritten = { FirstName: 'Aasha', LeadSource: 'Fair', FirstMessage: 'Met at the fair' };

  test('where a record was deleted and restored, and what people typed there since stays', async () => {
    const set = await scene();
    const { fixture, crm, account } = set;
    await crm.check();
    await crm.writes(somebody(1, 'Asha'));
    await fixture.settle();
    const { recordId } = await crm.record();
    account.crm.user.remove(recordId);
    fixture.clock.advance(minute);
    await crm.tag(somebody(1), ['VIP']);
    await fixture.settle();
    account.crm.user.restore(recordId);
    account.crm.user.update(recordId, rewritten);
    fixture.clock.advance(minute);
    await crm.writes(somebody(1, 'Asha'), 'Me again');
    await fixture.settle();
    const record = await crm.record();
    expect(record).toMatchObject({ recordId, values: rewritten });
    expect(fixture.clock.now() - crm.timeOf(record, 'last activity')).toBeLessThan(minute);
  });

  test('where a person parted them: the parted record keeps what it holds, theirs is another', async () => {
    const set = await scene();
    const { fixture, crm, account } = set;
    await crm.check();
    await crm.writes(somebody(1, 'Asha'));
    await fixture.settle();
    const { recordId } = await crm.record();
    account.crm.user.update(recordId, rewritten);
    await fixture.database.query(
      'update crm_links set is_primary = false, parted_at = $2 where workspace_id = $1',
      [crm.workspaceId, fixture.clock.now()],
    );
    fixture.clock.advance(minute);
    await crm.writes(somebody(1, 'Asha'), 'Me again');
    await fixture.settle();
    const records = await crm.records();
    expect(records).toHaveLength(2);
    expect(records.find((one) => one.recordId === recordId)?.values).toMatchObject(rewritten);
    expect(await crm.letters()).toEqual([]);
  });
});

describe('a refused value', () => {
  const refusing =
    (
      bad: (values: CrmValues) => string | undefined,
      named: boolean,
    ): ((item: string, values: CrmValues) => WriteOutcome | undefined) =>
    (item, values) => {
      const field = bad(values);
      if (field === undefined) return undefined;
      const refused = { item, outcome: 'refused', code: 'invalid', explanation: 'No.' } as const;
      return named ? { ...refused, field } : refused;
    };
  const known = async (): Promise<Scene> => {
    const set = await scene();
    await set.crm.writes(somebody(1, 'Asha'));
    await set.fixture.settle();
    set.account.crm.calls.length = 0;
    return set;
  };
  const stops = async ({ fixture, crm }: Scene, words = 'STOP'): Promise<void> => {
    fixture.clock.advance(minute);
    await crm.writes(somebody(1, 'Asha'), words);
    await fixture.settle();
  };

  test('that is named is left out, the rest and the STOP are written, and it is told and tried once', async () => {
    const set = await known();
    const { crm, account } = set;
    account.crm.judge = refusing((values) => ('Tags' in values ? 'Tags' : undefined), true);
    await crm.tag(somebody(1), ['VIP']);
    await stops(set);
    expect(crm.isOptedOut(await crm.record())).toBe(true);
    expect(crm.read(await crm.record(), 'window state')).toBe('open');
    const [letter, ...more] = await crm.letters();
    expect(more).toEqual([]);
    expect(letter).toMatchObject({ reason: 'invalid', source: 'crm' });
    expect(letter?.explanation).toContain('Tags');
    account.crm.calls.length = 0;
    for (const words of ['And', 'on', 'again']) await stops(set, words);
    expect(callsOf(set, 'update')).toBe(3);
    expect(await crm.letters()).toHaveLength(1);

    account.crm.judge = undefined;
    await crm.replay();
    await set.fixture.settle();
    expect(crm.tagsOf(await crm.record())).toEqual(['VIP']);
    expect(await crm.letters()).toEqual([]);
  });

  test('of a new person leaves the record to its next stand-in, and the name takes that place', async () => {
    const set = await scene();
    const { fixture, crm, account } = set;
    const digits = (values: CrmValues): string | undefined =>
      /\d/.test(values['FirstName'] ?? '') ? 'FirstName' : undefined;
    account.crm.judge = refusing(digits, true);
    await crm.writes({ phone: somebody(1).phone ?? '' });
    await fixture.settle();
    expect(crm.read(await crm.record(), 'phone')).toBe(phoneOf(1));
    expect(crm.read(await crm.record(), 'first name')).toBe('WhatsApp contact');
    expect(await crm.letters()).toEqual([]);
    fixture.clock.advance(minute);
    await crm.writes(somebody(1, 'Asha'));
    await fixture.settle();
    expect(crm.read(await crm.record(), 'first name')).toBe('Asha');
  });

  test('of a new person without another to stand in leaves the record without it, and is told', async () => {
    const set = await scene();
    const { fixture, crm, account } = set;
    account.crm.judge = refusing((values) => ('LastName' in values ? 'LastName' : undefined), true);
    for (const words of ['Hello', 'Hello again']) {
      fixture.clock.advance(minute);
      await crm.writes(somebody(1, 'Asha Rao'), words);
      await fixture.settle();
    }
    const record = await crm.record();
    expect(record.values).toMatchObject({ FirstName: 'Asha', Phone: phoneOf(1) });
    expect(crm.read(record, 'last name')).toBe('');
    expect(await crm.letters()).toHaveLength(1);
    expect(callsOf(set, 'create')).toBe(2);
    expect(callsOf(set, 'update')).toBe(1);
    account.crm.judge = undefined;
    await crm.replay();
    await fixture.settle();
    expect(crm.read(await crm.record(), 'last name')).toBe('Rao');
    expect(await crm.letters()).toEqual([]);
  });

  test('that nobody names keeps the rest back, and not the STOP', async () => {
    const set = await known();
    const { crm, account } = set;
    account.crm.judge = refusing((values) => ('LastActivity' in values ? 'LastActivity' : undefined), false);
    await stops(set);
    expect(crm.isOptedOut(await crm.record())).toBe(true);
    expect(await crm.letters()).toHaveLength(1);
    account.crm.judge = undefined;
    await stops(set, 'Anything new?');
    expect(crm.tagsOf(await crm.record())).toEqual([]);
    expect(await crm.letters()).toEqual([]);
  });

  test('named beside the opt-out alone: the STOP is tried again with the next message', async () => {
    const set = await known();
    const { crm, account } = set;
    account.crm.judge = refusing((values) => ('OptOut' in values ? 'OptOut' : undefined), true);
    await stops(set);
    expect(crm.isOptedOut(await crm.record())).toBe(false);
    expect(await crm.letters()).toHaveLength(1);
    account.crm.judge = undefined;
    await stops(set, 'Hello?');
    expect(crm.isOptedOut(await crm.record())).toBe(true);
  });
});

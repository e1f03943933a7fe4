import { describe, expect, test } from 'vitest';
import { SangamError } from '@sangam/core/errors';
import { dueTimeline, replaceLinks } from '@sangam/core/store';
import type { CrmChange } from '@sangam/core/crm';
import { memoryAccounts } from './conformance/memory-account.ts';
import { day, hour, minute, somebody, setUpFor } from './conformance/set-up.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import { type MemoryCrmRules, noAnswer } from './harness/memory-crm/index.ts';

/** What becomes of each timeline entry by itself, at CRMs that move, refuse, delay or lose single ones. */

const asha = somebody(1, 'Asha');
const ravi = somebody(2, 'Ravi');

/** Two people, each with a record and an entry on it. */
async function two(rules: MemoryCrmRules) {
  const accounts = memoryAccounts(rules);
  const set = await setUpFor(accounts.open)();
  const { fixture, crm } = set;
  await crm.writes(asha, 'from Asha');
  await fixture.ride(hour);
  await crm.writes(ravi, 'from Ravi');
  await fixture.ride(hour);
  const vendor = accounts.opened().crm;
  const [one, other] = await crm.records();
  if (one === undefined || other === undefined) throw new Error('Two records were expected.');
  const tell = async (change: CrmChange): Promise<void> => {
    await crm.isTold([change]);
    await fixture.ride(hour);
  };
  return { ...set, vendor, asha: one.recordId, ravi: other.recordId, tell };
}

async function shown(crm: CrmWorkspace, recordId: string): Promise<string[]> {
  return (await crm.account.user.timeline(recordId)).map(({ text }) => text).toSorted();
}

describe('records that are merged, at a CRM that does not move entries', () => {
  test.each([
    ['findable', 'told'],
    ['findable', 'found by a read'],
    ['keyed', 'told'],
    ['keyed', 'found by a read'],
  ] as const)('take their past along, without a word from anybody: entries %s, %s', async (entries, how) => {
    const set = await two({ entries, movesWithMerge: false });
    const { fixture, crm, vendor, tell } = set;
    fixture.clock.advance(minute);
    vendor.user.merge(set.asha, set.ravi);
    const at = fixture.clock.now();
    await tell(
      how === 'told'
        ? { kind: 'merged', recordId: set.ravi, into: set.asha, at }
        : { kind: 'restored', recordId: set.ravi, at },
    );
    expect(await shown(crm, set.asha)).toEqual(['from Asha', 'from Ravi']);
    expect(await shown(crm, set.ravi)).toEqual([]);
    await crm.writes(ravi, 'and more');
    await fixture.ride(hour);
    expect(await shown(crm, set.asha)).toEqual(['from Asha', 'from Ravi\nand more']);
  });
});

test('where the CRM moves entries itself, a merge costs no call for them, and the next message one', async () => {
  const set = await two({ movesWithMerge: true });
  const { fixture, crm, vendor, tell } = set;
  const calls = (): number => vendor.calls.filter(({ operation }) => operation === 'entries').length;
  const before = calls();
  vendor.user.merge(set.asha, set.ravi);
  await tell({ kind: 'merged', recordId: set.ravi, into: set.asha, at: fixture.clock.now() });
  expect(calls()).toBe(before);
  await crm.writes(ravi, 'and more');
  await fixture.ride(hour);
  expect(calls()).toBe(before + 1);
  expect(await shown(crm, set.asha)).toEqual(['from Asha', 'from Ravi\nand more']);
});

describe('one entry the CRM takes another time', () => {
  test('waits by itself: its neighbours are written, and the account is not left alone', async () => {
    const set = await two({});
    const { fixture, crm, vendor } = set;
    vendor.lockedTimelines.add(set.asha);
    await crm.writes(asha, 'more from Asha');
    await crm.writes(ravi, 'more from Ravi');
    await fixture.settle();
    expect(await shown(crm, set.asha)).toEqual(['from Asha']);
    expect(await shown(crm, set.ravi)).toEqual(['from Ravi\nmore from Ravi']);
    expect(fixture.failures).toEqual([]);
    const { rows } = await fixture.database.query(
      'select failed_attempts, blocked_reason from crm_call_states',
    );
    expect(rows).toEqual([{ failed_attempts: 0, blocked_reason: null }]);
    vendor.lockedTimelines.clear();
    await fixture.ride(hour);
    expect(await shown(crm, set.asha)).toEqual(['from Asha\nmore from Asha']);
    expect(await crm.letters()).toEqual([]);
  });

  test('and never, is a dead letter in the end, and goes on its way again by replay', async () => {
    const set = await two({});
    const { fixture, crm, vendor } = set;
    vendor.lockedTimelines.add(set.asha);
    await crm.writes(asha, 'more from Asha');
    await fixture.pass(hour);
    expect(await crm.letters()).toEqual([]);
    await fixture.ride(4 * day);
    const letter = { reason: 'timeline_record_locked', source: 'crm' };
    expect(await crm.letters()).toMatchObject([letter]);
    // What is written to the record says nothing of its timeline.
    await crm.tag(asha, ['VIP']);
    await fixture.settle();
    expect((await crm.records()).flatMap((record) => crm.tagsOf(record))).toEqual(['VIP']);
    expect(await crm.letters()).toMatchObject([letter]);
    vendor.lockedTimelines.clear();
    await crm.replay();
    await fixture.ride(hour);
    expect(await crm.letters()).toEqual([]);
    expect(await shown(crm, set.asha)).toEqual(['from Asha\nmore from Asha']);
  });
});

describe('an answer that is not whole', () => {
  const tried = async ({ database }: Awaited<ReturnType<typeof two>>['fixture']): Promise<number> =>
    (await database.query('select 1 from timeline_entries where tried')).rows.length;

  test('leaves only the entry nobody spoke of to be looked for', async () => {
    const set = await two({});
    const { fixture, crm, vendor } = set;
    fixture.clock.advance(day);
    vendor.unheard.add(set.asha);
    await crm.writes(asha, 'today from Asha');
    await crm.writes(ravi, 'today from Ravi');
    await fixture.settle();
    expect(await tried(fixture)).toBe(1);
    expect(fixture.failures).toEqual([]);
    vendor.unheard.clear();
    await fixture.ride(hour);
    expect(await shown(crm, set.asha)).toEqual(['from Asha', 'today from Asha']);
    expect(await shown(crm, set.ravi)).toEqual(['from Ravi', 'today from Ravi']);
    expect(await crm.letters()).toEqual([]);
  });

  test('counts, though the next call of the same batch fails', async () => {
    const set = await two({});
    const { fixture, crm, vendor } = set;
    fixture.clock.advance(day);
    let calls = 0;
    vendor.trouble = (operation) => {
      if (operation !== 'entries') return undefined;
      calls += 1;
      if (calls === 1) {
        throw new SangamError({
          code: 'batch_refused',
          origin: 'crm',
          retry: 'never',
          message: 'Not all at once.',
        });
      }
      if (calls === 3) throw noAnswer();
      return undefined;
    };
    await crm.writes(asha, 'today from Asha');
    await crm.writes(ravi, 'today from Ravi');
    await fixture.settle();
    expect(await tried(fixture)).toBe(1);
    expect(fixture.failures).toHaveLength(1);
    await fixture.ride(hour);
    expect(await shown(crm, set.asha)).toEqual(['from Asha', 'today from Asha']);
    expect(await shown(crm, set.ravi)).toEqual(['from Ravi', 'today from Ravi']);
  });
});

describe('an entry that changes while it is under way', () => {
  /** What happens during the next call for the timeline. */
  const during = (crm: CrmWorkspace, act: () => Promise<void>): void => {
    crm.beforeCall = async (priority) => {
      if (priority !== 'timeline') return;
      crm.beforeCall = undefined;
      await act();
    };
  };

  test('is written again', async () => {
    const set = await two({});
    const { fixture, crm } = set;
    during(crm, async () => {
      await crm.writes(asha, 'third');
      await fixture.process.apply();
    });
    await crm.writes(asha, 'second');
    await fixture.ride(hour);
    expect(await shown(crm, set.asha)).toEqual(['from Asha\nsecond\nthird']);
  });

  test('is not forgotten, though it had nothing to show before', async () => {
    const set = await two({});
    const { fixture, crm } = set;
    const { contactId } = await crm.contactOf(asha);
    // What it showed turned out to be somebody else's.
    await fixture.database.query('update messages set contact_id = null where contact_id = $1', [contactId]);
    await crm.transact((trx) =>
      trx
        .updateTable('timeline_entries')
        .set({ due_at: fixture.clock.now() })
        .where('workspace_id', '=', crm.workspaceId)
        .where('contact_id', '=', contactId)
        .execute(),
    );
    during(crm, async () => {
      await crm.writes(asha, 'and this is hers');
      await fixture.process.apply();
    });
    await fixture.ride(hour);
    expect(await shown(crm, set.asha)).toEqual(['and this is hers']);
  });
});

describe('an entry whose contact gets another record', () => {
  const relinked = async (rules: MemoryCrmRules) => {
    const set = await two(rules);
    const { fixture, crm, vendor } = set;
    const { contactId } = await crm.contactOf(asha);
    const recordId = vendor.user.create({ FirstName: 'Asha' });
    const move = (): Promise<void> =>
      crm.transact(async (trx) => {
        const link = { recordId, primary: true, reason: 'member' as const, partedAt: null, createdAt: 1 };
        await replaceLinks(trx, crm.connectionId, contactId, [link]);
        await dueTimeline(trx, crm.connectionId, [contactId], fixture.clock.now());
      });
    return { ...set, recordId, move };
  };

  test.each(['findable', 'keyed'] as const)('leaves the old one (%s)', async (entries) => {
    const set = await relinked({ entries });
    await set.move();
    await set.fixture.ride(hour);
    expect(await shown(set.crm, set.recordId)).toEqual(['from Asha']);
    expect(await shown(set.crm, set.asha)).toEqual([]);
  });

  test('stays there while the new one cannot be written', async () => {
    const set = await relinked({});
    set.vendor.lockedTimelines.add(set.recordId);
    await set.move();
    await set.fixture.ride(4 * day);
    expect(await shown(set.crm, set.asha)).toEqual(['from Asha']);
    set.vendor.lockedTimelines.clear();
    await set.crm.replay();
    await set.fixture.ride(hour);
    expect(await shown(set.crm, set.recordId)).toEqual(['from Asha']);
    expect(await shown(set.crm, set.asha)).toEqual([]);
  });

  test('is taken off the old one later where that failed at first', async () => {
    const set = await relinked({});
    let calls = 0;
    set.vendor.trouble = (operation) => {
      if (operation !== 'entries') return undefined;
      calls += 1;
      // The look, the write, and then what takes the old one away.
      if (calls === 3) throw noAnswer();
      return undefined;
    };
    await set.move();
    await set.fixture.ride(hour);
    expect(calls).toBeGreaterThan(3);
    expect(await shown(set.crm, set.recordId)).toEqual(['from Asha']);
    expect(await shown(set.crm, set.asha)).toEqual([]);
  });
});

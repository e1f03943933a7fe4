import { randomUUID } from 'node:crypto';
import { type CrmChange, FieldsMissing, type ScanPage } from '@sangam/core/crm';
import {
  advanceCheck,
  connectionOf,
  insertCheck,
  lastCheck,
  leaseCheck,
  noteWrites,
  pollSoon,
  saveFacts,
  saveLinks,
  saveRecords,
  stopCheck,
} from '@sangam/core/store';
import { describe, expect, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { memoryAccounts } from './conformance/memory-account.ts';
import { day, flowAnswer, hour, minute, somebody, setUpFor } from './conformance/set-up.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import { memoryFields, type MemoryCrmRules } from './harness/memory-crm/index.ts';
import { scanning, tell } from './harness/tell.ts';
import type { Person } from './harness/whatsapp.ts';

/** What happens in a CRM is told by webhooks or found by looking, or both: each change is known once. */

const { stage: stageField } = memoryFields;
const asha = somebody(1, 'Asha Rao');

const start = async (options = {}, rules: MemoryCrmRules = {}) => {
  const accounts = memoryAccounts(rules);
  const set = await setUpFor(accounts.open)(options);
  return { ...set, user: accounts.opened().crm.user, memory: accounts.opened().crm };
};

/** A record of Asha's we made, and one minute passed. */
const withRecord = async (options = {}, rules: MemoryCrmRules = {}) => {
  const set = await start(options, rules);
  await set.crm.writes(asha);
  await set.fixture.settle();
  set.fixture.clock.advance(minute);
  return { ...set, recordId: (await set.crm.record()).recordId };
};

const stagesOf = async (crm: CrmWorkspace) =>
  (await crm.occurrences())
    .filter(({ field }) => field === stageField)
    .toSorted((x, y) => x.changedAt - y.changedAt)
    .map(({ value, changedAt, changedBy }) => ({ value, changedAt, changedBy }));

const stageTold = (recordId: string, at: number, value: string, by?: string): CrmChange => ({
  kind: 'field',
  recordId,
  at,
  field: stageField,
  value,
  ...(by === undefined ? {} : { by }),
});

describe('a change', () => {
  test('of a record we made is found by the next poll, with the vendor’s time', async () => {
    const { fixture, crm, user, recordId } = await withRecord({ polled: true });
    const times: number[] = [];
    for (const value of ['new', 'qualified', 'new']) {
      user.update(recordId, { [stageField]: value });
      times.push(fixture.clock.now());
      fixture.clock.advance(minute);
      await fixture.settle();
    }
    expect(await stagesOf(crm)).toMatchObject([
      { value: 'new', changedAt: times[0] },
      { value: 'qualified', changedAt: times[1] },
      { value: 'new', changedAt: times[2] },
    ]);
  });

  test('of a record we made is known for one though nothing looked at it before', async () => {
    const { fixture, crm, user } = await start({});
    await crm.check();
    await crm.writes(asha);
    await fixture.settle();
    user.update((await crm.record()).recordId, { [stageField]: 'new' });
    await crm.poll();
    expect(await stagesOf(crm)).toMatchObject([{ value: 'new' }]);
  });

  test('of the owner of a record made for nobody is known for one, and making it cost no read', async () => {
    const { fixture, crm } = await setUpFor(openHubspotAccount)({});
    await crm.check();
    const [owner] = await crm.connector.owners();
    const ownerId = owner?.ownerId ?? '';
    const making = async (person: Person): Promise<number> => {
      const before = await crm.account.calls();
      await crm.writes(person);
      await fixture.settle();
      return (await crm.account.calls()) - before;
    };
    const forNobody = await making(asha);
    const { recordId } = await crm.record();
    await crm.configure({ owner: { kind: 'fixed', ownerId } });
    // Of a record made for somebody the answer tells the owner.
    expect(await making(somebody(7, 'Bela'))).toBe(forNobody);
    fixture.clock.advance(minute);
    await crm.account.user.update(recordId, { hubspot_owner_id: ownerId });
    await crm.poll();
    expect(await crm.occurrences()).toMatchObject([{ recordId, field: 'hubspot_owner_id', value: ownerId }]);
  });

  test('is not swallowed by our own read', async () => {
    const { fixture, crm, user } = await start({});
    const adopted = user.create({ [memoryFields.phone]: `+${asha.phone ?? ''}`, [stageField]: 'new' });
    await crm.writes(asha);
    await fixture.settle();
    expect(await stagesOf(crm)).toEqual([]);
    fixture.clock.advance(minute);
    user.update(adopted, { [stageField]: 'qualified' });
    const changedAt = fixture.clock.now();
    await crm.tag(asha, ['VIP']);
    await fixture.settle();
    expect(await stagesOf(crm)).toEqual([{ value: 'qualified', changedAt, changedBy: null }]);
  });

  test('of a record nobody is tied to is found by a check', async () => {
    const { fixture, crm, user } = await start({});
    const recordId = user.create({ FirstName: 'Nobody', [stageField]: 'new' });
    await crm.check();
    fixture.clock.advance(minute);
    user.update(recordId, { [stageField]: 'qualified' });
    await crm.check();
    await crm.check();
    expect(await stagesOf(crm)).toMatchObject([{ value: 'qualified' }]);
  });

  test.each(['poll first', 'webhook first'])(
    'found by a poll and told by a webhook is one, with the webhook’s time (%s)',
    async (order) => {
      const { fixture, crm, user, recordId } = await withRecord({ polled: true });
      user.update(recordId, { [stageField]: 'qualified' });
      const changedAt = fixture.clock.now();
      const webhook = () => tell(fixture, crm, stageTold(recordId, changedAt, 'qualified', 'user 7'));
      fixture.clock.advance(minute);
      user.update(recordId, { City: 'Pune' });
      if (order === 'webhook first') await webhook();
      await fixture.settle();
      if (order === 'poll first') await webhook();
      await fixture.settle();
      expect(await stagesOf(crm)).toEqual([{ value: 'qualified', changedAt, changedBy: 'user 7' }]);
    },
  );

  test('told by a workflow after our read found it takes the webhook’s time', async () => {
    const { fixture, crm, user, recordId } = await withRecord({ polled: true });
    user.update(recordId, { [stageField]: 'qualified' });
    const changedAt = fixture.clock.now() - 2000;
    await fixture.settle();
    await tell(fixture, crm, stageTold(recordId, changedAt, 'qualified'));
    await fixture.settle();
    expect(await stagesOf(crm)).toEqual([{ value: 'qualified', changedAt, changedBy: null }]);
  });

  test('an index tells late is found, for polls overlap', async () => {
    const accounts = memoryAccounts();
    let now = (): number => 0;
    const lagMs = minute;
    const open = scanning(accounts.open, {
      scan: (page) => ({
        ...page,
        records: page.records.filter(({ changedAt = 0 }) => changedAt + lagMs <= now()),
      }),
    });
    const { fixture, crm } = await setUpFor(open)({ polled: true });
    now = () => fixture.clock.now();
    await crm.writes(asha);
    await fixture.settle();
    const { recordId } = await crm.record();
    fixture.clock.advance(10 * minute);
    await fixture.settle();
    accounts.opened().crm.user.update(recordId, { [stageField]: 'qualified' });
    fixture.clock.advance(1000);
    await fixture.settle();
    expect(await stagesOf(crm)).toEqual([]);
    fixture.clock.advance(5 * minute);
    await fixture.settle();
    expect(await stagesOf(crm)).toMatchObject([{ value: 'qualified' }]);
  });

  test('a lagging index shows what stood before: nobody made that, and no phone comes back', async () => {
    const accounts = memoryAccounts();
    let stale: ScanPage | undefined;
    let latest: ScanPage | undefined;
    const open = scanning(accounts.open, { scan: (page) => stale ?? (latest = page) });
    const { fixture, crm } = await setUpFor(open)({ polled: true });
    const { user } = accounts.opened().crm;
    const ravi = somebody(2, 'Ravi');
    const other = user.create({ FirstName: 'Other', [memoryFields.phone]: `+${ravi.phone ?? ''}` });
    await crm.writes(asha);
    await fixture.settle();
    fixture.clock.advance(minute);
    user.update(other, { [stageField]: 'new' });
    await crm.poll();
    const before = latest;
    user.update(other, { [memoryFields.phone]: '+919812300099' });
    fixture.clock.advance(minute);
    await fixture.settle();
    stale = before;
    await crm.writes(asha, 'STOP');
    await fixture.settle();
    const changed = (await crm.occurrences()).map(({ recordId, field }) => `${recordId} ${field}`).toSorted();
    expect(changed).toEqual([`${other} ${memoryFields.phone}`, `${other} ${stageField}`]);
    expect((await crm.contactOf(asha)).optOut).toBe(true);
    await crm.writes(ravi);
    await fixture.settle();
    const held = (await crm.records()).find(({ recordId }) => recordId === other);
    expect(crm.read(held, 'last activity')).toBe('');
  });

  test('of one record touches no record of another connection that has the same id', async () => {
    const { fixture, crm, user, recordId } = await withRecord({ polled: true });
    const { workspaceId } = crm;
    const other = randomUUID();
    const { contactId } = await crm.contactOf(asha);
    const now = fixture.clock.now();
    await crm.transact(async (trx) => {
      const phones = [{ field: memoryFields.phone, place: 0, typed: '+1', phone: '+15550100' }];
      const seen = { recordId, keyContactId: undefined, base: { [stageField]: 'other' }, phones };
      await saveRecords(trx, other, [seen], now);
      await saveLinks(trx, other, [{ contactId, recordId, primary: true, reason: 'phone' }], now);
      await noteWrites(trx, other, [{ recordId, values: { [stageField]: 'qualified' } }], now);
    });
    const theirs = async (): Promise<unknown[]> => {
      const tables = ['crm_records', 'crm_phones', 'crm_links', 'crm_writes', 'occurrences'];
      return Promise.all(
        tables.map(async (table) => {
          const sql = `select * from ${table} where workspace_id = $1 and connection_id = $2`;
          return (await fixture.database.query(sql, [workspaceId, other])).rows;
        }),
      );
    };
    const before = await theirs();
    const second = user.create({ FirstName: 'Twin' });
    user.update(recordId, { [stageField]: 'qualified', [memoryFields.phone]: '' });
    await fixture.settle();
    await tell(fixture, crm, stageTold(recordId, fixture.clock.now(), 'qualified'));
    user.remove(recordId);
    await fixture.settle();
    await tell(fixture, crm, { kind: 'restored', recordId, at: fixture.clock.now() });
    user.restore(recordId);
    await fixture.settle();
    user.merge(second, recordId);
    await fixture.settle();
    expect(await theirs()).toEqual(before);
    expect(await stagesOf(crm)).toHaveLength(1);
  });
});

describe('our own write', () => {
  const firstName = (recordId: string, at: number): CrmChange => ({
    kind: 'field',
    recordId,
    at,
    field: 'FirstName',
    value: 'Asha',
  });

  test('comes back once, and in its ten minutes', async () => {
    const { fixture, crm, user, recordId } = await withRecord();
    user.update(recordId, { FirstName: 'Aasha' });
    await tell(fixture, crm, {
      kind: 'field',
      recordId,
      at: fixture.clock.now(),
      field: 'FirstName',
      value: 'Aasha',
    });
    await fixture.settle();
    await tell(fixture, crm, firstName(recordId, fixture.clock.now() + 1));
    expect(await crm.occurrences()).toHaveLength(1);
    await tell(fixture, crm, firstName(recordId, fixture.clock.now() + 2));
    expect(await crm.occurrences()).toHaveLength(2);
  });

  test('comes back no later than ten minutes after', async () => {
    const { fixture, crm, user, recordId } = await withRecord();
    user.update(recordId, { FirstName: 'Aasha' });
    await tell(fixture, crm, {
      kind: 'field',
      recordId,
      at: fixture.clock.now(),
      field: 'FirstName',
      value: 'Aasha',
    });
    await fixture.settle();
    fixture.clock.advance(10 * minute);
    await tell(fixture, crm, firstName(recordId, fixture.clock.now()));
    expect((await crm.occurrences()).map(({ value }) => value).toSorted()).toEqual(['Aasha', 'Asha']);
  });

  test.each(['webhooks', 'polls', 'our own reads'] as const)(
    'that takes effect long after nobody answered is nobody’s change, and does not stand (seen by %s)',
    async (seenBy) => {
      const { fixture, crm, memory, recordId } = await withRecord({ polled: seenBy === 'polls' });
      let left = 1;
      memory.trouble = (operation) => {
        if (operation !== 'update' || left === 0) return undefined;
        left -= 1;
        return { commitAfterMs: 20_000 };
      };
      await crm.writes(asha, 'STOP');
      await fixture.pass(10_000);
      expect(crm.isOptedOut(await crm.record())).toBe(true);
      await crm.writes(asha, 'START');
      await fixture.pass(1000);
      expect(crm.isOptedOut(await crm.record())).toBe(false);
      fixture.clock.advance(20_000);
      expect(crm.isOptedOut(await crm.record())).toBe(true);
      if (seenBy === 'webhooks') {
        const at = fixture.clock.now();
        await tell(fixture, crm, { kind: 'field', recordId, at, field: 'OptOut', value: 'Yes' });
      }
      if (seenBy === 'our own reads') await crm.tag(asha, ['VIP']);
      await fixture.ride(hour);
      expect(crm.isOptedOut(await crm.record())).toBe(false);
      expect((await crm.contactOf(asha)).optOut).toBe(false);
      const { rows } = await fixture.database.query(
        `select 1 from consent_entries where workspace_id = $1 and method = 'crm'`,
        [crm.workspaceId],
      );
      expect(rows).toEqual([]);
      expect(await crm.occurrences()).toEqual([]);
      expect(await crm.conflicts()).toEqual([]);
    },
  );

  test('on a record somebody had made is ours from the start', async () => {
    const accounts = memoryAccounts();
    const { fixture, crm } = await setUpFor(accounts.open)({ polled: true });
    const { crm: vendor } = accounts.opened();
    const ravi = somebody(1, 'Ravi');
    vendor.user.create({ FirstName: 'Typed', [memoryFields.phone]: `+${ravi.phone ?? ''}` });
    await crm.check();
    let updates = 0;
    vendor.trouble = (operation) => {
      updates += operation === 'update' ? 1 : 0;
      return operation === 'update' && updates === 1 ? { commitAfterMs: 0 } : undefined;
    };
    await crm.writes(ravi);
    await fixture.settle();
    fixture.clock.advance(minute);
    await crm.poll();
    await fixture.ride(hour);
    expect(await crm.occurrences()).toEqual([]);
  });

  test('that adds a tag is known for ours when it is told before its answer came', async () => {
    const { fixture, crm } = await setUpFor(openHubspotAccount)({ webhooks: true });
    await crm.check();
    const ravi = somebody(1, 'Ravi');
    await crm.writes(ravi);
    await crm.receive(flowAnswer(ravi, 'wamid.flow', fixture.clock.now(), { size: 'L' }));
    await fixture.ride(hour);
    await crm.tag(ravi, ['vip']);
    await crm.account.fault({ on: 'updates', dropConnection: 'after', times: 1 });
    await fixture.settle();
    await fixture.ride(hour);
    expect(crm.tagsOf(await crm.record())).toEqual(['WhatsApp Flow', 'vip']);
    expect(await crm.occurrences()).toEqual([]);
  });

  test('that never took effect does not hide what a person did a day later', async () => {
    const { fixture, crm, memory, user, recordId } = await withRecord({ polled: true });
    let left = 1;
    memory.trouble = (operation) => {
      if (operation !== 'update' || left === 0) return undefined;
      left -= 1;
      return { commitAfterMs: 100 * day };
    };
    await crm.writes(asha, 'STOP');
    await fixture.ride(hour);
    await crm.writes(asha, 'START');
    await fixture.ride(hour);
    fixture.clock.advance(day);
    user.update(recordId, { OptOut: 'Yes' });
    await fixture.ride(hour);
    expect((await crm.contactOf(asha)).optOut).toBe(true);
    expect((await crm.occurrences()).map(({ field }) => field)).toEqual(['OptOut']);
  });
});

describe('an opt-out set in the CRM', () => {
  test('counts from the vendor’s time, so that a START after it stands', async () => {
    const { fixture, crm, user, recordId } = await withRecord({});
    user.update(recordId, { OptOut: 'Yes' });
    const at = fixture.clock.now();
    fixture.clock.advance(minute);
    await crm.writes(asha, 'START');
    await fixture.process.apply();
    fixture.clock.advance(minute);
    await tell(fixture, crm, { kind: 'field', recordId, at, field: 'OptOut', value: 'Yes', by: 'user 7' });
    await fixture.settle();
    expect((await crm.contactOf(asha)).optOut).toBe(false);
    expect(crm.isOptedOut(await crm.record())).toBe(false);
  });

  test.each(['poll', 'check'] as const)(
    'is taken over after a %s: a look does not overwrite what was agreed',
    async (look) => {
      const { fixture, crm, user, recordId } = await withRecord({});
      await crm.check();
      fixture.clock.advance(minute);
      user.update(recordId, { OptOut: 'Yes' });
      fixture.clock.advance(minute);
      if (look === 'poll') await crm.poll();
      else await crm.check();
      await fixture.settle();
      expect((await crm.contactOf(asha)).optOut).toBe(true);
      expect(crm.isOptedOut(await crm.record())).toBe(true);
    },
  );
});

describe('a lead that was converted', () => {
  test.each(['poll', 'check', 'webhook'] as const)('goes on as the contact, told by a %s', async (by) => {
    const { fixture, crm, user, recordId } = await withRecord(
      { polled: by === 'poll' },
      { creates: 'lead', movesWithMerge: false },
    );
    const contact = user.convert(recordId);
    fixture.clock.advance(minute);
    if (by === 'check') await crm.check();
    if (by === 'webhook')
      await tell(fixture, crm, { kind: 'merged', recordId, into: contact, at: fixture.clock.now() });
    await fixture.settle();
    await crm.answers(asha, 'The business writes');
    await fixture.settle();
    const [record, ...others] = await crm.records();
    expect(others).toEqual([]);
    expect(record?.recordId).toBe(contact);
    expect(crm.timeOf(record, 'last activity')).toBeGreaterThan(fixture.clock.now() - minute);
    expect(
      user
        .timeline(contact)
        .map(({ text }) => text)
        .join('\n'),
    ).toContain('The business writes');
    user.update(contact, { [stageField]: 'qualified' });
    fixture.clock.advance(minute);
    await crm.tag(asha, ['VIP']);
    await fixture.settle();
    expect(await stagesOf(crm)).toMatchObject([{ value: 'qualified' }]);
  });
});

describe('gone, and back', () => {
  const orders = <Item>(items: readonly Item[]): Item[][] =>
    items.length <= 1
      ? [[...items]]
      : items.flatMap((item, n) => orders(items.toSpliced(n, 1)).map((rest) => [item, ...rest]));

  test.each(orders(['deleted', 'restored'] as const).map((order) => [order.join(', '), order] as const))(
    'a record deleted and restored is theirs, with what was typed there: told %s',
    async (_told, order) => {
      const { fixture, crm, user, recordId } = await withRecord({});
      const times = { deleted: fixture.clock.now(), restored: fixture.clock.now() + 5000 };
      user.remove(recordId);
      fixture.clock.advance(5000);
      user.restore(recordId);
      user.update(recordId, { FirstName: 'Aasha' });
      fixture.clock.advance(minute);
      for (const kind of order) {
        await tell(fixture, crm, { kind, recordId, at: times[kind] });
        await crm.writes(asha, 'Still here');
        await fixture.process.apply();
      }
      await fixture.settle();
      const record = await crm.record();
      expect(record.recordId).toBe(recordId);
      expect(crm.read(record, 'first name')).toBe('Aasha');
      expect(crm.timeOf(record, 'last activity')).toBeGreaterThan(fixture.clock.now() - minute);
    },
  );

  test.each(
    orders(['first', 'restored', 'last'] as const).map((order) => [order.join(', '), order] as const),
  )(
    'a record restored and deleted again stays gone until its person writes: told %s',
    async (_told, order) => {
      const { fixture, crm, user, recordId } = await withRecord({});
      const at = fixture.clock.now();
      const changes = {
        first: { kind: 'deleted', recordId, at },
        restored: { kind: 'restored', recordId, at: at + 5000 },
        last: { kind: 'deleted', recordId, at: at + 9000 },
      } as const;
      user.remove(recordId);
      fixture.clock.advance(minute);
      for (const which of order) {
        await tell(fixture, crm, changes[which]);
        await fixture.settle();
      }
      await crm.answers(asha, 'The business writes');
      await crm.tag(asha, ['VIP']);
      await fixture.settle();
      expect(await crm.records()).toEqual([]);
      await crm.writes(asha, 'It is me again');
      await fixture.settle();
      expect(await crm.records()).toHaveLength(1);
    },
  );

  test.each(['merged first', 'deleted first'])(
    'a merged-away record that is also told as deleted lives on as the other (%s)',
    async (order) => {
      const { fixture, crm, user, recordId } = await withRecord({});
      await crm.writes(somebody(2, 'Ravi'));
      await fixture.settle();
      const other = (await crm.records()).find((record) => record.recordId !== recordId)?.recordId ?? '';
      fixture.clock.advance(minute);
      user.merge(other, recordId);
      user.update(other, { FirstName: 'Typed' });
      const at = fixture.clock.now();
      const changes: CrmChange[] = [
        { kind: 'merged', recordId, into: other, at },
        { kind: 'deleted', recordId, at },
      ];
      for (const change of order === 'merged first' ? changes : changes.toReversed()) {
        await tell(fixture, crm, change);
        await crm.writes(asha, 'From Asha');
        await fixture.process.apply();
      }
      await fixture.settle();
      const record = await crm.record();
      expect(record.recordId).toBe(other);
      expect(crm.read(record, 'first name')).toBe('Typed');
      await crm.writes(asha, 'STOP');
      await fixture.settle();
      expect(crm.isOptedOut(await crm.record())).toBe(true);
    },
  );

  test('a deletion that is told and not so takes no record', async () => {
    const { fixture, crm, recordId } = await withRecord({});
    await tell(fixture, crm, { kind: 'deleted', recordId, at: fixture.clock.now() });
    await fixture.settle();
    await crm.answers(asha, 'The business writes');
    await fixture.settle();
    const record = await crm.record();
    expect(record.recordId).toBe(recordId);
    expect(crm.timeOf(record, 'last activity')).toBeGreaterThan(fixture.clock.now() - minute);
  });

  test('a deletion told before the message it was made after brings nobody back', async () => {
    const { fixture, crm, user, recordId } = await withRecord({});
    // The message is written to the record after it was sent, and the record is deleted after both.
    await crm.writes(asha, 'A last word');
    await fixture.process.apply();
    fixture.clock.advance(minute);
    user.remove(recordId);
    await tell(fixture, crm, { kind: 'deleted', recordId, at: fixture.clock.now() });
    await fixture.settle();
    expect(await crm.records()).toEqual([]);
    await crm.writes(asha, 'It is me again');
    await fixture.settle();
    expect(await crm.records()).toHaveLength(1);
  });

  test.each(['a message', 'a poll', 'a check'] as const)(
    'a record restored with no word of it is found by %s',
    async (by) => {
      const { fixture, crm, user, recordId } = await withRecord({});
      await crm.check();
      user.remove(recordId);
      await tell(fixture, crm, { kind: 'deleted', recordId, at: fixture.clock.now() });
      await fixture.settle();
      fixture.clock.advance(minute);
      user.restore(recordId);
      user.update(recordId, { FirstName: 'Aasha' });
      fixture.clock.advance(minute);
      if (by === 'a poll') await crm.poll();
      if (by === 'a check') await crm.check();
      await fixture.settle();
      await (by === 'a message' ? crm.writes(asha, 'Still here') : crm.answers(asha, 'We are here'));
      await fixture.settle();
      const record = await crm.record();
      expect(record.recordId).toBe(recordId);
      expect(crm.read(record, 'first name')).toBe('Aasha');
      expect(crm.timeOf(record, 'last activity')).toBeGreaterThan(fixture.clock.now() - minute);
    },
  );

  test('a record a whole look did not bring up is followed to where it lives on', async () => {
    const { fixture, crm, user, recordId } = await withRecord({}, { movesWithMerge: false });
    await crm.writes(somebody(2, 'Ravi'));
    await fixture.settle();
    const other = (await crm.records()).find((record) => record.recordId !== recordId)?.recordId ?? '';
    fixture.clock.advance(minute);
    user.merge(other, recordId);
    fixture.clock.advance(minute);
    await crm.check();
    await crm.answers(asha, 'We are here');
    await fixture.settle();
    expect(
      user
        .timeline(other)
        .map(({ text }) => text)
        .join('\n'),
    ).toContain('We are here');
  });
});

describe('looking', () => {
  test('a check asks once which fields there are, and again once more is known of the account', async () => {
    let asked = 0;
    let learn: (() => Promise<unknown>) | undefined;
    const accounts = memoryAccounts();
    const open = scanning(accounts.open, {
      fields: () => void (asked += 1),
      async scan(page, { cursor = '0' }) {
        if (cursor === '2') await learn?.();
        return {
          ...page,
          records: page.records.slice(Number(cursor), Number(cursor) + 1),
          ...(Number(cursor) < 4 ? { next: String(Number(cursor) + 1) } : {}),
        };
      },
    });
    const { crm } = await setUpFor(open)();
    for (let n = 0; n < 5; n += 1) accounts.opened().crm.user.create({ FirstName: `N${String(n)}` });
    asked = 0;
    await crm.check();
    expect(asked).toBe(1);
    learn = () =>
      crm.transact((trx) =>
        saveFacts(trx, crm.connectionId, { followedFields: [memoryFields.stage, 'Rank'] }),
      );
    await crm.check();
    expect(asked).toBe(3);
  });

  test('polls ask again which fields there are after ten minutes, or once one is missing or more is known of the account', async () => {
    let asked = 0;
    let missing = false;
    const open = scanning(memoryAccounts().open, {
      fields: () => void (asked += 1),
      scan(page) {
        if (!missing) return page;
        missing = false;
        throw new FieldsMissing({ message: 'No such field.', fields: ['Stage'] });
      },
    });
    const { fixture, crm } = await setUpFor(open)();
    await crm.check();
    asked = 0;
    const pollAfter = async (minutes: number): Promise<number> => {
      fixture.clock.advance(minutes * minute);
      await crm.poll();
      return asked;
    };
    expect(await pollAfter(0)).toBe(1);
    expect(await pollAfter(9)).toBe(1);
    expect(await pollAfter(1)).toBe(2);
    missing = true;
    expect(await pollAfter(1)).toBe(3);
    expect(missing).toBe(false);
    await crm.transact((trx) =>
      saveFacts(trx, crm.connectionId, { followedFields: [memoryFields.stage, 'Rank'] }),
    );
    expect(await pollAfter(1)).toBe(4);
    expect(await pollAfter(1)).toBe(4);
    expect(await crm.alerts()).toEqual([]);
  });

  test('a hint that names only the record has it read, and tells what changed there', async () => {
    const accounts = memoryAccounts();
    const { fixture, crm } = await setUpFor(accounts.open)();
    await crm.writes(somebody(1));
    await fixture.settle();
    const { recordId } = await crm.record();
    const { user } = accounts.opened().crm;
    user.update(recordId, { [memoryFields.stage]: 'qualified' });
    await fixture.settle();
    expect(await crm.occurrences()).toEqual([]);
    await crm.isTold([{ kind: 'touched', recordId, at: fixture.clock.now() }]);
    await fixture.settle();
    expect(await crm.occurrences()).toMatchObject([{ field: memoryFields.stage, value: 'qualified' }]);
  });

  test('a poll begins where the check began, not where it ended', async () => {
    const accounts = memoryAccounts();
    let between: (() => void) | undefined;
    const since: number[] = [];
    const open = scanning(accounts.open, {
      scan(page, { cursor, changedSince }) {
        if (changedSince !== undefined) {
          since.push(changedSince);
          return page;
        }
        if (cursor === undefined) return { ...page, next: 'second' };
        between?.();
        return { ...page, records: [] };
      },
    });
    const { fixture, crm } = await setUpFor(open)();
    const begun = fixture.clock.now();
    between = () => fixture.clock.advance(hour);
    await crm.check();
    await crm.poll();
    expect(since[0]).toBeLessThanOrEqual(begun);
  });

  test('once a check is done a poll is due, whenever the next one was', async () => {
    const { fixture, crm } = await start({});
    await crm.transact((trx) =>
      trx
        .updateTable('crm_scan_states')
        .set({ next_poll_at: fixture.clock.now() + hour, poll_cursor: 'of a poll before' })
        .where('workspace_id', '=', crm.workspaceId)
        .execute(),
    );
    await crm.check();
    const row = await crm.transact((trx) => connectionOf(trx, crm.connectionId));
    expect(row?.nextPollAt).toBeLessThanOrEqual(fixture.clock.now());
    expect(row?.pollCursor).toBeNull();
  });

  test('a hint during a poll makes no second one beside it: the next comes when that one is over', async () => {
    const accounts = memoryAccounts();
    let polls = 0;
    let during: (() => Promise<void>) | undefined;
    const open = scanning(accounts.open, {
      async scan(page, { changedSince }) {
        if (changedSince === undefined) return page;
        polls += 1;
        const once = during;
        during = undefined;
        await once?.();
        return page;
      },
    });
    const { fixture, crm } = await setUpFor(open)();
    await crm.check();
    await crm.poll();
    polls = 0;
    const connection = () => crm.transact((trx) => connectionOf(trx, crm.connectionId));
    const pollIfDue = async (): Promise<void> => {
      const row = await connection();
      if (row !== undefined) await fixture.process.poller.poll(row);
    };
    during = async () => {
      fixture.clock.advance(31_000);
      await crm.transact((trx) => pollSoon(trx, crm.connectionId, fixture.clock.now()));
      // As another process does.
      await pollIfDue();
      expect(polls).toBe(1);
      const target = { queue: 'polls', workspaceId: crm.workspaceId, targetId: crm.connectionId } as const;
      const now = fixture.clock.now();
      expect(await fixture.store.restDue(target, now)).toBeGreaterThan(now);
    };
    fixture.clock.advance(hour);
    await pollIfDue();
    expect(during).toBeUndefined();
    expect(polls).toBe(1);
    await pollIfDue();
    expect(polls).toBe(2);
  });

  test('a poll whose process died is taken over, and ends nothing when it lives after all', async () => {
    const accounts = memoryAccounts();
    let polls = 0;
    let during: (() => Promise<void>) | undefined;
    const open = scanning(accounts.open, {
      async scan(page, { changedSince, cursor }) {
        if (changedSince === undefined) return page;
        polls += 1;
        const once = during;
        during = undefined;
        await once?.();
        return cursor === undefined ? { ...page, next: 'second' } : page;
      },
    });
    const { fixture, crm } = await setUpFor(open)();
    await crm.check();
    await crm.poll();
    polls = 0;
    during = async () => {
      fixture.clock.advance(2 * minute);
      await crm.poll();
    };
    fixture.clock.advance(hour);
    await crm.poll();
    // Both pages by the second, and by the first only the one it was at.
    expect(polls).toBe(3);
  });

  test('who was overtaken while they looked at the last page does not end the check', async () => {
    const accounts = memoryAccounts();
    let looks = 0;
    let overtake: (() => Promise<unknown>) | undefined;
    const open = scanning(accounts.open, {
      async scan(page) {
        looks += 1;
        if (looks === 1) await overtake?.();
        return page;
      },
    });
    const { fixture, crm } = await setUpFor(open)();
    // Another process took the check over, and died: the next to come looks at that page again.
    overtake = () => fixture.database.query('update checks set lease = $1, leased_until = 0', [randomUUID()]);
    await crm.check();
    expect(looks).toBe(2);
    expect(await crm.transact((trx) => lastCheck(trx, crm.connectionId))).toMatchObject({ state: 'done' });
  });

  test('a check that was overtaken neither goes on nor ends', async () => {
    const { fixture, crm } = await start({});
    const now = fixture.clock.now();
    const page = { cursor: 'next', records: 1, filled: {} };
    const { connectionId } = crm;
    const cursors = await crm.transact(async (trx) => {
      await insertCheck(trx, { connectionId, region: undefined }, now);
      const [slow, quick] = [randomUUID(), randomUUID()];
      await leaseCheck(trx, connectionId, slow, now, minute);
      expect(await leaseCheck(trx, connectionId, quick, now + minute - 1, minute)).toBeUndefined();
      expect(await leaseCheck(trx, connectionId, quick, now + minute + 1, minute)).toBeDefined();
      expect(await advanceCheck(trx, slow, { ...page, cursor: null })).toBe(false);
      expect(await advanceCheck(trx, quick, page)).toBe(true);
      return lastCheck(trx, connectionId);
    });
    expect(cursors).toMatchObject({ cursor: 'next', records: 1, state: 'running' });
    await crm.transact((trx) => stopCheck(trx, connectionId, now));
  });
});

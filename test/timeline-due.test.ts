import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readStatement } from '@sangam/core/corrections';
import {
  leaseEntries,
  markTimeline,
  parkDeadLetters,
  saveLinks,
  sweepTimeline,
  writableConnection,
  type WorkspaceTransaction,
} from '@sangam/core/store';
import { memoryAccounts } from './conformance/memory-account.ts';
import { hour, minute, somebody, setUpFor } from './conformance/set-up.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import type { CrmFixture } from './harness/crm-fixture.ts';
import { memoryFields } from './harness/memory-crm/index.ts';

const atOnce = () => ({ message: 0, status: 0 });

/** Every timeline entry falls due, whatever meets: nothing said is missing on the record, and if it were it is said. */

const asha = somebody(1, 'Asha Rao');
const ravi = somebody(2, 'Ravi');

/** A business that lets nobody in: who is to have a record is given one. */
async function closedStage() {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)({ settings: { creation: { policy: 'never' } } });
  return { fixture, crm, user: accounts.opened().crm.user, calls: accounts.opened().crm.calls };
}

async function shown(crm: CrmWorkspace, recordId: string): Promise<string[]> {
  return (await crm.account.user.timeline(recordId)).map(({ text }) => text);
}

async function balance(fixture: CrmFixture, crm: CrmWorkspace) {
  const today = new Date(fixture.clock.now()).toISOString().slice(0, 10);
  const { balances, connections } = await readStatement(fixture.store, crm.workspaceId, today, 'UTC');
  return { balances, missing: connections.map(({ timeline }) => timeline.missing) };
}

async function dueEntries(fixture: CrmFixture): Promise<number> {
  const { rows } = await fixture.database.query('select 1 from timeline_entries where due_at is not null');
  return rows.length;
}

test('an entry keeps the traces of the first sixteen events behind it, however they come', async () => {
  const { fixture, crm } = await closedStage();
  const wamid = await crm.writes(asha, 'hello');
  await fixture.process.apply();
  const { contactId } = await crm.contactOf(asha);
  const { connectionId, channelId } = crm;
  const at = fixture.clock.now();
  const traces = Array.from({ length: 20 }, (_, index) => `trace-${String(index)}`);
  const mark = (some: readonly (string | null)[]): Promise<void> =>
    crm.transact((trx) =>
      markTimeline(
        trx,
        some.map((traceparent) => ({ contactId, channelId, wamid, at, statusOnly: false, traceparent })),
        atOnce,
        at,
      ),
    );
  await mark(traces.slice(0, 3));
  await mark([null]);
  await mark(traces.slice(3));
  const entries = await crm.transact(async (trx) => {
    const connection = await writableConnection(trx, connectionId);
    if (connection === undefined) throw new Error('It may not be written.');
    return leaseEntries(trx, { connection, lease: randomUUID(), size: 10, now: at + hour, leaseMs: 1 });
  });
  expect(entries.map(({ traceparents }) => traceparents)).toEqual([traces.slice(0, 16)]);
});

describe('marking an entry and giving its contact a record', () => {
  /** Somebody who wrote, and whose entry no transaction has marked yet. */
  const unmarked = async () => {
    const set = await closedStage();
    const { fixture, crm, user } = set;
    const recordId = user.create({ FirstName: 'Asha' });
    const wamid = await crm.writes(asha, 'hello');
    await fixture.process.apply();
    await fixture.database.query('delete from timeline_entries');
    const { contactId } = await crm.contactOf(asha);
    const { connectionId, channelId } = crm;
    const at = fixture.clock.now();
    const mark = (trx: WorkspaceTransaction): Promise<void> =>
      markTimeline(trx, [{ contactId, channelId, wamid, at, statusOnly: false }], atOnce, at);
    const link = async (trx: WorkspaceTransaction): Promise<void> => {
      await saveLinks(trx, connectionId, [{ contactId, recordId, primary: true, reason: 'our id' }], at);
    };
    return { ...set, recordId, mark, link };
  };

  /** Does its work at once, and ends when it is told to. */
  const begin = async (
    crm: CrmWorkspace,
    work: (trx: WorkspaceTransaction) => Promise<void>,
  ): Promise<() => Promise<void>> => {
    const worked = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    const ended = crm.transact(async (trx) => {
      await work(trx);
      worked.resolve();
      await end.promise;
    });
    await Promise.race([worked.promise, ended]);
    return () => {
      end.resolve();
      return ended;
    };
  };

  test.each(['marked first, seen last', 'linked first, seen last'] as const)('meet: %s', async (order) => {
    const { fixture, crm, recordId, mark, link } = await unmarked();
    const [first, second] = order === 'marked first, seen last' ? [mark, link] : [link, mark];
    const endFirst = await begin(crm, first);
    await crm.transact(second);
    await endFirst();
    await fixture.ride(hour);
    expect(await shown(crm, recordId)).toEqual(['hello']);
  });

  test('meet while the writer looks at the entry, and a record is being given that it cannot see', async () => {
    const { fixture, crm, recordId, mark, link } = await unmarked();
    const endLink = await begin(crm, link);
    await crm.transact(mark);
    fixture.clock.advance(minute);
    await fixture.settle();
    expect(await shown(crm, recordId)).toEqual([]);
    await endLink();
    await fixture.ride(hour);
    expect(await shown(crm, recordId)).toEqual(['hello']);
  });
});

test('an entry whose contact has no record costs nothing and waits for nothing, until one is given', async () => {
  const { fixture, crm, user, calls } = await closedStage();
  await crm.writes(asha, 'hello');
  await fixture.ride(hour);
  expect(await dueEntries(fixture)).toBe(0);
  expect(await fixture.store.scanDue(fixture.clock.now())).toEqual([]);
  await crm.writes(asha, 'are you there?');
  await fixture.process.apply();
  expect(await dueEntries(fixture)).toBe(0);
  await fixture.ride(hour);
  expect(calls.filter(({ operation }) => operation === 'entries')).toEqual([]);
  expect(await balance(fixture, crm)).toEqual({ balances: true, missing: [0] });

  const recordId = user.create({ FirstName: 'Asha' });
  const { contactId } = await crm.contactOf(asha);
  await crm.transact((trx) =>
    saveLinks(
      trx,
      crm.connectionId,
      [{ contactId, recordId, primary: true, reason: 'our id' }],
      fixture.clock.now(),
    ),
  );
  await fixture.ride(hour);
  expect(await shown(crm, recordId)).toEqual(['hello\nare you there?']);
  expect(await balance(fixture, crm)).toEqual({ balances: true, missing: [0] });
});

describe('a record found by its phone shows what was said before it was found', () => {
  test('by a look through the account', async () => {
    const { fixture, crm, user } = await closedStage();
    await crm.writes(asha, 'hello');
    await fixture.ride(hour);
    const recordId = user.create({ [memoryFields.phone]: `+${asha.phone ?? ''}` });
    await crm.check();
    await fixture.ride(hour);
    expect(await shown(crm, recordId)).toEqual(['hello']);
  });

  test('by a record read again, somebody else’s', async () => {
    const { fixture, crm, user } = await closedStage();
    const recordId = user.create({ [memoryFields.phone]: `+${ravi.phone ?? ''}` });
    await crm.check();
    await crm.writes(ravi, 'from Ravi');
    await crm.writes(asha, 'from Asha');
    await fixture.ride(hour);
    expect(await shown(crm, recordId)).toEqual(['from Ravi']);
    user.update(recordId, { [memoryFields.mobile]: `+${asha.phone ?? ''}` });
    const at = fixture.clock.now();
    await crm.isTold([
      { kind: 'field', recordId, at, field: memoryFields.mobile, value: `+${asha.phone ?? ''}` },
    ]);
    await fixture.ride(hour);
    expect((await shown(crm, recordId)).toSorted()).toEqual(['from Asha', 'from Ravi']);
  });
});

test('what was said while a record was deleted stands on it when it is restored', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)();
  const { user } = accounts.opened().crm;
  const tell = (kind: 'deleted' | 'restored', recordId: string): Promise<unknown> =>
    crm.isTold([{ kind, recordId, at: fixture.clock.now() }]);
  await crm.writes(asha, 'hello');
  await fixture.ride(minute);
  const { recordId } = await crm.record();
  fixture.clock.advance(2 * minute);
  user.remove(recordId);
  await tell('deleted', recordId);
  await fixture.settle();
  await crm.answers(asha, 'an answer nobody sees yet');
  await fixture.ride(hour);
  fixture.clock.advance(2 * minute);
  user.restore(recordId);
  await tell('restored', recordId);
  await fixture.ride(hour);
  expect(await shown(crm, recordId)).toEqual(['hello\nan answer nobody sees yet']);
});

describe('an entry that was lost all the same', () => {
  test('is missing in the statement, and found by the sweep', async () => {
    const { fixture, crm, user } = await closedStage();
    await crm.writes(asha, 'hello');
    await fixture.ride(hour);
    const recordId = user.create({ FirstName: 'Asha' });
    const { contactId } = await crm.contactOf(asha);
    await fixture.database.query(
      `insert into crm_links (workspace_id, connection_id, contact_id, record_id, decided_by, created_at)
       values ($1, $2, $3, $4, 'our id', 1)`,
      [crm.workspaceId, crm.connectionId, contactId, recordId],
    );
    await fixture.ride(hour);
    expect(await shown(crm, recordId)).toEqual([]);
    expect(await balance(fixture, crm)).toEqual({ balances: false, missing: [1] });

    await fixture.database.query('insert into window_sweeps (workspace_id, swept_until) values ($1, 1)', [
      crm.workspaceId,
    ]);
    await crm.transact((trx) => sweepTimeline(trx, fixture.clock.now()));
    await fixture.ride(hour);
    expect(await shown(crm, recordId)).toEqual(['hello']);
    expect(await balance(fixture, crm)).toEqual({ balances: true, missing: [0] });
  });

  test('is so on its record too, unless the CRM refused it', async () => {
    const { fixture, crm } = await setUpFor(memoryAccounts().open)();
    await crm.writes(asha, 'hello');
    await fixture.ride(hour);
    const { recordId } = await crm.record();
    await fixture.database.query('update timeline_entries set written_hash = null');
    await crm.transact(async (trx) => {
      await parkDeadLetters(
        trx,
        [
          {
            reason: 'timeline_refused',
            aboutTimeline: true,
            explanation: 'It said no.',
            source: 'crm',
            connectionId: crm.connectionId,
            contactId: (await crm.contactOf(asha)).contactId,
            receivedAt: fixture.clock.now(),
          },
        ],
        fixture.clock.now(),
      );
    });
    await fixture.database.query('insert into window_sweeps (workspace_id, swept_until) values ($1, 1)', [
      crm.workspaceId,
    ]);
    const sweep = () => crm.transact((trx) => sweepTimeline(trx, fixture.clock.now()));
    await sweep();
    expect(await dueEntries(fixture)).toBe(0);
    expect(await balance(fixture, crm)).toEqual({ balances: true, missing: [0] });
    await fixture.database.query('delete from dead_letters');
    // That their record was refused is no word about its timeline.
    await crm.transact(async (trx) => {
      const { contactId } = await crm.contactOf(asha);
      const { connectionId } = crm;
      const letter = {
        reason: 'refused',
        explanation: 'It said no.',
        source: 'crm',
        connectionId,
        contactId,
      } as const;
      await parkDeadLetters(trx, [{ ...letter, receivedAt: fixture.clock.now() }], fixture.clock.now());
    });
    expect(await balance(fixture, crm)).toEqual({ balances: false, missing: [1] });
    await sweep();
    expect(await dueEntries(fixture)).toBe(1);
    await fixture.ride(hour);
    expect(await shown(crm, recordId)).toEqual(['hello']);
    expect(await balance(fixture, crm)).toEqual({ balances: true, missing: [0] });
  });

  test('is found behind any number of people without a record, a part of them a time', async () => {
    const { fixture, crm } = await closedStage();
    const ids = [crm.workspaceId, crm.connectionId, crm.channelId];
    const last = 'ffffffff-ffff-4fff-8fff-ffffffffffff';
    await fixture.database.query(
      `insert into timeline_entries (workspace_id, connection_id, contact_id, channel_id, part, entry_key, marked_at)
       select $1, $2, case when n = 2500 then $4::uuid else gen_random_uuid() end, $3, '2026-11-01', n, 1
       from generate_series(1, 2500) n`,
      [...ids, last],
    );
    await fixture.database.query(
      `insert into crm_links (workspace_id, connection_id, contact_id, record_id, decided_by, created_at)
       values ($1, $2, $3, '1', 'our id', 1)`,
      [crm.workspaceId, crm.connectionId, last],
    );
    await fixture.database.query('insert into window_sweeps (workspace_id, swept_until) values ($1, 1)', [
      crm.workspaceId,
    ]);
    const found: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      await crm.transact((trx) => sweepTimeline(trx, fixture.clock.now()));
      found.push(await dueEntries(fixture));
    }
    expect(found).toEqual([0, 0, 1, 1]);
    const { rows } = await fixture.database.query('select entries_from is null as begins from window_sweeps');
    // The fourth look began anew.
    expect(rows).toEqual([{ begins: false }]);
  });
});

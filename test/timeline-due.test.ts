import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readStatement } from '@sangam/core/pipeline';
import {
  leaseEntries,
  markTimeline,
  parkDeadLetters,
  saveLinks,
  sweepTimeline,
  type WorkspaceTransaction,
} from '@sangam/core/store';
import { memoryAccounts } from './conformance/memory-account.ts';
import { hour, minute, somebody, stageFor } from './conformance/stage.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import type { CrmWorld } from './harness/crm-world.ts';
import { memoryFields } from './harness/memory-crm.ts';

/** Every timeline entry falls due, whatever meets: nothing said is missing on the record, and if it were it is said. */

const asha = somebody(1, 'Asha Rao');
const ravi = somebody(2, 'Ravi');

/** A business that lets nobody in: who is to have a record is given one. */
async function closedStage() {
  const accounts = memoryAccounts();
  const { world, crm } = await stageFor(accounts.open)({ settings: { creation: { policy: 'never' } } });
  return { world, crm, user: accounts.opened().crm.user, calls: accounts.opened().crm.calls };
}

async function shown(crm: CrmWorkspace, recordId: string): Promise<string[]> {
  return (await crm.account.user.timeline(recordId)).map(({ text }) => text);
}

async function balance(world: CrmWorld, crm: CrmWorkspace) {
  const today = new Date(world.clock.now()).toISOString().slice(0, 10);
  const { balances, connections } = await readStatement(world.store, crm.workspaceId, today, 'UTC');
  return { balances, missing: connections.map(({ timeline }) => timeline.missing) };
}

async function dueEntries(world: CrmWorld): Promise<number> {
  const { rows } = await world.database.query('select 1 from timeline_entries where due_at is not null');
  return rows.length;
}

test('an entry keeps the traces of the first sixteen events behind it, however they come', async () => {
  const { world, crm } = await closedStage();
  const wamid = await crm.writes(asha, 'hello');
  await world.process.apply();
  const { contactId } = await crm.contactOf(asha);
  const { connectionId, channelId } = crm;
  const at = world.clock.now();
  const traces = Array.from({ length: 20 }, (_, index) => `trace-${String(index)}`);
  const mark = (some: readonly (string | null)[]): Promise<void> =>
    crm.transact((trx) =>
      markTimeline(
        trx,
        some.map((traceparent) => ({ contactId, channelId, wamid, at, tickOnly: false, traceparent })),
        at,
      ),
    );
  await mark(traces.slice(0, 3));
  await mark([null]);
  await mark(traces.slice(3));
  const lease = { connectionId, lease: randomUUID(), size: 10, now: at + hour, leaseMs: 1, only: undefined };
  const entries = await crm.transact((trx) => leaseEntries(trx, lease));
  expect(entries.map(({ traceparents }) => traceparents)).toEqual([traces.slice(0, 16)]);
});

describe('marking an entry and giving its contact a record', () => {
  /** Somebody who wrote, and whose entry no transaction has marked yet. */
  const unmarked = async () => {
    const set = await closedStage();
    const { world, crm, user } = set;
    const recordId = user.create({ FirstName: 'Asha' });
    const wamid = await crm.writes(asha, 'hello');
    await world.process.apply();
    await world.database.query('delete from timeline_entries');
    const { contactId } = await crm.contactOf(asha);
    const { connectionId, channelId } = crm;
    const at = world.clock.now();
    const mark = (trx: WorkspaceTransaction): Promise<void> =>
      markTimeline(trx, [{ contactId, channelId, wamid, at, tickOnly: false }], at);
    const link = (trx: WorkspaceTransaction): Promise<void> =>
      saveLinks(trx, connectionId, [{ contactId, recordId, home: true, reason: 'our id' }], at);
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
    const { world, crm, recordId, mark, link } = await unmarked();
    const [first, second] = order === 'marked first, seen last' ? [mark, link] : [link, mark];
    const endFirst = await begin(crm, first);
    await crm.transact(second);
    await endFirst();
    await world.ride(hour);
    expect(await shown(crm, recordId)).toEqual(['hello']);
  });

  test('meet while the writer looks at the entry, and a record is being given that it cannot see', async () => {
    const { world, crm, recordId, mark, link } = await unmarked();
    const endLink = await begin(crm, link);
    await crm.transact(mark);
    world.clock.advance(minute);
    await world.settle();
    expect(await shown(crm, recordId)).toEqual([]);
    await endLink();
    await world.ride(hour);
    expect(await shown(crm, recordId)).toEqual(['hello']);
  });
});

test('an entry whose contact has no record costs nothing and waits for nothing, until one is given', async () => {
  const { world, crm, user, calls } = await closedStage();
  await crm.writes(asha, 'hello');
  await world.ride(hour);
  expect(await dueEntries(world)).toBe(0);
  expect(await world.store.lookAtDue(world.clock.now())).toEqual([]);
  await crm.writes(asha, 'are you there?');
  await world.process.apply();
  expect(await dueEntries(world)).toBe(0);
  await world.ride(hour);
  expect(calls.filter(({ operation }) => operation === 'entries')).toEqual([]);
  expect(await balance(world, crm)).toEqual({ balances: true, missing: [0] });

  const recordId = user.create({ FirstName: 'Asha' });
  const { contactId } = await crm.contactOf(asha);
  await crm.transact((trx) =>
    saveLinks(
      trx,
      crm.connectionId,
      [{ contactId, recordId, home: true, reason: 'our id' }],
      world.clock.now(),
    ),
  );
  await world.ride(hour);
  expect(await shown(crm, recordId)).toEqual(['hello\nare you there?']);
  expect(await balance(world, crm)).toEqual({ balances: true, missing: [0] });
});

describe('a record found by its phone shows what was said before it was found', () => {
  test('by a look through the account', async () => {
    const { world, crm, user } = await closedStage();
    await crm.writes(asha, 'hello');
    await world.ride(hour);
    const recordId = user.create({ [memoryFields.phone]: `+${asha.phone ?? ''}` });
    await crm.check();
    await world.ride(hour);
    expect(await shown(crm, recordId)).toEqual(['hello']);
  });

  test('by a record read again, somebody else’s', async () => {
    const { world, crm, user } = await closedStage();
    const recordId = user.create({ [memoryFields.phone]: `+${ravi.phone ?? ''}` });
    await crm.check();
    await crm.writes(ravi, 'from Ravi');
    await crm.writes(asha, 'from Asha');
    await world.ride(hour);
    expect(await shown(crm, recordId)).toEqual(['from Ravi']);
    user.update(recordId, { [memoryFields.mobile]: `+${asha.phone ?? ''}` });
    const at = world.clock.now();
    await crm.isTold([
      { kind: 'field', recordId, at, field: memoryFields.mobile, value: `+${asha.phone ?? ''}` },
    ]);
    await world.ride(hour);
    expect((await shown(crm, recordId)).toSorted()).toEqual(['from Asha', 'from Ravi']);
  });
});

test('what was said while a record was deleted stands on it when it is restored', async () => {
  const accounts = memoryAccounts();
  const { world, crm } = await stageFor(accounts.open)();
  const { user } = accounts.opened().crm;
  const tell = (kind: 'deleted' | 'restored', recordId: string): Promise<unknown> =>
    crm.isTold([{ kind, recordId, at: world.clock.now() }]);
  await crm.writes(asha, 'hello');
  await world.ride(minute);
  const { recordId } = await crm.record();
  world.clock.advance(2 * minute);
  user.remove(recordId);
  await tell('deleted', recordId);
  await world.settle();
  await crm.answers(asha, 'an answer nobody sees yet');
  await world.ride(hour);
  world.clock.advance(2 * minute);
  user.restore(recordId);
  await tell('restored', recordId);
  await world.ride(hour);
  expect(await shown(crm, recordId)).toEqual(['hello\nan answer nobody sees yet']);
});

describe('an entry that was lost all the same', () => {
  test('is missing in the statement, and found by the sweep', async () => {
    const { world, crm, user } = await closedStage();
    await crm.writes(asha, 'hello');
    await world.ride(hour);
    const recordId = user.create({ FirstName: 'Asha' });
    const { contactId } = await crm.contactOf(asha);
    await world.database.query(
      `insert into crm_links (workspace_id, connection_id, contact_id, record_id, decided_by, created_at)
       values ($1, $2, $3, $4, 'our id', 1)`,
      [crm.workspaceId, crm.connectionId, contactId, recordId],
    );
    await world.ride(hour);
    expect(await shown(crm, recordId)).toEqual([]);
    expect(await balance(world, crm)).toEqual({ balances: false, missing: [1] });

    await world.database.query('insert into window_sweeps (workspace_id, swept_until) values ($1, 1)', [
      crm.workspaceId,
    ]);
    await crm.transact((trx) => sweepTimeline(trx, world.clock.now()));
    await world.ride(hour);
    expect(await shown(crm, recordId)).toEqual(['hello']);
    expect(await balance(world, crm)).toEqual({ balances: true, missing: [0] });
  });

  test('is so on its record too, unless the CRM refused it', async () => {
    const { world, crm } = await stageFor(memoryAccounts().open)();
    await crm.writes(asha, 'hello');
    await world.ride(hour);
    const { recordId } = await crm.record();
    await world.database.query('update timeline_entries set written_hash = null');
    await crm.transact(async (trx) => {
      await parkDeadLetters(
        trx,
        [
          {
            reason: 'timeline_refused',
            explanation: 'It said no.',
            source: 'crm',
            connectionId: crm.connectionId,
            contactId: (await crm.contactOf(asha)).contactId,
            receivedAt: world.clock.now(),
          },
        ],
        world.clock.now(),
      );
    });
    await world.database.query('insert into window_sweeps (workspace_id, swept_until) values ($1, 1)', [
      crm.workspaceId,
    ]);
    const sweep = () => crm.transact((trx) => sweepTimeline(trx, world.clock.now()));
    await sweep();
    expect(await dueEntries(world)).toBe(0);
    expect(await balance(world, crm)).toEqual({ balances: true, missing: [0] });
    await world.database.query('delete from dead_letters');
    expect(await balance(world, crm)).toEqual({ balances: false, missing: [1] });
    await sweep();
    expect(await dueEntries(world)).toBe(1);
    await world.ride(hour);
    expect(await shown(crm, recordId)).toEqual(['hello']);
    expect(await balance(world, crm)).toEqual({ balances: true, missing: [0] });
  });

  test('is found behind any number of people without a record, a part of them a time', async () => {
    const { world, crm } = await closedStage();
    const ids = [crm.workspaceId, crm.connectionId, crm.channelId];
    const last = 'ffffffff-ffff-4fff-8fff-ffffffffffff';
    await world.database.query(
      `insert into timeline_entries (workspace_id, connection_id, contact_id, channel_id, part, entry_key, marked_at)
       select $1, $2, case when n = 2500 then $4::uuid else gen_random_uuid() end, $3, '2026-11-01', n, 1
       from generate_series(1, 2500) n`,
      [...ids, last],
    );
    await world.database.query(
      `insert into crm_links (workspace_id, connection_id, contact_id, record_id, decided_by, created_at)
       values ($1, $2, $3, '1', 'our id', 1)`,
      [crm.workspaceId, crm.connectionId, last],
    );
    await world.database.query('insert into window_sweeps (workspace_id, swept_until) values ($1, 1)', [
      crm.workspaceId,
    ]);
    const found: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      await crm.transact((trx) => sweepTimeline(trx, world.clock.now()));
      found.push(await dueEntries(world));
    }
    expect(found).toEqual([0, 0, 1, 1]);
    const { rows } = await world.database.query('select entries_from is null as begins from window_sweeps');
    // The fourth look began anew.
    expect(rows).toEqual([{ begins: false }]);
  });
});

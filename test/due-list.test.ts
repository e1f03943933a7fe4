import { randomUUID } from 'node:crypto';
import { Dispatcher } from '@sangam/core/work';
import { createReconciler } from '@sangam/core/pipeline';
import { connectionsOf, type DueTarget, markRecords, openStore, type Store } from '@sangam/core/store';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createEngineFixture, type EngineFixture, engineNow, text, until, webhook } from './harness/index.ts';

/** What falls due is found by whoever works, and what is not due is looked at by nobody. */

let engine: EngineFixture;
let connectionId: string;
beforeEach(async () => {
  engine = await createEngineFixture();
  const [connection] = await engine.store.transact(engine.workspaceId, connectionsOf);
  connectionId = connection?.connectionId ?? '';
});
afterEach(() => engine.close());

const mark = (recordId: string, at = engineNow): Promise<void> =>
  engine.store.transact(engine.workspaceId, (trx) =>
    markRecords(trx, connectionId, [recordId], { priority: 2, reread: false }, at),
  );
const setMode = (mode: string): Promise<void> =>
  engine.asDatabaseOwner(`update crm_connections set mode = '${mode}'`);
const records = (): DueTarget => ({
  queue: 'records',
  workspaceId: engine.workspaceId,
  targetId: connectionId,
});
const dueNow = async (now = engineNow): Promise<string[]> =>
  (await engine.store.scanDue(now)).map(({ queue }) => queue).toSorted();
const rest = (target: DueTarget, now = engineNow) => engine.store.restDue(target, now);

describe('the due list', () => {
  test('holds what an event makes due, and lets go of what is done', async () => {
    await setMode('live');
    await engine.receive(webhook(engine, [text({ phone: '919812345678' }, 'w.1', engineNow, 'Hello')]));
    expect(await dueNow()).toEqual(['inbox']);
    await engine.applyAll();
    expect(await dueNow()).toEqual(['records']);
    // The entry waits for a record of its contact, and the window for its end.
    expect(await dueNow(engineNow + 5_000)).toEqual(['records', 'timeline']);
    expect(await dueNow(engineNow + 24 * 60 * 60_000)).toEqual(['records', 'sweep', 'timeline']);
    expect(await rest(records())).toBe(0);
    await engine.asDatabaseOwner('delete from dirty_records');
    expect(await rest(records())).toBe(Infinity);
    expect(await dueNow()).toEqual([]);
  });

  test.each([
    ['shadow', `crm_connections set mode = 'shadow'`, Infinity],
    ['blocked', `crm_call_states set blocked_reason = 'Act.'`, Infinity],
    [
      'left alone by its breaker',
      `crm_call_states set next_call_at = ${String(engineNow + 60_000)}`,
      engineNow + 60_000,
    ],
  ])('is not written by marks of a connection that is %s', async (_name, state, next) => {
    await setMode('live');
    await engine.asDatabaseOwner(`update ${state}`);
    await mark('1');
    expect(await dueNow()).toEqual([]);
    expect(await rest(records())).toBe(next);
    await mark('2');
    expect(await dueNow()).toEqual([]);
  });

  test('is written once for a thousand marks', async () => {
    await setMode('live');
    await mark('first');
    const version = async (): Promise<string | undefined> => {
      const [row] = await engine.store.directory
        .selectFrom('directory_due')
        .select(sql<string>`ctid::text`.as('version'))
        .where('queue', '=', 'records')
        .execute();
      return row?.version;
    };
    const before = await version();
    await Promise.all(Array.from({ length: 20 }, (_, index) => mark(String(index))));
    expect(await version()).toBe(before);
  });

  test('is not set back while somebody marks, and knows of the mark afterwards', async () => {
    await setMode('live');
    let marked = (): void => undefined;
    let commit = (): void => undefined;
    const isMarked = new Promise<void>((resolve) => (marked = resolve));
    const maySee = new Promise<void>((resolve) => (commit = resolve));
    const other = openStore(engine.databaseUrl);
    onTestFinished(() => other.close());
    await mark('1');
    await engine.asDatabaseOwner('delete from dirty_records');
    // It stands in the list, so that the marker writes nothing there.
    const marking = other.transact(engine.workspaceId, async (trx) => {
      await markRecords(trx, connectionId, ['2'], { priority: 2, reread: false }, engineNow);
      await sql`select pg_advisory_xact_lock_shared(hashtextextended(${`records ${engine.workspaceId} ${connectionId}`}, 0))`.execute(
        trx,
      );
      marked();
      await maySee;
    });
    await isMarked;
    expect(await rest(records())).toBeUndefined();
    commit();
    await marking;
    expect(await rest(records())).toBe(0);
    expect(await dueNow()).toEqual(['records']);
  });

  test('loses nothing however marks and rests meet', async () => {
    await setMode('live');
    for (let round = 0; round < 40; round += 1) {
      const resting = Array.from({ length: 3 }, () => rest(records()));
      await Promise.all([mark(String(round)), ...resting]);
      expect(await dueNow(), String(round)).toEqual(['records']);
      await engine.asDatabaseOwner('delete from dirty_records');
      expect(await rest(records())).toBe(Infinity);
    }
  });

  test('is made anew from what waits by a process that starts', async () => {
    await setMode('live');
    await engine.receive(webhook(engine, [text({ phone: '919812345678' }, 'w.1', engineNow, 'Hello')]));
    await engine.applyAll();
    await engine.receive(webhook(engine, [text({ phone: '919812345678' }, 'w.2', engineNow, 'Again')]));
    await engine.asDatabaseOwner('delete from directory_due');
    expect(await dueNow()).toEqual([]);
    await engine.store.findDue();
    const due = new Set(await dueNow());
    for (const queue of ['inbox', 'records', 'timeline', 'sweep', 'retention']) expect(due).toContain(queue);
  });
});

describe('a worker', () => {
  const ticksOf = (store: Store): string[] => {
    const ticks: string[] = [];
    const clock = { now: () => engineNow };
    const reconciler = createReconciler({
      store,
      clock,
      dispatcher: new Dispatcher({ ...store, scanDue: () => Promise.resolve([]) }, clock),
      erasureKeyOf: () => Promise.resolve(Buffer.alloc(32, 7)),
      connectors: {
        of({ connectionId: asked }) {
          ticks.push(asked);
          return Promise.reject(new Error('Nothing is called here.'));
        },
        forget: () => undefined,
      },
      counts: { written: () => undefined, callFailed: () => undefined, failed: () => undefined },
    });
    reconciler.start();
    onTestFinished(() => reconciler.stop());
    return ticks;
  };

  test('is told by its own process without a look', async () => {
    await setMode('live');
    const ticks = ticksOf(engine.store);
    await mark('1');
    await until('the tick', () => ticks.includes(connectionId));
  });

  test('is told by another process, which does no such work, without a look', async () => {
    await setMode('live');
    const other = openStore(engine.databaseUrl);
    onTestFinished(() => other.close());
    const ticks = ticksOf(other);
    // Listening begins in a moment; until then notices are lost.
    await until('the tick', async () => {
      await engine.asDatabaseOwner('delete from directory_due');
      await mark(randomUUID());
      return ticks.includes(connectionId);
    });
  });
});

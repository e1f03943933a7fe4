import { randomUUID } from 'node:crypto';
import { listAlerts, openStore, serviceWorkspaceId, type Store } from '@sangam/core/store';
import { addWorkspace, createTestDatabase, type TestDatabase, until } from '@sangam/test';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createFailingWorkers, type FailingWorkers } from './failing-workers.ts';
import { createLogger } from './logger.ts';
import { createRepeatedErrors } from './repeated-errors.ts';

/** What is said of ticks that fail, to whom, and until when. */

let database: TestDatabase;
let store: Store;
let workspaceId: string;
let lines: { readonly msg: string; readonly repeats?: number; readonly level: number }[];
let ticks: FailingWorkers;

beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore(database.url);
});
afterAll(async () => {
  await store.close();
  await database.drop();
});
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  ({ workspaceId } = await addWorkspace(store));
  lines = [];
  ticks = begin();
});
afterEach(() => {
  vi.useRealTimers();
});

const begin = (): FailingWorkers =>
  createFailingWorkers({
    store,
    clock: { now: () => Math.floor(performance.now()) },
    errors: createRepeatedErrors(
      createLogger('info', { write: (line) => void lines.push(JSON.parse(line) as (typeof lines)[number]) }),
    ),
    count: () => undefined,
  });

const fail = (failures: number, of: string | undefined = workspaceId): void =>
  ticks.failed('apply')(new Error('A table is missing.'), {
    ...(of === undefined ? {} : { workspaceId: of }),
    failures,
  });

const open = (of = workspaceId): Promise<number> =>
  store.transact(of, async (trx) => {
    const alerts = await listAlerts(trx, { limit: 100 });
    return alerts.filter(({ kind, closedAt }) => kind === 'work failing' && closedAt === null).length;
  });
const minutes = (n: number): void => void vi.advanceTimersByTime(n * 60_000);

describe('ticks that fail', () => {
  test('are alerted after five in a row, once, until they have not failed for five minutes', async () => {
    for (let failures = 1; failures <= 4; failures += 1) fail(failures);
    await ticks.stop();
    expect(await open()).toBe(0);
    fail(5);
    fail(6);
    await until('the alert', async () => (await open()) === 1);
    minutes(4);
    fail(7);
    minutes(4);
    await ticks.closeEnded();
    expect(await open()).toBe(1);
    minutes(2);
    await ticks.closeEnded();
    expect(await open()).toBe(0);
    expect(ticks.failing().get('apply')).toBe(0);
  });

  test('of several connections of a workspace are an alert each, which names its connection', async () => {
    const connections = [randomUUID(), randomUUID()];
    for (const connectionId of connections) {
      ticks.failed('reconcile')(new Error('A bug.'), { workspaceId, connectionId, failures: 5 });
    }
    await ticks.stop();
    const alerts = await store.transact(workspaceId, (trx) => listAlerts(trx, { limit: 100 }));
    expect(alerts.map(({ connectionId }) => connectionId).toSorted()).toEqual(connections.toSorted());
  });

  test('of no workspace are the operator’s alert', async () => {
    ticks.failed('apply')(new Error('Away.'), { failures: 5 });
    await until('the alert', async () => (await open(serviceWorkspaceId)) === 1);
  });

  test('whose process is gone are over when nothing fails in another for five minutes', async () => {
    fail(5);
    await until('the alert', async () => (await open()) === 1);
    ticks = begin();
    await ticks.closeEnded();
    expect(await open()).toBe(1);
    minutes(6);
    await ticks.closeEnded();
    expect(await open()).toBe(0);
  });

  test('in another process are not over', async () => {
    const other = begin();
    for (let failures = 5; failures <= 12; failures += 1) {
      fail(failures);
      await ticks.stop();
      minutes(1);
      await other.closeEnded();
      expect(await open()).toBe(1);
    }
    minutes(5);
    await other.closeEnded();
    expect(await open()).toBe(0);
  });

  test('are told whole once, and then once a minute', () => {
    for (let failures = 1; failures <= 240; failures += 1) {
      fail(failures, undefined);
      vi.advanceTimersByTime(1000);
    }
    const told = lines.filter(({ level }) => level === pino.levels.values['error']);
    expect(told.length).toBe(4);
    expect(told.map(({ repeats = 0 }) => repeats)).toEqual([0, 60, 60, 60]);
  });
});

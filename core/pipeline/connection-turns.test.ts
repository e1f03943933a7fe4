import { randomUUID } from 'node:crypto';
import { addWorkspace, createTestDatabase, type TestDatabase } from '@sangam/test';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { connectionsOf, openStore, type Store } from '../store/index.ts';
import { createConnectionTurns } from './connection-turns.ts';
import type { TurnFailure, TurnOutcome } from './turns.ts';

let database: TestDatabase;
let store: Store;
beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore(database.url);
});
afterAll(async () => {
  await store.close();
  await database.drop();
});
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('a connection whose turns fail backs off, and no other of its workspace waits for it', async () => {
  const { workspaceId } = await addWorkspace(store);
  const works = randomUUID();
  const connections = await store.transact(workspaceId, async (trx) => {
    await trx
      .insertInto('crm_connections')
      .values({
        workspace_id: workspaceId,
        connection_id: works,
        crm: 'hubspot',
        access_token: null,
        blocked_reason: null,
        created_at: 1,
      })
      .execute();
    return connectionsOf(trx);
  });
  const fails = connections.find(({ connectionId }) => connectionId !== works)?.connectionId ?? '';
  const served: string[] = [];
  const failures: TurnFailure[] = [];
  let broken = true;
  const turn = createConnectionTurns({
    store,
    async turnFor({ connectionId }) {
      served.push(connectionId);
      if (connectionId === fails && broken) throw new Error('A bug with one account.');
      return 'more';
    },
    failed: (_error, failure) => void failures.push(failure),
  });
  const turns = async (count: number): Promise<{ fails: number; works: number }> => {
    served.length = 0;
    for (let index = 0; index < count; index += 1) {
      await turn(workspaceId);
      vi.advanceTimersByTime(1000);
    }
    const of = (connectionId: string): number => served.filter((one) => one === connectionId).length;
    return { fails: of(fails), works: of(works) };
  };

  // Tries at 0, 1, 2, 3, 5, 9, 17, 33 and 63 s.
  expect(await turns(64)).toEqual({ fails: 9, works: 64 });
  expect(failures.at(-1)).toEqual({ workspaceId, connectionId: fails, failures: 9 });
  broken = false;
  await turns(31);
  expect(await turns(3)).toEqual({ fails: 3, works: 3 });
  broken = true;
  await turns(1);
  expect(failures.at(-1)?.failures).toBe(1);
});

test('a turn that found nothing to do does not make up for one that failed', async () => {
  const { workspaceId } = await addWorkspace(store);
  const failures: number[] = [];
  let outcome: TurnOutcome | undefined;
  const turn = createConnectionTurns({
    store,
    turnFor() {
      if (outcome === undefined) return Promise.reject(new Error('A bug with one account.'));
      return Promise.resolve(outcome);
    },
    failed: (_error, failure) => void failures.push(failure.failures),
  });
  for (const ended of [undefined, 'done', undefined, 'later', undefined, 'more', undefined] as const) {
    outcome = ended;
    await turn(workspaceId);
    vi.advanceTimersByTime(30_000);
  }
  expect(failures).toEqual([1, 2, 3, 1]);
});

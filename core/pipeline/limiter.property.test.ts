import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '@sangam/test';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CallLimit, priorities } from '../crm/index.ts';
import { SangamError } from '../errors.ts';
import { openStore, type Store } from '../store/index.ts';
import { createPermits } from './limiter.ts';

/** Two processes, as far as PostgreSQL can tell: each has its own pool. */
let database: TestDatabase;
let stores: readonly [Store, Store];
const workspaceId = randomUUID();

beforeAll(async () => {
  database = await createTestDatabase();
  stores = [openStore(database.url), openStore(database.url)];
});
afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await database.drop();
});

const someday = Date.UTC(2026, 10, 23, 12);
const tooLong = 1e9;

/** The permits of one account in two processes, by a clock that goes as the test says. */
function account(limit: CallLimit): {
  clock: { at: number };
  permits: readonly ReturnType<typeof createPermits>[];
} {
  const clock = { at: someday, now: () => clock.at };
  const connectionId = randomUUID();
  const limits = { calls: limit };
  return {
    clock,
    permits: stores.map((store) => createPermits({ store, clock, workspaceId, connectionId, limits })),
  };
}

test('two processes together never make more calls in any time than the limit allows', async () => {
  const steps = fc.array(
    fc.record({
      // Far apart beside the two seconds a caller waits by itself: a call is let through at once or refused.
      passSeconds: fc.integer({ min: 0, max: 60_000 }),
      calls: fc.array(fc.tuple(fc.constantFrom(0, 1), fc.constantFrom(...priorities)), {
        minLength: 1,
        maxLength: 6,
      }),
    }),
    { minLength: 30, maxLength: 40 },
  );
  const limits = fc.record({ calls: fc.integer({ min: 1, max: 15 }), perMs: fc.constant(tooLong) });
  await fc.assert(
    fc.asyncProperty(limits, steps, async (limit, run) => {
      const { clock, permits } = account(limit);
      const through: number[] = [];
      for (const { passSeconds, calls } of run) {
        clock.at += passSeconds * 1000;
        await Promise.all(
          calls.map(async ([process, priority]) => {
            try {
              await permits[process]?.take('calls', priority);
              through.push(clock.at);
            } catch (error) {
              expect(error).toMatchObject({ code: 'limit_wait', origin: 'crm' });
            }
          }),
        );
      }
      for (const start of through) {
        const within = through.filter((at) => at >= start && at < start + limit.perMs);
        expect(within.length).toBeLessThanOrEqual(limit.calls);
      }
    }),
    { numRuns: 25 },
  );
});

test('what consent may still use is kept from imports, whichever process asks', async () => {
  const { permits } = account({ calls: 50, perMs: tooLong });
  const take = async (process: number, priority: (typeof priorities)[number]): Promise<number> => {
    for (let calls = 0; ; calls += 1) {
      try {
        await permits[process]?.take('calls', priority);
      } catch (error) {
        if (error instanceof SangamError && error.code === 'limit_wait') return calls;
        throw error;
      }
    }
  };
  for (const priority of priorities.toReversed()) {
    expect(await take(0, priority), priority).toBeGreaterThan(0);
    expect(await take(1, priority), priority).toBe(0);
  }
});

test('a call for consent that comes later overtakes an import that waits', async () => {
  const { clock, permits } = account({ calls: 40, perMs: 16_000 });
  const [here, there] = permits;
  for (const _ of [1, 2, 3]) await here?.take('calls', 'import');
  // The clock stands still, so that this one is still waiting when consent asks.
  let through = false;
  const next = here?.take('calls', 'import').then(() => (through = true));
  await there?.take('calls', 'consent');
  expect(through).toBe(false);
  clock.at += 16_000;
  await next;
});

test('says how long to wait where that is longer than a caller should', async () => {
  const { clock, permits } = account({ calls: 1, perMs: 60_000 });
  await permits[0]?.take('calls', 'fields');
  clock.at += 20_000;
  await expect(permits[1]?.take('calls', 'fields')).rejects.toMatchObject({ retry: { afterMs: 40_000 } });
  clock.at += 40_000;
  await permits[1]?.take('calls', 'fields');
});

test('a clock that is set back does not shut an account for as long', async () => {
  const { clock, permits } = account({ calls: 1, perMs: 60_000 });
  await permits[0]?.take('calls', 'fields');
  clock.at -= 86_400_000;
  await expect(permits[0]?.take('calls', 'fields')).rejects.toMatchObject({ retry: { afterMs: 60_000 } });
  clock.at += 60_000;
  await permits[0]?.take('calls', 'fields');
});

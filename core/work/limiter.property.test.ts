import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '@sangam/test';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CallLimit, LimitWait, type Permits, type Priority, priorities } from '../crm/index.ts';
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
const oneCall = [{ limit: 'calls', cost: 1 }];

/** The permits of one account in two processes, by a clock that goes as the test says. */
function account(limit: CallLimit): {
  clock: { at: number };
  permits: readonly ReturnType<typeof createPermits>[];
} {
  const clock = { at: someday, now: () => clock.at };
  const connectionId = randomUUID();
  const limits = () => ({ calls: limit });
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
  const limits = fc.record({
    kind: fc.constant('rolling' as const),
    calls: fc.integer({ min: 1, max: 15 }),
    perMs: fc.constant(tooLong),
  });
  await fc.assert(
    fc.asyncProperty(limits, steps, async (limit, run) => {
      const { clock, permits } = account(limit);
      const through: number[] = [];
      for (const { passSeconds, calls } of run) {
        clock.at += passSeconds * 1000;
        await Promise.all(
          calls.map(async ([process, priority]) => {
            try {
              await permits[process]?.take(oneCall, priority);
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
  const { permits } = account({ kind: 'rolling', calls: 50, perMs: tooLong });
  const take = async (process: number, priority: (typeof priorities)[number]): Promise<number> => {
    for (let calls = 0; ; calls += 1) {
      try {
        await permits[process]?.take(oneCall, priority);
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
  const { clock, permits } = account({ kind: 'rolling', calls: 40, perMs: 16_000 });
  const [here, there] = permits;
  for (const _ of [1, 2, 3]) await here?.take(oneCall, 'import');
  // The clock stands still, so that this one is still waiting when consent asks.
  let through = false;
  const next = here?.take(oneCall, 'import').then(() => (through = true));
  await there?.take(oneCall, 'consent');
  expect(through).toBe(false);
  clock.at += 16_000;
  await next;
});

test('says how long to wait where that is longer than a caller should', async () => {
  const { clock, permits } = account({ kind: 'rolling', calls: 1, perMs: 60_000 });
  await permits[0]?.take(oneCall, 'fields');
  clock.at += 20_000;
  await expect(permits[1]?.take(oneCall, 'fields')).rejects.toMatchObject({ retry: { afterMs: 40_000 } });
  clock.at += 40_000;
  await permits[1]?.take(oneCall, 'fields');
});

test('a clock that is set back does not shut an account for as long', async () => {
  const { clock, permits } = account({ kind: 'rolling', calls: 1, perMs: 60_000 });
  await permits[0]?.take(oneCall, 'fields');
  clock.at -= 86_400_000;
  await expect(permits[0]?.take(oneCall, 'fields')).rejects.toMatchObject({ retry: { afterMs: 60_000 } });
  clock.at += 60_000;
  await permits[0]?.take(oneCall, 'fields');
});

const day = 86_400_000;

describe('a budget', () => {
  const budget = (tokens: number, more: Partial<Extract<CallLimit, { kind: 'budget' }>> = {}): CallLimit => ({
    kind: 'budget',
    tokens,
    renewed: 'a day later',
    reserves: { pressing: 0.25, consent: 0.1 },
    ...more,
  });
  const spend = (permits: Permits | undefined, cost: number, priority: Priority): Promise<boolean> =>
    permits === undefined
      ? Promise.resolve(false)
      : permits.take([{ limit: 'calls', cost }], priority).then(
          () => true,
          (error: unknown) => {
            expect(error).toBeInstanceOf(LimitWait);
            return false;
          },
        );

  test('is never overspent by two processes together, and each priority leaves its reserve', async () => {
    const call = fc.record({
      process: fc.constantFrom(0, 1),
      cost: fc.integer({ min: 1, max: 20 }),
      priority: fc.constantFrom(...priorities),
    });
    const run = fc.record({
      tokens: fc.integer({ min: 10, max: 200 }),
      calls: fc.array(call, { minLength: 20, maxLength: 60 }),
    });
    const reserves: Readonly<Record<Priority, number>> = {
      consent: 0,
      'new lead': 0.1,
      fields: 0.25,
      timeline: 0.25,
      import: 0.25,
    };
    await fc.assert(
      fc.asyncProperty(run, async ({ tokens, calls }) => {
        const { permits } = account(budget(tokens));
        let spent = 0;
        for (const { process, cost, priority } of calls) {
          // Spent freely: what is left above the reserve goes at once, and nothing of what is below it.
          const fits = spent + cost <= tokens * (1 - reserves[priority]);
          expect(await spend(permits[process], cost, priority)).toBe(fits);
          if (fits) spent += cost;
        }
      }),
      { numRuns: 20 },
    );
  });

  test('is renewed at midnight where the vendor is, whatever the hour here', async () => {
    const { clock, permits } = account(budget(10, { renewed: { midnightIn: 'Asia/Kolkata' } }));
    expect(await spend(permits[0], 10, 'consent')).toBe(true);
    const refused = permits[1]?.take([{ limit: 'calls', cost: 1 }], 'consent');
    await expect(refused).rejects.toMatchObject({ retry: { afterMs: 6.5 * 3_600_000 } });
    clock.at += 6.5 * 3_600_000 - 1;
    expect(await spend(permits[1], 1, 'consent')).toBe(false);
    clock.at += 1;
    expect(await spend(permits[1], 10, 'consent')).toBe(true);
  });

  test('is what the vendor says is left of it, and never more than we know', async () => {
    const { clock, permits } = account(budget(100));
    const [here, there] = permits;
    await here?.learn('calls', { left: 30, of: 200 });
    // 30 of 200 are less than a quarter.
    expect(await spend(there, 1, 'fields')).toBe(false);
    expect(await spend(there, 10, 'new lead')).toBe(true);
    // An answer that comes late, of a call made before.
    await there?.learn('calls', { left: 150 });
    expect(await spend(here, 1, 'new lead')).toBe(false);
    expect(await spend(here, 20, 'consent')).toBe(true);
    expect(await spend(here, 1, 'consent')).toBe(false);
    await here?.learn('calls', { left: 0, renewedAt: clock.at + 60_000 });
    clock.at += 60_000;
    expect(await spend(there, 150, 'fields')).toBe(true);
  });

  test('does not shut an account for more than a day when the clock is set back', async () => {
    const { clock, permits } = account(budget(1));
    expect(await spend(permits[0], 1, 'consent')).toBe(true);
    clock.at -= 9 * day;
    expect(await spend(permits[0], 1, 'consent')).toBe(false);
    clock.at += day;
    expect(await spend(permits[0], 1, 'consent')).toBe(true);
  });
});

describe('calls under way', () => {
  const places: CallLimit = { kind: 'concurrent', most: 3 };

  test('are as many as the vendor takes, and the last place is for consent', async () => {
    const { permits } = account(places);
    const [here, there] = permits;
    const first = await here?.take(oneCall, 'import');
    await there?.take(oneCall, 'new lead');
    await expect(there?.take(oneCall, 'new lead')).rejects.toMatchObject({ code: 'limit_wait' });
    await here?.take(oneCall, 'consent');
    await expect(here?.take(oneCall, 'consent')).rejects.toMatchObject({ code: 'limit_wait' });
    await first?.release();
    await there?.take(oneCall, 'consent');
  });

  test('that nobody ends are over when no call can last as long', async () => {
    const { clock, permits } = account({ kind: 'concurrent', most: 1 });
    await permits[0]?.take(oneCall, 'fields');
    clock.at += 30_000;
    await permits[1]?.take(oneCall, 'fields');
  });
});

test('what one of its limits refuses takes nothing of the others', async () => {
  const clock = { at: someday, now: () => clock.at };
  const permits = createPermits({
    store: stores[0],
    clock,
    workspaceId,
    connectionId: randomUUID(),
    limits: () => ({
      day: {
        kind: 'budget',
        tokens: 10,
        renewed: 'a day later',
        reserves: { pressing: 0, consent: 0 },
      },
      second: { kind: 'rolling', calls: 1, perMs: tooLong },
    }),
  });
  const both = [
    { limit: 'second', cost: 1 },
    { limit: 'day', cost: 6 },
  ];
  await permits.take(both, 'fields');
  await expect(permits.take(both, 'fields')).rejects.toMatchObject({ code: 'limit_wait' });
  await permits.take([{ limit: 'day', cost: 4 }], 'fields');
});

test('a limit that came to be known as larger counts from then on', async () => {
  const clock = { at: someday, now: () => clock.at };
  let tokens = 5;
  const permits = createPermits({
    store: stores[0],
    clock,
    workspaceId,
    connectionId: randomUUID(),
    limits: () => ({
      day: { kind: 'budget', tokens, renewed: 'a day later', reserves: { pressing: 0, consent: 0 } },
    }),
  });
  const five = [{ limit: 'day', cost: 5 }];
  await permits.take(five, 'fields');
  await expect(permits.take(five, 'fields')).rejects.toMatchObject({ code: 'limit_wait' });
  tokens = 10;
  await permits.take(five, 'fields');
});

import { type Connector, LimitWait, type Permits } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import { alertSilentAccounts, createReconciler } from '@sangam/core/pipeline';
import type { ConnectionRow } from '@sangam/core/store';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { hour, minute, somebody } from './conformance/stage.ts';
import { createCrmWorld, type CrmWorld } from './harness/crm-world.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import { until } from './harness/until.ts';

/** An account that answers now and then, slowly, or not at all: who waits, how long, and who is told. */

const oneBusiness = async (options: { limiter?: boolean } = {}): Promise<[CrmWorld, CrmWorkspace]> => {
  const world = await createCrmWorld();
  onTestFinished(() => world.close());
  return [world, await world.addWorkspace(openHubspotAccount, options)];
};

const away = (): SangamError =>
  new SangamError({ code: 'unavailable', origin: 'crm', retry: 'later', message: 'Away.' });

/** Reconciles with these connectors until the test ends; the calls that failed. */
const work = (world: CrmWorld, of: (connection: ConnectionRow) => Connector): readonly SangamError[] => {
  const failures: SangamError[] = [];
  const reconciler = createReconciler({
    store: world.store,
    clock: world.clock,
    connectors: { of: (connection) => Promise.resolve(of(connection)), forget: () => undefined },
    erasureKeyOf: () => Promise.resolve(Buffer.alloc(32, 7)),
    counts: {
      written: () => undefined,
      callFailed: (_, error) => void failures.push(error),
      failed: (error) => {
        throw error;
      },
    },
  });
  reconciler.start();
  onTestFinished(() => reconciler.stop());
  return failures;
};

/** How long the breaker asks to wait now, milliseconds. */
const waitOf = async (world: CrmWorld, { connectionId }: CrmWorkspace): Promise<number> => {
  const { rows } = await world.database.query<{ next: string }>(
    'select next_call_at as next from crm_connections where connection_id = $1',
    [connectionId],
  );
  return Number(rows[0]?.next ?? 0) - world.clock.now();
};

/** Lets time pass from wait to wait; the longest there was. */
const longestWait = async (world: CrmWorld, crm: CrmWorkspace, longestMs: number): Promise<number> => {
  const end = world.clock.now() + longestMs;
  let longest = 0;
  while (world.clock.now() < end) {
    if (await world.pass(1)) return longest;
    const wait = await waitOf(world, crm);
    longest = Math.max(longest, wait);
    world.clock.advance(Math.max(wait, 5_000));
  }
  throw new Error('Something still waits.');
};

describe('while every fifth call fails', () => {
  test('nobody waits for more than half a minute at a time, and batches stay whole', async () => {
    const [world, crm] = await oneBusiness();
    await crm.check();
    let calls = 0;
    crm.beforeCall = async () => {
      calls += 1;
      if (calls % 5 === 0) throw away();
      return Promise.resolve();
    };
    const people = 500;
    await Promise.all(Array.from({ length: people }, (_, index) => crm.writes(somebody(index))));
    const before = await crm.account.calls();
    expect(await longestWait(world, crm, hour)).toBeLessThanOrEqual(36_000);
    expect(await crm.records()).toHaveLength(people);
    expect((await crm.account.calls()) - before).toBeLessThan(people / 4);
    expect(await crm.letters()).toEqual([]);
  }, 120_000);
});

describe('an account that is away', () => {
  test('is asked about what a person forbade before anything else', async () => {
    const [world, crm] = await oneBusiness();
    const asha = somebody(0, 'Asha');
    await crm.writes(asha);
    await world.ride(hour);
    const asked: string[] = [];
    let back = false;
    crm.beforeCall = async (priority) => {
      asked.push(priority);
      if (!back) throw away();
      return Promise.resolve();
    };
    await crm.answers(asha, 'Only the timeline');
    for (const index of [1, 2, 3]) await crm.writes(somebody(index));
    await world.pass(10 * minute);
    await crm.writes(asha, 'STOP');
    await world.process.apply();
    asked.length = 0;
    back = true;
    await world.ride(hour);
    expect(asked[0]).toBe('consent');
    expect(crm.isOptedOut((await crm.records())[0])).toBe(true);
  });

  test.each([
    ['unavailable', 'later' as const],
    ['daily_limit', { afterMs: 6 * hour }],
  ])(
    'for a quarter of an hour is said, with why (%s), and no longer once it answers',
    async (code, retry) => {
      const [world, crm] = await oneBusiness();
      const said = async () => {
        await alertSilentAccounts(world.store, crm.workspaceId, world.clock.now());
        return (await crm.alerts()).filter(({ closedAt }) => closedAt === null);
      };
      let back = false;
      crm.beforeCall = async () => {
        if (back) return Promise.resolve();
        throw new SangamError({ code, origin: 'crm', retry, message: 'The reason.' });
      };
      await crm.writes(somebody(1));
      await world.pass(14 * minute);
      expect(await said()).toEqual([]);
      world.clock.advance(2 * minute);
      expect(await said()).toMatchObject([{ kind: 'account not answering', message: 'The reason.' }]);
      back = true;
      await world.ride(7 * hour);
      expect(await said()).toEqual([]);
      expect(await crm.records()).toHaveLength(1);
    },
  );

  test('is left alone as long as it asks, and no longer than a quarter of an hour', async () => {
    const [world, crm] = await oneBusiness();
    let asks = 7 * minute;
    crm.beforeCall = () =>
      Promise.reject(
        new SangamError({ code: 'rate_limited', origin: 'crm', retry: { afterMs: asks }, message: '' }),
      );
    await crm.writes(somebody(1));
    await world.settle();
    expect(await waitOf(world, crm)).toBeGreaterThan(6 * minute);
    const calls = world.failures.length;
    await world.pass(6 * minute);
    expect(world.failures).toHaveLength(calls);
    asks = 999_999_000;
    await world.pass(2 * minute);
    expect(await waitOf(world, crm)).toBeLessThanOrEqual(15 * minute);
    expect(await waitOf(world, crm)).toBeGreaterThan(10 * minute);
  });

  test('is tried by another process when the one that had the try dies', async () => {
    const [world, crm] = await oneBusiness();
    let back = false;
    crm.beforeCall = () => (back ? Promise.resolve() : Promise.reject(away()));
    await crm.writes(somebody(1));
    await world.pass(20_000);
    // Taken by a process that is never heard of again.
    await world.database.query(
      'update crm_connections set next_call_at = $2 where connection_id = $1 and failed_attempts > 1',
      [crm.connectionId, world.clock.now() + 30_000],
    );
    back = true;
    await world.ride(minute);
    expect(await crm.records()).toHaveLength(1);
  });
});

describe('what one waits for, another does not', () => {
  test('a limit that is used up for fields holds no STOP', async () => {
    const [world, crm] = await oneBusiness();
    const asha = somebody(1);
    await crm.writes(asha);
    await world.ride(hour);
    const spent: Permits = {
      take: (_, priority) =>
        priority === 'consent'
          ? Promise.resolve()
          : Promise.reject(new LimitWait({ priority, afterMs: hour })),
    };
    const failures = work(world, () => crm.account.connect(spent));
    await crm.writes(asha, 'Just a word');
    await world.process.apply();
    await until('the limit', () => Promise.resolve(failures.some(({ code }) => code === 'limit_wait')));
    await crm.writes(asha, 'STOP');
    await world.process.apply();
    await until('STOP at the CRM', async () => crm.isOptedOut(await crm.record()));
  });

  const twoConnections = async () => {
    const [world, crm] = await oneBusiness();
    const other = await openHubspotAccount(world.clock);
    onTestFinished(() => other.close());
    const free: Permits = { take: () => Promise.resolve() };
    const second = other.connect(free);
    await second.provision();
    await world.database.query(
      `insert into crm_connections (workspace_id, connection_id, crm, account, mode, settings, created_at)
       select workspace_id, gen_random_uuid(), crm, 'second', 'live', settings, created_at + 1 from crm_connections
       where connection_id = $1`,
      [crm.connectionId],
    );
    const hangs = { now: false, calls: 0 };
    const waiting: (() => void)[] = [];
    const first = crm.account.connect({
      take: () => {
        hangs.calls += hangs.now ? 1 : 0;
        return hangs.now ? new Promise((go) => waiting.push(go)) : Promise.resolve();
      },
    });
    work(world, ({ connectionId }) => (connectionId === crm.connectionId ? first : second));
    // Before the reconciler is stopped, which waits for the calls under way.
    onTestFinished(() => {
      hangs.now = false;
      for (const go of waiting) go();
    });
    const asha = somebody(1);
    await crm.writes(asha);
    await world.process.apply();
    await until(
      'both records',
      async () => (await crm.records()).length + (await other.user.list()).length === 2,
    );
    const atSecond = async () => {
      const [record] = await other.user.list();
      return crm.isOptedOut(record);
    };
    return { world, crm, hangs, asha, atSecond };
  };

  test('a CRM that hangs does not hold a STOP from the other of its workspace', async () => {
    const { world, crm, hangs, asha, atSecond } = await twoConnections();
    hangs.now = true;
    await crm.writes(asha, 'STOP');
    await world.process.apply();
    await until('STOP at the second', atSecond);
    expect(hangs.now).toBe(true);
  });

  // Turns are of workspaces: core/work gives each connection its own.
  test.fails('nor one that comes while it hangs', async () => {
    const { world, crm, hangs, asha, atSecond } = await twoConnections();
    hangs.now = true;
    await crm.writes(asha, 'Just a word');
    await world.process.apply();
    await until('the hanging call', () => Promise.resolve(hangs.calls > 0));
    await crm.writes(asha, 'STOP');
    await world.process.apply();
    await until('STOP at the second', atSecond, 3_000);
  });
});

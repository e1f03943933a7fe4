import { randomUUID } from 'node:crypto';
import { type Connector, LimitWait } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import { createApplier, createReconciler, createTimelineWriter } from '@sangam/core/pipeline';
import { alertSilentAccounts, Dispatcher } from '@sangam/core/work';
import { type ConnectionRow, decideConnection, liftBlock } from '@sangam/core/store';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { hour, minute, somebody } from './conformance/set-up.ts';
import { addConnection } from './harness/add-connection.ts';
import { createCrmFixture, type CrmFixture } from './harness/crm-fixture.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import { freely } from './harness/permits.ts';
import { until } from './harness/until.ts';
import { text } from './harness/whatsapp.ts';

/** An account that answers now and then, slowly, or not at all: who waits, how long, and who is told. */

const oneBusiness = async (options: { limiter?: boolean } = {}): Promise<[CrmFixture, CrmWorkspace]> => {
  const fixture = await createCrmFixture();
  onTestFinished(() => fixture.close());
  return [fixture, await fixture.addWorkspace(openHubspotAccount, options)];
};

const away = (): SangamError =>
  new SangamError({ code: 'unavailable', origin: 'crm', retry: 'later', message: 'Away.' });

/** What a worker of its own takes, with these connectors; `failures` collects the calls that failed. */
const partsOf = (fixture: CrmFixture, of: (connection: ConnectionRow) => Connector) => {
  const failures: SangamError[] = [];
  return {
    failures,
    store: fixture.store,
    clock: fixture.clock,
    dispatcher: new Dispatcher(fixture.store, fixture.clock),
    connectors: {
      of: (connection: ConnectionRow) => Promise.resolve(of(connection)),
      forget: () => undefined,
    },
    erasureKeyOf: () => Promise.resolve(Buffer.alloc(32, 7)),
    counts: {
      written: () => undefined,
      callFailed: (_: unknown, error: SangamError) => void failures.push(error),
      failed: (error: unknown) => {
        throw error;
      },
    },
  };
};

/** Reconciles with these connectors until the test ends; the calls that failed. */
const work = (fixture: CrmFixture, of: (connection: ConnectionRow) => Connector): readonly SangamError[] => {
  const parts = partsOf(fixture, of);
  const reconciler = createReconciler(parts);
  reconciler.start();
  onTestFinished(() => reconciler.stop());
  return parts.failures;
};

/** How long the breaker asks to wait now, milliseconds. */
const waitOf = async (fixture: CrmFixture, { connectionId }: CrmWorkspace): Promise<number> => {
  const { rows } = await fixture.database.query<{ next: string }>(
    'select next_call_at as next from crm_call_states where connection_id = $1',
    [connectionId],
  );
  return Number(rows[0]?.next ?? 0) - fixture.clock.now();
};

/** Lets time pass from wait to wait; the longest there was. */
const longestWait = async (fixture: CrmFixture, crm: CrmWorkspace, longestMs: number): Promise<number> => {
  const end = fixture.clock.now() + longestMs;
  let longest = 0;
  while (fixture.clock.now() < end) {
    if (await fixture.pass(1)) return longest;
    const wait = await waitOf(fixture, crm);
    longest = Math.max(longest, wait);
    fixture.clock.advance(Math.max(wait, 5_000));
  }
  throw new Error('Something still waits.');
};

describe('while every fifth call fails', () => {
  test('nobody waits for more than half a minute at a time, and batches stay whole', async () => {
    const [fixture, crm] = await oneBusiness();
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
    expect(await longestWait(fixture, crm, hour)).toBeLessThanOrEqual(36_000);
    expect(await crm.records()).toHaveLength(people);
    // Nobody tells of this account, so that each person is looked for before they are made.
    const searches = people / crm.connector.traits.sizes.findByPhone;
    expect((await crm.account.calls()) - before).toBeLessThan(people / 4 + searches);
    expect(await crm.letters()).toEqual([]);
  });
});

describe('an account that is away', () => {
  test('is asked about what a person forbade before anything else', async () => {
    const [fixture, crm] = await oneBusiness();
    const other = await fixture.addWorkspace(openHubspotAccount);
    const asha = somebody(0, 'Asha');
    await crm.writes(asha);
    await other.writes(asha);
    await fixture.ride(hour);
    const asked: string[] = [];
    let back = false;
    crm.beforeCall = async (priority) => {
      asked.push(priority);
      if (!back) throw away();
      return Promise.resolve();
    };
    await crm.answers(asha, 'Only the timeline');
    for (const index of [1, 2, 3]) await crm.writes(somebody(index));
    await fixture.pass(10 * minute);
    await crm.writes(asha, 'STOP');
    await other.answers(asha, 'Somebody else had a turn');
    await fixture.process.apply();
    fixture.clock.advance(10 * minute);
    asked.length = 0;
    back = true;
    const timeline = createTimelineWriter(
      partsOf(fixture, ({ connectionId }) =>
        (connectionId === crm.connectionId ? crm : other).account.connect(
          freely((priority) => crm.beforeCall?.(connectionId === crm.connectionId ? priority : 'import')),
        ),
      ),
    );
    timeline.start();
    await until('the turn of somebody else', async () => {
      const entries = await other.account.user.timeline((await other.record()).recordId);
      return entries.some(({ text: words }) => words.includes('had a turn'));
    });
    await timeline.stop();
    expect(asked.filter((priority) => priority !== 'import')).toEqual([]);
    await fixture.ride(hour);
    expect(asked.find((priority) => priority !== 'import')).toBe('consent');
    expect(crm.isOptedOut((await crm.records())[0])).toBe(true);
  });

  test.each([
    ['unavailable', 'later' as const],
    ['daily_limit', { afterMs: 6 * hour }],
  ])(
    'for a quarter of an hour is said, with why (%s), and no longer once it answers',
    async (code, retry) => {
      const [fixture, crm] = await oneBusiness();
      const said = async () => {
        await alertSilentAccounts(fixture.store, crm.workspaceId, fixture.clock.now());
        return (await crm.alerts()).filter(({ closedAt }) => closedAt === null);
      };
      let back = false;
      crm.beforeCall = async () => {
        if (back) return Promise.resolve();
        throw new SangamError({ code, origin: 'crm', retry, message: 'The reason.' });
      };
      await crm.writes(somebody(1));
      await fixture.pass(14 * minute);
      expect(await said()).toEqual([]);
      fixture.clock.advance(2 * minute);
      expect(await said()).toMatchObject([{ kind: 'account not answering', message: 'The reason.' }]);
      back = true;
      await fixture.ride(7 * hour);
      expect(await said()).toEqual([]);
      expect(await crm.records()).toHaveLength(1);
    },
  );

  test('is left alone as long as it asks, and no longer than a quarter of an hour', async () => {
    const [fixture, crm] = await oneBusiness();
    let asks = 7 * minute;
    crm.beforeCall = () =>
      Promise.reject(
        new SangamError({ code: 'rate_limited', origin: 'crm', retry: { afterMs: asks }, message: '' }),
      );
    await crm.writes(somebody(1));
    await fixture.settle();
    expect(await waitOf(fixture, crm)).toBeGreaterThan(6 * minute);
    const calls = fixture.failures.length;
    await fixture.pass(6 * minute);
    expect(fixture.failures).toHaveLength(calls);
    asks = 999_999_000;
    await fixture.pass(2 * minute);
    expect(await waitOf(fixture, crm)).toBeLessThanOrEqual(15 * minute);
    expect(await waitOf(fixture, crm)).toBeGreaterThan(10 * minute);
  });

  test('is tried by another process when the one that makes the try dies', async () => {
    const [fixture, crm] = await oneBusiness();
    let back = false;
    crm.beforeCall = () => (back ? Promise.resolve() : Promise.reject(away()));
    await crm.writes(somebody(1));
    await fixture.pass(20_000);
    fixture.clock.advance(await waitOf(fixture, crm));
    // A call that never comes back is all others see of a process that died.
    let died = false;
    let end: (reason: Error) => void = () => undefined;
    const dead = new Promise<never>((_, reject) => (end = reject));
    work(fixture, () =>
      crm.account.connect(
        freely(() => {
          died = true;
          return dead;
        }),
      ),
    );
    onTestFinished(() => end(away()));
    await until('the try', () => died);
    back = true;
    fixture.clock.advance(61_000);
    await fixture.ride(minute);
    expect(await crm.records()).toHaveLength(1);
  });
});

describe('what one waits for, another does not', () => {
  test('a limit that is used up for fields holds no STOP', async () => {
    const [fixture, crm] = await oneBusiness();
    const asha = somebody(1);
    await crm.writes(asha);
    await fixture.ride(hour);
    const spent = freely((priority) => {
      if (priority !== 'consent') throw new LimitWait({ priority, afterMs: hour });
    });
    const failures = work(fixture, () => crm.account.connect(spent));
    await crm.writes(asha, 'Just a word');
    await fixture.process.apply();
    await until('the limit', () => Promise.resolve(failures.some(({ code }) => code === 'limit_wait')));
    await crm.writes(asha, 'STOP');
    await fixture.process.apply();
    await until('STOP at the CRM', async () => crm.isOptedOut(await crm.record()));
  });

  const twoConnections = async () => {
    const [fixture, crm] = await oneBusiness();
    const other = await openHubspotAccount(fixture.clock);
    onTestFinished(() => other.close());
    const second = other.connect(freely());
    await second.provision();
    await crm.transact(async (trx) => {
      const connection = { connection_id: randomUUID(), crm: 'hubspot', account: 'second', created_at: 1 };
      await addConnection(trx, connection);
      await decideConnection(trx, connection.connection_id, { mode: 'live' });
    });
    const hangs = { now: false, calls: 0 };
    const waiting: (() => void)[] = [];
    const first = crm.account.connect(
      freely(() => {
        hangs.calls += hangs.now ? 1 : 0;
        return hangs.now ? new Promise<void>((go) => waiting.push(go)) : undefined;
      }),
    );
    work(fixture, ({ connectionId }) => (connectionId === crm.connectionId ? first : second));
    // Before the reconciler is stopped, which waits for the calls under way.
    onTestFinished(() => {
      hangs.now = false;
      for (const go of waiting) go();
    });
    const asha = somebody(1);
    await crm.writes(asha);
    await fixture.process.apply();
    await until(
      'both records',
      async () => (await crm.records()).length + (await other.user.list()).length === 2,
    );
    // A tick under way, such as one that reads what was made, would hang too.
    await until('nothing to wait for', async () => {
      const { rows } = await fixture.database.query<{ marks: number }>(
        'select count(*)::int as marks from dirty_records where workspace_id = $1',
        [crm.workspaceId],
      );
      return rows[0]?.marks === 0;
    });
    const atSecond = async () => {
      // Nothing settles here: what gathers needs its time.
      fixture.clock.advance(15);
      const [record] = await other.user.list();
      return crm.isOptedOut(record);
    };
    return { fixture, crm, hangs, asha, atSecond };
  };

  test('a CRM that hangs does not hold a STOP from the other of its workspace', async () => {
    const { fixture, crm, hangs, asha, atSecond } = await twoConnections();
    hangs.now = true;
    await crm.writes(asha, 'STOP');
    await fixture.process.apply();
    await until('STOP at the second', atSecond);
    expect(hangs.now).toBe(true);
  });

  test('nor one that comes while it hangs', async () => {
    const { fixture, crm, hangs, asha, atSecond } = await twoConnections();
    hangs.now = true;
    await crm.writes(asha, 'Just a word');
    await fixture.process.apply();
    await until('the hanging call', () => Promise.resolve(hangs.calls > 0));
    await crm.writes(asha, 'STOP');
    await fixture.process.apply();
    await until('STOP at the second', atSecond, 3_000);
  });

  test('a right that lacks for the timeline blocks no STOP', async () => {
    const [fixture, crm] = await oneBusiness();
    const asha = somebody(1);
    await crm.writes(asha);
    await fixture.ride(hour);
    crm.beforeCall = (priority) =>
      priority === 'timeline'
        ? Promise.reject(
            new SangamError({ code: 'missing_scope', origin: 'crm', retry: 'never', message: 'No right.' }),
          )
        : Promise.resolve();
    await crm.answers(asha, 'For the timeline');
    await fixture.ride(hour);
    await until('the block', () =>
      Promise.resolve(fixture.failures.some(({ code }) => code === 'missing_scope')),
    );
    await crm.writes(asha, 'STOP');
    await fixture.ride(hour);
    expect(crm.isOptedOut(await crm.record())).toBe(true);
    expect(await crm.alerts()).toMatchObject([
      { kind: 'timeline blocked', message: 'No right.', closedAt: null },
    ]);
    // The right is given, and somebody says so.
    crm.beforeCall = undefined;
    await crm.transact((trx) => liftBlock(trx, crm.connectionId, fixture.clock.now()));
    await fixture.ride(hour);
    const entries = await crm.account.user.timeline((await crm.record()).recordId);
    expect(entries.map(({ text: words }) => words).join()).toContain('For the timeline');
    expect((await crm.alerts()).map(({ closedAt }) => closedAt === null)).toEqual([false]);
  });
});

test('a STOP is not applied behind what came before it in its lane', async () => {
  const [fixture, crm] = await oneBusiness();
  const asha = somebody(0);
  await crm.writes(asha);
  await fixture.process.apply();
  const before = 1_500;
  const at = fixture.clock.now();
  await crm.receive(
    ...Array.from({ length: before }, (_, index) =>
      text(somebody(index + 1), `wamid.before.${String(index)}`, at, 'Hello'),
    ),
  );
  await crm.writes(asha, 'STOP');
  const applied: number[] = [];
  const applier = createApplier({
    store: fixture.store,
    directory: fixture.process.directory,
    traitsOf: () => undefined,
    erasureKeyOf: () => Promise.resolve(Buffer.alloc(32, 7)),
    clock: fixture.clock,
    dispatcher: new Dispatcher(fixture.store, fixture.clock),
    counts: {
      // One tick is enough.
      applied({ events }) {
        applied.push(events);
        void applier.stop();
      },
      failed: (error) => {
        throw error;
      },
    },
  });
  applier.start();
  await until('a tick', () => applied.length > 0);
  await applier.stop();
  expect(applied[0]).toBeLessThan(before);
  expect((await crm.contactOf(asha)).optOut).toBe(true);
});

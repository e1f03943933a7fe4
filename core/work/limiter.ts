import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import {
  type BudgetNews,
  type CallLimit,
  type CallNeed,
  LimitWait,
  type Permits,
  type Priority,
} from '../crm/index.ts';
import {
  beginCall,
  capLimit,
  endCall,
  fillBucket,
  learnBudget,
  spendBudget,
  type Store,
  type WorkspaceTransaction,
} from '../store/index.ts';

type Rolling = Extract<CallLimit, { kind: 'rolling' }>;
type Budget = Extract<CallLimit, { kind: 'budget' }>;

/** How much of a rolling limit's burst each may use; what it may not is kept for those before it. */
const shares: Readonly<Record<Priority, number>> = {
  consent: 1,
  'new lead': 0.9,
  fields: 0.75,
  timeline: 0.5,
  import: 0.3,
};

/** Longer than this nobody waits in here, lest a lease runs out. */
const longestWaitMs = 2_000;

/** How soon a place among those under way is asked for again. */
const placeMs = 100;

/** A call whose process died counts as under way so long: longer than any takes (20 s, docs/design.md §4). */
const longestCallMs = 30_000;

const dayMs = 24 * 60 * 60 * 1000;

/** News of a budget that moves it by less than this share is not written: our own count says as much. */
const worthLearning = 0.01;

/** The limits of one CRM account, shared by all processes through `crm_limits`. */
export function createPermits(options: {
  store: Store;
  /** A sandbox's own for its accounts, the machine's for all others; processes must agree on it. */
  clock: Clock;
  workspaceId: string;
  connectionId: string;
  /** As they are now, by the name under which `take` asks. */
  limits: () => Readonly<Record<string, CallLimit>>;
}): Permits {
  const { store, clock, workspaceId, connectionId, limits } = options;
  const learned = new Map<string, BudgetNews>();

  const limitOf = (name: string): CallLimit => {
    const limit = limits()[name];
    if (limit === undefined) throw new RangeError(`There is no limit named '${name}'.`);
    return limit;
  };

  /** 0, or how long until it may be asked for again. `until`: as when a call under way is noted. */
  const takeOne = async (
    trx: WorkspaceTransaction,
    { limit: name, cost }: CallNeed,
    priority: Priority,
    until: number,
  ): Promise<number> => {
    const now = clock.now();
    const limit = limitOf(name);
    switch (limit.kind) {
      case 'rolling':
        return fillBucket(trx, { connectionId, name, ...bucketOf(limit, cost, priority) }, now);
      case 'budget': {
        const { tokens } = limit;
        const reserve = reserveOf(limit, priority);
        const renewedAt = renewalOf(limit, now);
        return spendBudget(trx, { connectionId, name, cost, tokens, reserve, renewedAt }, now);
      }
      case 'concurrent': {
        const most = priority === 'consent' ? limit.most : Math.max(1, limit.most - 1);
        return (await beginCall(trx, { connectionId, name, most, until }, now)) ? 0 : placeMs;
      }
    }
  };

  /** All of them or none. */
  const takeAll = async (needs: readonly CallNeed[], priority: Priority, until: number): Promise<number> => {
    try {
      return await store.transact(workspaceId, async (trx) => {
        for (const need of needs) {
          const waitMs = await takeOne(trx, need, priority, until);
          if (waitMs > 0) throw new TakesLonger(need, waitMs);
        }
        return 0;
      });
    } catch (error) {
      if (!(error instanceof TakesLonger)) throw error;
      const { need, waitMs } = error;
      await store.transact(workspaceId, (trx) =>
        capLimit(trx, { connectionId, name: need.limit }, mostOf(limitOf(need.limit), clock.now())),
      );
      return waitMs;
    }
  };

  return {
    async take(needs, priority) {
      // In one order, so that two that need the same never wait for each other.
      const inOrder = needs.toSorted((x, y) => (x.limit < y.limit ? -1 : 1));
      const held = inOrder.filter(({ limit }) => limitOf(limit).kind === 'concurrent');
      const deadline = performance.now() + longestWaitMs;
      for (;;) {
        const until = clock.now() + longestCallMs;
        const waitMs = await takeAll(inOrder, priority, until);
        if (waitMs === 0) {
          return {
            async release() {
              if (held.length === 0) return;
              await store.transact(workspaceId, async (trx) => {
                for (const { limit: name } of held) await endCall(trx, { connectionId, name, until });
              });
            },
          };
        }
        if (performance.now() + waitMs > deadline)
          throw new LimitWait({ priority, afterMs: Math.ceil(waitMs) });
        await wait(waitMs);
      }
    },

    async learn(name, news) {
      const limit = limitOf(name);
      if (limit.kind !== 'budget') throw new RangeError(`'${name}' is no budget.`);
      const { left, of, renewedAt } = news;
      const before = learned.get(name);
      const size = of ?? limit.tokens;
      const isOld =
        before !== undefined &&
        before.of === of &&
        before.renewedAt === renewedAt &&
        Math.abs(before.left - left) < size * worthLearning;
      if (isOld) return;
      learned.set(name, news);
      const now = clock.now();
      const end = Math.min(renewedAt ?? Infinity, renewalOf(limit, now));
      await store.transact(workspaceId, (trx) =>
        learnBudget(trx, { connectionId, name, tokens: limit.tokens, renewedAt: end, left, of }, now),
      );
    },
  };
}

/** One of a call's limits is used up: what it took of the others is given back. */
class TakesLonger extends Error {
  readonly need: CallNeed;
  readonly waitMs: number;

  constructor(need: CallNeed, waitMs: number) {
    super();
    this.need = need;
    this.waitMs = waitMs;
  }
}

/**
 * A limit of N calls in any time W lets B through at once, a fifth of N, and then one every W / (N + 1 - B), so that no
 * window of W ever holds more than N. What costs several is as many calls at once.
 */
function bucketOf(
  { calls, perMs }: Rolling,
  cost: number,
  priority: Priority,
): { readonly fillsMs: number; readonly reachMs: number; readonly depthMs: number } {
  const burst = calls < 2 ? 1 : Math.max(2, Math.round(calls / 5));
  if (cost > burst) throw new RangeError(`No call may cost ${String(cost)} of ${String(burst)} at once.`);
  const perCallMs = perMs / (calls + 1 - burst);
  // What is less pressing and costs more than its share goes once nothing else does.
  const ahead = Math.max(0, shares[priority] * (burst - 1) - (cost - 1));
  return { fillsMs: cost * perCallMs, reachMs: ahead * perCallMs, depthMs: burst * perCallMs };
}

/** How far ahead of now a limit can be written. */
function mostOf(limit: CallLimit, now: number): { readonly filledUntil: number; readonly renewedAt: number } {
  switch (limit.kind) {
    case 'rolling':
      return { filledUntil: now + bucketOf(limit, 1, 'consent').depthMs, renewedAt: Infinity };
    case 'budget':
      return { filledUntil: Infinity, renewedAt: renewalOf(limit, now) };
    case 'concurrent':
      return { filledUntil: Infinity, renewedAt: Infinity };
  }
}

/** The share of a budget this priority leaves for those before it. */
function reserveOf({ reserves }: Budget, priority: Priority): number {
  if (priority === 'consent') return 0;
  return priority === 'new lead' ? reserves.consent : reserves.pressing;
}

/** When a budget that starts now is renewed. */
function renewalOf({ renewed }: Budget, now: number): number {
  if (renewed === 'a day later') return now + dayMs;
  return midnightAfter(now, renewed.midnightIn);
}

function midnightAfter(now: number, timeZone: string): number {
  const time = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'medium', hourCycle: 'h23' });
  const dayOf = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
  const [hours = 0, minutes = 0, seconds = 0] = time.format(now).split(':').map(Number);
  const passed = ((hours * 60 + minutes) * 60 + seconds) * 1000 + (now % 1000);
  const midnight = now - passed + dayMs;
  // Where a day has 23 or 25 hours, its end is an hour off.
  const hourMs = 60 * 60 * 1000;
  const today = dayOf.format(now);
  if (dayOf.format(midnight - 1) !== today) return midnight - hourMs;
  return dayOf.format(midnight) === today ? midnight + hourMs : midnight;
}

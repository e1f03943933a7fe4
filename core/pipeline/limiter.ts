import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { type CallLimit, LimitWait, type Permits, type Priority } from '../crm/index.ts';
import { type Store, takeCall } from '../store/index.ts';

/** How much of a limit's burst each may use; what it may not is kept for those before it. */
const shares: Readonly<Record<Priority, number>> = {
  consent: 1,
  'new lead': 0.9,
  fields: 0.75,
  timeline: 0.5,
  import: 0.3,
};

/** Longer than this nobody waits in here, lest a lease runs out. */
const longestWaitMs = 2_000;

/**
 * The limits of one CRM account, shared by all processes through `crm_limits`. A limit of N calls in any time W lets B
 * through at once, a fifth of N, and then one every W / (N + 1 - B), so that no window of W ever holds more than N.
 */
export function createPermits(options: {
  store: Store;
  /** A sandbox's own for its accounts, the machine's for all others; processes must agree on it. */
  clock: Clock;
  workspaceId: string;
  connectionId: string;
  /** By the name under which `take` asks. */
  limits: Readonly<Record<string, CallLimit>>;
}): Permits {
  const { store, clock, workspaceId, connectionId, limits } = options;
  return {
    async take(name, priority) {
      const limit = limits[name];
      if (limit === undefined) throw new RangeError(`There is no limit named '${name}'.`);
      const burst = limit.calls < 2 ? 1 : Math.max(2, Math.round(limit.calls / 5));
      const perCallMs = limit.perMs / (limit.calls + 1 - burst);
      const bucket = {
        connectionId,
        name,
        perCallMs,
        reachMs: shares[priority] * (burst - 1) * perCallMs,
        depthMs: burst * perCallMs,
      };
      const deadline = performance.now() + longestWaitMs;
      for (;;) {
        const waitMs = await store.transact(workspaceId, (trx) => takeCall(trx, bucket, clock.now()));
        if (waitMs === 0) return;
        if (performance.now() + waitMs > deadline)
          throw new LimitWait({ priority, afterMs: Math.ceil(waitMs) });
        await wait(waitMs);
      }
    },
  };
}

import type { SandboxClock } from '../clock.ts';

/** What vendors bound an account's calls by, on the sandbox's clock. Of each kind 0 = no limit. */

/** What became of one call. `left`: how many more may follow now. Undefined = there is no limit. */
type Taken = { readonly allowed: boolean; readonly left: number } | undefined;

/** So many calls in any interval, or so much by what each costs. */
export interface RollingLimit {
  /** Takes one call, or nothing of it where it is too much. */
  take(cost?: number): Taken;
}

export function createRollingLimit(
  clock: SandboxClock,
  limit: () => { readonly max: number; readonly intervalMs: number },
): RollingLimit {
  /** The calls let through within the interval, oldest first from `oldest` on. */
  let taken: { readonly at: number; readonly cost: number }[] = [];
  let oldest = 0;
  let spent = 0;
  return {
    take(cost = 1) {
      const { max, intervalMs } = limit();
      if (max === 0) return undefined;
      const now = clock.now();
      for (
        let call = taken[oldest];
        call !== undefined && call.at <= now - intervalMs;
        call = taken[oldest]
      ) {
        spent -= call.cost;
        oldest += 1;
      }
      if (oldest > 1_000) {
        taken = taken.slice(oldest);
        oldest = 0;
      }
      const allowed = spent + cost <= max;
      if (allowed) {
        taken.push({ at: now, cost });
        spent += cost;
      }
      return { allowed, left: Math.max(0, max - spent) };
    },
  };
}

/** So much for each period, by calls or by what each costs. */
export interface Budget {
  /** Spends, or nothing of it where it is too much. `resetsAt`: milliseconds since the Unix epoch. */
  spend(cost?: number): (NonNullable<Taken> & { readonly resetsAt: number }) | undefined;
}

const dayMs = 86_400_000;

export function createBudget(
  clock: SandboxClock,
  /** `offsetMs`: how far the account's midnight is before the one of UTC. */
  budget: () => { readonly max: number; readonly offsetMs?: number },
): Budget {
  let day = -1;
  let spent = 0;
  return {
    spend(cost = 1) {
      const { max, offsetMs = 0 } = budget();
      if (max === 0) return undefined;
      const today = Math.floor((clock.now() + offsetMs) / dayMs);
      if (today !== day) {
        day = today;
        spent = 0;
      }
      const allowed = spent + cost <= max;
      if (allowed) spent += cost;
      return { allowed, left: Math.max(0, max - spent), resetsAt: (day + 1) * dayMs - offsetMs };
    },
  };
}

/** So many calls under way at once. */
export interface ConcurrencyLimit {
  /** What ends the call; undefined = too many are under way. */
  begin(): (() => void) | undefined;
}

export function createConcurrencyLimit(most: () => number): ConcurrencyLimit {
  let underWay = 0;
  return {
    begin() {
      if (most() !== 0 && underWay >= most()) return undefined;
      underWay += 1;
      let over = false;
      return () => {
        if (!over) underWay -= 1;
        over = true;
      };
    },
  };
}

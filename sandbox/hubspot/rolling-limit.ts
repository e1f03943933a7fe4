import type { SandboxClock } from '../clock.ts';

/** So many calls in any interval. */
export interface RollingLimit {
  /** Takes one call. `left`: how many more may follow now. Undefined = there is no limit. */
  take(): { readonly allowed: boolean; readonly left: number } | undefined;
}

/** `max` 0 = no limit. */
export function createRollingLimit(
  clock: SandboxClock,
  limit: () => { readonly max: number; readonly intervalMs: number },
): RollingLimit {
  /** Times of the calls let through within the interval, oldest first from `oldest` on. */
  let times: number[] = [];
  let oldest = 0;
  return {
    take() {
      const { max, intervalMs } = limit();
      if (max === 0) return undefined;
      const now = clock.now();
      while ((times[oldest] ?? Infinity) <= now - intervalMs) oldest += 1;
      if (oldest > 1_000) {
        times = times.slice(oldest);
        oldest = 0;
      }
      const allowed = times.length - oldest < max;
      if (allowed) times.push(now);
      return { allowed, left: Math.max(0, max - (times.length - oldest)) };
    },
  };
}

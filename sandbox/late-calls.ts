import type { SandboxClock } from './clock.ts';
import type { VendorCall } from './crm.ts';

/** Calls that happen some time after they were made, on the sandbox's clock. */
export interface LateCalls {
  add(call: VendorCall, afterMs: number): void;
  /** Forgets what has not happened yet. */
  close(): void;
}

export function createLateCalls(clock: SandboxClock): LateCalls {
  /** The earliest first. */
  let waiting: { readonly call: VendorCall; readonly at: number }[] = [];
  let timer: NodeJS.Timeout | undefined;

  const happen = (): void => {
    clearTimeout(timer);
    const now = clock.now();
    const due = waiting.filter(({ at }) => at <= now);
    waiting = waiting.filter(({ at }) => at > now);
    for (const { call } of due) call.run();
    const [next] = waiting;
    if (next !== undefined) timer = setTimeout(happen, next.at - now);
  };
  const stop = clock.onAdvance(happen);

  return {
    add(call, afterMs) {
      const at = clock.now() + afterMs;
      clock.stopAt(at);
      waiting = [...waiting, { call, at }].toSorted((x, y) => x.at - y.at);
      happen();
    },
    close() {
      stop();
      clearTimeout(timer);
      waiting = [];
    },
  };
}

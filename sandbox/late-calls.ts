import type { SandboxClock } from './clock.ts';

/** What happens some time after it was asked for, on the sandbox's clock. */
export interface LateCalls {
  add(happen: () => void, afterMs: number): void;
  /** Forgets what has not happened yet. */
  close(): void;
}

export function createLateCalls(clock: SandboxClock): LateCalls {
  /** The earliest first. */
  let waiting: { readonly happen: () => void; readonly at: number }[] = [];
  let timer: NodeJS.Timeout | undefined;

  const work = (): void => {
    clearTimeout(timer);
    const now = clock.now();
    const due = waiting.filter(({ at }) => at <= now);
    waiting = waiting.filter(({ at }) => at > now);
    for (const { happen } of due) happen();
    const [next] = waiting;
    if (next !== undefined) timer = setTimeout(work, next.at - now);
  };
  const stop = clock.onAdvance(work);

  return {
    add(happen, afterMs) {
      const at = clock.now() + afterMs;
      clock.stopAt(at);
      waiting = [...waiting, { happen, at }].toSorted((x, y) => x.at - y.at);
      work();
    },
    close() {
      stop();
      clearTimeout(timer);
      waiting = [];
    },
  };
}

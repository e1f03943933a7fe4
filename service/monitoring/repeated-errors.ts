import type { Logger } from 'pino';
import { describeError } from './logger.ts';

/** An error is told whole once, and while it repeats once a minute, with how often. */
export interface RepeatedErrors {
  /** `what` happened; `about`: which of it, by ids. */
  tell(what: string, error: unknown, about: Readonly<Record<string, unknown>>): void;
}

const everyMs = 60_000;

export function createRepeatedErrors(logger: Logger): RepeatedErrors {
  const told = new Map<string, { at: number; untold: number }>();
  return {
    tell(what, error, about) {
      const { type, code, message, stack } = describeError(error);
      // By where it comes from: what a message says may name another row each time.
      const kind = JSON.stringify([what, about['step'], type, code, stack?.[0]]);
      const now = performance.now();
      const before = told.get(kind);
      if (before !== undefined && now - before.at < everyMs) {
        before.untold += 1;
        return;
      }
      if (before === undefined) {
        for (const [other, { at }] of told) if (now - at >= 2 * everyMs) told.delete(other);
        told.set(kind, { at: now, untold: 0 });
        logger.error({ err: error, ...about }, what);
        return;
      }
      const repeats = before.untold + 1;
      told.set(kind, { at: now, untold: 0 });
      logger.error({ type, code, reason: message, repeats, ...about }, what);
    },
  };
}

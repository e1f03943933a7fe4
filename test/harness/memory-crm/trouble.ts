import type { CallLimit, CrmValues, Priority, WriteOutcome } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import type { SandboxClock } from '@sangam/sandbox';

export type Operation = 'read' | 'findByContactId' | 'findByPhone' | 'create' | 'update' | 'scan' | 'entries';

/** A call of its API: its operation, and how many items it carried. */
interface MemoryCall {
  readonly operation: Operation;
  readonly items: number;
  readonly priority: Priority;
}

/** How its calls fail when nothing is heard of them. */
export function noAnswer(): SangamError {
  return new SangamError({ code: 'timeout', origin: 'crm', retry: 'later', message: 'No answer came.' });
}

/** How they fail while it cannot be asked. */
export function unavailable(says: string): SangamError {
  return new SangamError({
    code: 'unavailable',
    origin: 'crm',
    retry: 'later',
    message: `The CRM answers ${says}.`,
  });
}

/** A limit as the CRM itself keeps it: called before a call with what it costs, which it refuses by throwing; what it answers ends the call. */
export function keeperOf(clock: SandboxClock, limit: CallLimit): (cost: number) => () => void {
  const refuse = (afterMs: number): never => {
    const message = 'The CRM wants fewer calls.';
    throw new SangamError({ code: 'rate_limited', origin: 'crm', retry: { afterMs }, message });
  };
  switch (limit.kind) {
    case 'rolling': {
      let times: number[] = [];
      return () => {
        const now = clock.now();
        times = times.filter((at) => at > now - limit.perMs);
        const [oldest = now] = times;
        if (times.length >= limit.calls) refuse(oldest + limit.perMs - now);
        times.push(now);
        return () => undefined;
      };
    }
    case 'concurrent': {
      let underWay = 0;
      return () => {
        if (underWay >= limit.most) refuse(1000);
        underWay += 1;
        return () => {
          underWay -= 1;
        };
      };
    }
    case 'budget': {
      let left = limit.tokens;
      return (cost) => {
        if (left < cost) refuse(60 * 60_000);
        left -= cost;
        return () => undefined;
      };
    }
  }
}

/** What a test does to its calls, and sees of them. */
export interface CallControls {
  /** Each call so far. */
  readonly calls: MemoryCall[];
  /** Tokens spent so far, by whoever calls. */
  spent: number;
  /** From now on: called before each call; throws to let it fail, or answers what becomes of it. */
  trouble: ((operation: Operation) => undefined | { readonly commitAfterMs: number }) | undefined;
  /** The limits it keeps its callers to, by name. */
  readonly keepers: Map<string, ReturnType<typeof keeperOf>>;
  /** Records by id whose timeline nobody may write for now. */
  readonly lockedTimelines: Set<string>;
  /** Records by id whose timeline entries are written, and nobody is told. */
  readonly unheard: Set<string>;
  /** What a create or update of this item answers instead of being made, by contact id or record id. */
  readonly answers: Map<string, WriteOutcome>;
  /** From now on: what a create or update of these values answers instead of being made; undefined: it is made. */
  judge: ((item: string, values: CrmValues) => WriteOutcome | undefined) | undefined;
}

import type { Arrival } from '../arrivals.ts';

/** A request to send something, as a test reads it. */
interface SendRequest extends Arrival {
  readonly number: number;
  /** Sandbox's clock, milliseconds since the Unix epoch. */
  readonly at: number;
  readonly endpoint: 'messages' | 'marketing_messages';
  readonly to?: string | undefined;
  readonly recipient?: string | undefined;
  readonly type?: string | undefined;
  readonly template?: string | undefined;
  readonly language?: string | undefined;
  readonly category?: string | undefined;
  readonly opaque?: string | undefined;
  /** Of the message that was taken in, whether its caller heard of it or not. */
  wamid?: string | undefined;
  /** The rest once it was answered; without a status nothing was. */
  answeredMonotonicMs?: number;
  status?: number | undefined;
  /** Graph's. */
  code?: number | undefined;
}

export interface Requests {
  begin(request: Omit<SendRequest, 'number'>): SendRequest;
  /** Those after this number; `forgotten`: how many are kept no longer. */
  after(number: number): { results: SendRequest[]; forgotten: number };
  clear(): void;
}

/** The newest are kept: so many are some 30 MB. */
const mostKept = 50_000;

export function createRequests(): Requests {
  let kept: SendRequest[] = [];
  let last = 0;
  let forgotten = 0;
  return {
    begin(request) {
      last += 1;
      const one: SendRequest = { number: last, ...request };
      kept.push(one);
      if (kept.length >= 2 * mostKept) {
        kept = kept.slice(-mostKept);
        forgotten = last - mostKept;
      }
      return one;
    },
    after: (number) => ({ results: kept.filter((one) => one.number > number), forgotten }),
    clear() {
      kept = [];
      forgotten = 0;
    },
  };
}

import type { IncomingMessage } from 'node:http';

/** When a request's first bytes were here, before its body was read. */
export interface Arrival {
  /** Milliseconds of the machine's monotonic clock, the same in all its processes. */
  readonly monotonicMs: number;
  /** Milliseconds since the Unix epoch, by the machine. */
  readonly machineMs: number;
}

const noted = new WeakMap<IncomingMessage, Arrival>();

export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

export function noteArrival(request: IncomingMessage): void {
  noted.set(request, { monotonicMs: monotonicMs(), machineMs: Date.now() });
}

export function arrivalOf(request: IncomingMessage): Arrival {
  return noted.get(request) ?? { monotonicMs: monotonicMs(), machineMs: Date.now() };
}

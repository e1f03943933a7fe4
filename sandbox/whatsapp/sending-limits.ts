import type { SandboxClock } from '../clock.ts';
import { createRollingLimit } from '../shared/limits.ts';
import type { Refusal } from './graph-errors.ts';
import type { WhatsappRules } from './rules.ts';

/** How much may be sent. docs/vendors/whatsapp.md §1.11, §3.4. */
export interface SendingLimits {
  /** A customer wrote: it counts, and is never refused. */
  countInbound(): void;
  throughput(): Refusal | undefined;
  /** `person`: any key of theirs. */
  pair(person: string): Refusal | undefined;
  /** Reached outside their window. */
  portfolio(person: string): Refusal | undefined;
  /** A call of Graph's. */
  call(): Refusal | undefined;
  /** As `X-Business-Use-Case-Usage` tells it. */
  usage(): object;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

export function createSendingLimits(options: {
  clock: SandboxClock;
  rules: () => WhatsappRules;
}): SendingLimits {
  const { clock, rules } = options;
  const throughput = createRollingLimit(clock, () => ({
    max: rules().throughputPerSecond,
    intervalMs: 1_000,
  }));
  const calls = createRollingLimit(clock, () => ({ max: rules().graphCallsPerHour, intervalMs: hourMs }));
  /** A person's allowance, when it was last looked at. */
  const pairs = new Map<string, { readonly left: number; readonly at: number }>();
  /** When a person was last reached outside their window. */
  const reached = new Map<string, number>();
  let callsLeft = 0;

  return {
    countInbound() {
      if (rules().throughputCounts === 'both directions') throughput.take();
    },
    throughput() {
      return throughput.take()?.allowed === false
        ? { code: 130_429, details: 'Cloud API message throughput has been reached.' }
        : undefined;
    },
    pair(person) {
      const { pairBurst, pairIntervalMs } = rules();
      if (pairBurst === 0) return undefined;
      const now = clock.now();
      const { left, at } = pairs.get(person) ?? { left: pairBurst, at: now };
      const allowance = Math.min(pairBurst, left + (now - at) / pairIntervalMs);
      if (allowance < 1)
        return {
          code: 131_056,
          details: 'Too many messages sent from this number to the same person in a short time.',
        };
      pairs.set(person, { left: allowance - 1, at: now });
      return undefined;
    },
    portfolio(person) {
      const { portfolioLimit, portfolioLimitCode } = rules();
      if (portfolioLimit === 0) return undefined;
      const now = clock.now();
      for (const [one, at] of reached) if (now - at >= dayMs) reached.delete(one);
      if (!reached.has(person) && reached.size >= portfolioLimit)
        return {
          code: portfolioLimitCode,
          details: `${String(portfolioLimit)} people were reached within 24 hours.`,
        };
      reached.set(person, now);
      return undefined;
    },
    call() {
      const taken = calls.take();
      callsLeft = taken?.left ?? 0;
      const { graphLimitCode: code } = rules();
      return taken?.allowed === false
        ? { code, details: 'There have been too many calls to this account.' }
        : undefined;
    },
    usage() {
      const { graphCallsPerHour: most } = rules();
      const used = most === 0 ? 0 : Math.ceil((100 * (most - callsLeft)) / most);
      return {
        type: 'whatsapp',
        call_count: used,
        total_cputime: 0,
        total_time: 0,
        estimated_time_to_regain_access: used >= 100 ? 60 : 0,
      };
    },
  };
}

import type { SendErrorRule } from '../whatsapp/index.ts';

/** What becomes of a send that WhatsApp did not take, or took and did not deliver. Times in milliseconds. */

export interface FailedTry {
  readonly now: number;
  readonly code: number;
  readonly rule: SendErrorRule;
  /** WhatsApp's own words. */
  readonly details: string | undefined;
  /** So long WhatsApp wants to be left alone. */
  readonly afterMs: number | undefined;
  /** It was said at once, in the answer, not later by a status. */
  readonly atOnce: boolean;
  readonly attempts: number;
  readonly triedAt: number;
  readonly cappedAt: number | null;
  readonly asMarketing: boolean;
  /** It failed once for its medium. */
  readonly mediumRenewed: boolean;
  /** How often in a row WhatsApp wanted this person left alone. */
  readonly rests: number;
}

/** What else follows, for others too. */
export type Effect =
  | { readonly kind: 'sync template' }
  | { readonly kind: 'pause template' }
  | { readonly kind: 'window denied' }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'person rests'; readonly until: number }
  | { readonly kind: 'slow channel'; readonly until: number }
  | { readonly kind: 'block channel'; readonly reason: string }
  | { readonly kind: 'block marketing'; readonly reason: string }
  | { readonly kind: 'opted out' }
  | { readonly kind: 'renew media' };

export interface Aftermath {
  /** `ended`: it is tried no more. */
  readonly next: 'ended' | 'queued';
  readonly reason: string;
  readonly explanation: string;
  readonly dueAt: number | null;
  readonly cappedAt?: number;
  readonly asMarketing?: boolean;
  readonly effects: readonly Effect[];
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** What Meta could not do for the moment is tried for so long. */
const triesEndMs = hour;
const longestWaitMs = 5 * minute;
/** docs/vendors/whatsapp.md §3.4: 6 s × 4ⁿ. */
const restMs = 6 * second;

/** Waits between tries at what Meta could not do: 2 s, 4 s … 5 min. */
function againMs(attempts: number): number {
  return Math.min(second * 2 ** Math.min(attempts, 20), longestWaitMs);
}

export function afterError(tried: FailedTry): Aftermath {
  const { now, rule, code, details, afterMs } = tried;
  const said = details === undefined ? '' : ` WhatsApp says: ${details.replace(/(?<![.!?])$/u, '.')}`;
  const number = code < 0 ? '' : ` (${String(code)})`;
  const explanation = `${sentence(rule.words)}${number}.${said}`;
  const ended = (...effects: Effect[]): Aftermath => ({
    next: 'ended',
    reason: rule.action,
    explanation,
    dueAt: null,
    effects,
  });
  const again = (dueAt: number, ...effects: Effect[]): Aftermath => ({
    next: 'queued',
    reason: rule.action,
    explanation,
    dueAt,
    effects,
  });
  switch (rule.action) {
    case 'sync template':
      return ended({ kind: 'sync template' });
    case 'template paused':
      return again(now, { kind: 'pause template' });
    case 'template disabled':
      return ended({ kind: 'sync template' });
    case 'window closed':
      return ended({ kind: 'window denied' });
    case 'marketing capped':
      return tried.cappedAt === null ? { ...again(now), cappedAt: now } : ended();
    case 'not reachable':
      return ended({ kind: 'unreachable' });
    case 'marketing stops':
      return again(now, { kind: 'block marketing', reason: `${explanation} What to do: ${rule.cure}.` });
    case 'opted out':
      return ended({ kind: 'opted out' });
    case 'pair rests': {
      const until = now + Math.min(restMs * 4 ** Math.min(tried.rests, 10), hour);
      return again(until, { kind: 'person rests', until });
    }
    case 'slow down': {
      const until = now + Math.max(afterMs ?? second, second);
      return again(until, { kind: 'slow channel', until });
    }
    case 'channel stops':
      return again(now, { kind: 'block channel', reason: `${explanation} What to do: ${rule.cure}.` });
    case 'medium again':
      return tried.mediumRenewed ? ended() : again(now, { kind: 'renew media' });
    case 'phone instead':
      return ended();
    case 'marketing endpoint':
      return tried.asMarketing ? ended() : { ...again(now), asMarketing: true };
    case 'try again': {
      const waitMs = Math.max(againMs(tried.attempts), afterMs ?? 0);
      return now + waitMs > tried.triedAt + triesEndMs ? ended() : again(now + waitMs);
    }
    case 'refused':
      return ended();
  }
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

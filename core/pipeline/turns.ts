import { Backoff } from './backoff.ts';

/** How a turn ended: more work may be left, none is, or it is to be tried later because another process has it. */
export type TurnOutcome = 'more' | 'done' | 'later';

/** Whose turn failed, and how often in a row; with no workspace it is the look around that did. */
export interface TurnFailure {
  readonly workspaceId?: string;
  readonly connectionId?: string;
  readonly failures: number;
}
export type TurnFailed = (error: unknown, failure: TurnFailure) => void;

export interface TurnWork {
  /** Workspaces that have work, from any process. */
  readonly waiting: () => Promise<readonly string[]>;
  /** `crowded`: others have had work just now, so a short turn is due. */
  readonly turn: (workspaceId: string, crowded: boolean) => Promise<TurnOutcome>;
  /** A turn, or the look around, failed; it is tried again, later each time. */
  readonly failed: TurnFailed;
}

const atOnce = 2;
const lookAroundMs = 250;
/** While looks fail: so long after a database is back its work goes on at the latest. */
const longestLookAroundMs = 5_000;
/** Every statement and call of a turn has a deadline of its own; one that hangs all the same keeps no place for ever. */
const longestTurnMs = 5 * 60_000;
/** How long a workspace counts as present after its turn. */
const presentMs = 2_000;

/**
 * Takes turns between workspaces: the least recently served one that has work goes first, two at a time, so that one
 * workspace's backlog never makes another wait for more than the rest of a turn.
 */
export class TurnTaker {
  readonly #work: TurnWork;
  /** Workspaces to be served, the least recently served first. */
  readonly #queue = new Set<string>();
  readonly #serving = new Map<string, Promise<void>>();
  /** Woken while being served: served again. */
  readonly #again = new Set<string>();
  readonly #lastServed = new Map<string, number>();
  /** Workspaces whose turns fail. */
  readonly #backoff = new Backoff();
  /** Looks around that failed in a row. */
  #blindLooks = 0;
  /** When something was last ended, or first due after nothing was, on the monotonic clock; undefined: nothing is due. */
  #waitsSince: number | undefined;
  #running = false;
  #poll: NodeJS.Timeout | undefined;

  constructor(work: TurnWork) {
    this.#work = work;
  }

  start(): void {
    this.#running = true;
    void this.#lookAround();
  }

  /** Ends after the turns under way. */
  async stop(): Promise<void> {
    this.#running = false;
    clearTimeout(this.#poll);
    await Promise.all(this.#serving.values());
  }

  /** Takes turns until no workspace has work left, without being started. */
  async drain(): Promise<void> {
    for (;;) {
      const waiting = await this.#work.waiting();
      if (waiting.length === 0) return;
      for (const workspaceId of waiting) {
        while ((await this.#work.turn(workspaceId, false)) === 'more');
      }
    }
  }

  /** How long something has been due, or under way, of which nothing ended, in ms; 0: nothing is due. */
  stuckMs(): number {
    return this.#waitsSince === undefined ? 0 : performance.now() - this.#waitsSince;
  }

  wake(workspaceId: string): void {
    if (!this.#running || this.#backoff.isLeftAlone(workspaceId)) return;
    this.#waitsSince ??= performance.now();
    if (this.#serving.has(workspaceId)) this.#again.add(workspaceId);
    else this.#queue.add(workspaceId);
    this.#serve();
  }

  /** Other processes receive too, and may have died: what they left is found here. */
  async #lookAround(): Promise<void> {
    this.#waitsSince ??= performance.now();
    let againMs = lookAroundMs;
    try {
      const waiting = new Set(await this.#work.waiting());
      // A database that was away is back: nobody waits any longer for having met it away.
      this.#backoff.keepOnly(this.#blindLooks === 0 ? waiting : new Set());
      this.#blindLooks = 0;
      for (const workspaceId of waiting) this.wake(workspaceId);
      if (this.#serving.size === 0) this.#ended();
    } catch (error) {
      this.#blindLooks += 1;
      againMs = Math.min(lookAroundMs * 2 ** (this.#blindLooks - 1), longestLookAroundMs);
      this.#work.failed(error, { failures: this.#blindLooks });
    }
    if (this.#running) this.#poll = setTimeout(() => void this.#lookAround(), againMs);
  }

  #serve(): void {
    while (this.#running && this.#serving.size < atOnce) {
      const [workspaceId] = this.#queue;
      if (workspaceId === undefined) return;
      this.#queue.delete(workspaceId);
      this.#serving.set(workspaceId, this.#turn(workspaceId));
    }
  }

  async #turn(workspaceId: string): Promise<void> {
    let outcome: TurnOutcome = 'later';
    try {
      outcome = await withinDeadline(this.#work.turn(workspaceId, this.#isCrowded(workspaceId)));
      // One that found nothing to do says nothing: what failed may be leased still.
      if (outcome === 'more') this.#backoff.went(workspaceId);
    } catch (error) {
      this.#work.failed(error, { workspaceId, failures: this.#backoff.failed(workspaceId) });
    }
    this.#serving.delete(workspaceId);
    const woken = this.#again.delete(workspaceId);
    if (outcome === 'more' || (outcome === 'done' && woken)) this.#queue.add(workspaceId);
    this.#ended();
    this.#serve();
  }

  #ended(): void {
    this.#waitsSince = this.#serving.size + this.#queue.size === 0 ? undefined : performance.now();
  }

  #isCrowded(workspaceId: string): boolean {
    const now = performance.now();
    this.#lastServed.set(workspaceId, now);
    for (const [other, at] of this.#lastServed) if (now - at > presentMs) this.#lastServed.delete(other);
    return this.#lastServed.size > 1;
  }
}

/** Gives up waiting, not the turn: what it still does late is fenced by its locks and leases. */
async function withinDeadline(turn: Promise<TurnOutcome>): Promise<TurnOutcome> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`A turn did not end within ${String(longestTurnMs / 1000)} s.`));
    }, longestTurnMs);
  });
  try {
    return await Promise.race([turn, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

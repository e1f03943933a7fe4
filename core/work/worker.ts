import type { DueTarget, Queue, RestUntil } from '../store/index.ts';
import { Backoff } from './backoff.ts';
import type { Dispatcher, Worker } from './dispatcher.ts';

/**
 * How a tick ended: more work may be left; none is, as far as it saw; it is to be tried in a moment, as another process has
 * it; or it is left alone until then.
 */
export type TickOutcome = 'more' | 'done' | 'later' | RestUntil;

/** Whose tick failed, and how often in a row; with no workspace it is the scan for what is due that did. */
export interface TickFailure {
  readonly workspaceId?: string;
  readonly connectionId?: string;
  readonly failures: number;
}
export type TickFailed = (error: unknown, failure: TickFailure) => void;

export interface QueueWork {
  readonly queue: Queue;
  /** `crowded`: others have had work just now, so a short tick is due. */
  readonly tick: (target: DueTarget, crowded: boolean) => Promise<TickOutcome>;
  /** A tick, or the scan for what is due, failed; it is tried again, later each time. */
  readonly failed: TickFailed;
  /** Ticks spend their time in calls of others: whoever takes longer than this does not keep a place from the rest. */
  readonly placeMs?: number;
  /** What is told of waits so long, so that more comes together. */
  readonly gatherMs?: number;
}

const atOnce = 2;
/** Ticks that gave their place up still hold what they work on. */
const mostUnderWay = 100;
const laterMs = 250;
/** Every statement and call of a tick has a deadline of its own; one that hangs all the same keeps no place for ever. */
const longestTickMs = 5 * 60_000;
/** How long a target counts as present after its tick. */
const presentMs = 2_000;

/**
 * Serves the targets of a queue, a tick each: the least recently served one that has work goes first, two at a time, so that
 * one's backlog never makes another wait for more than the rest of a tick.
 */
export class QueueWorker implements Worker {
  readonly #dispatcher: Dispatcher;
  readonly #work: QueueWork;
  /** Targets to be served, the least recently served first. */
  readonly #waiting = new Map<string, DueTarget>();
  readonly #serving = new Map<string, Promise<void>>();
  /** Of those being served: who keeps a place. */
  readonly #placed = new Set<string>();
  /** Woken while being served: served again. */
  readonly #again = new Set<string>();
  readonly #lastServed = new Map<string, number>();
  /** Targets whose ticks fail. */
  readonly #backoff = new Backoff();
  /** Those to be tried in a moment. */
  readonly #later = new Map<string, NodeJS.Timeout>();
  #scanFails = false;
  /** When something was last ended, or first due after nothing was, on the monotonic clock; undefined: nothing is due. */
  #waitsSince: number | undefined;
  #running = false;

  constructor(dispatcher: Dispatcher, work: QueueWork) {
    this.#dispatcher = dispatcher;
    this.#work = work;
  }

  get queue(): Queue {
    return this.#work.queue;
  }

  start(): void {
    this.#running = true;
    this.#dispatcher.join(this);
  }

  /** Ends after the ticks under way. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#dispatcher.leave(this);
    for (const timer of this.#later.values()) clearTimeout(timer);
    this.#later.clear();
    this.#waiting.clear();
    await Promise.all(this.#serving.values());
    // What they left to be gone on with is found anew by whoever starts.
    this.#waiting.clear();
    this.#ended();
  }

  /** Works until nothing is due, without being started. */
  async drain(): Promise<void> {
    for (;;) {
      const due = await this.#dispatcher.dueNow(this.queue);
      if (due.length === 0) return;
      for (const target of due) {
        let outcome: TickOutcome;
        do outcome = await this.#work.tick(target, false);
        while (outcome === 'more');
        if (outcome !== 'later')
          await this.#dispatcher.rest(target, outcome === 'done' ? undefined : outcome);
      }
    }
  }

  /** How long something has been due, or under way, of which nothing ended, in ms; 0: nothing is due. */
  stuckMs(): number {
    return this.#waitsSince === undefined ? 0 : performance.now() - this.#waitsSince;
  }

  wake(target: DueTarget): void {
    const { gatherMs } = this.#work;
    const name = nameOf(target);
    if (gatherMs === undefined || this.#serving.has(name)) this.#take(target);
    else if (this.#running && !this.#later.has(name)) this.#takeLater(name, target, gatherMs);
  }

  #take(target: DueTarget): void {
    const name = nameOf(target);
    if (!this.#running || this.#backoff.isLeftAlone(name)) return;
    this.#waitsSince ??= performance.now();
    clearTimeout(this.#later.get(name));
    this.#later.delete(name);
    if (this.#serving.has(name)) this.#again.add(name);
    else this.#waiting.set(name, target);
    this.#serve();
  }

  scanning(): void {
    this.#waitsSince ??= performance.now();
  }

  found(targets: readonly DueTarget[]): void {
    // A database that was away is back: nobody waits any longer for having met it away.
    this.#backoff.keepOnly(this.#scanFails ? new Set() : new Set(targets.map(nameOf)));
    this.#scanFails = false;
    for (const target of targets) {
      // Who is served looks by itself whether anything is left.
      if (!this.#serving.has(nameOf(target))) this.#take(target);
    }
    if (this.#serving.size === 0) this.#ended();
  }

  scanFailed(error: unknown, scans: number): void {
    this.#scanFails = true;
    this.#work.failed(error, { failures: scans });
  }

  #serve(): void {
    while (this.#running && this.#placed.size < atOnce && this.#serving.size < mostUnderWay) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const [name, target] = next;
      this.#waiting.delete(name);
      this.#placed.add(name);
      this.#serving.set(name, this.#tick(name, target));
    }
  }

  async #tick(name: string, target: DueTarget): Promise<void> {
    const { placeMs } = this.#work;
    const place = placeMs === undefined ? undefined : setTimeout(() => this.#leavePlace(name), placeMs);
    let outcome: TickOutcome = 'later';
    let rests = true;
    try {
      outcome = await withinDeadline(this.#work.tick(target, this.#isCrowded(name)));
      // One that found nothing to do says nothing: what failed may be leased still.
      if (outcome === 'more') this.#backoff.went(name);
      else if (outcome !== 'later') {
        rests = await this.#dispatcher.rest(target, outcome === 'done' ? undefined : outcome);
        outcome = rests ? 'done' : 'later';
      }
    } catch (error) {
      outcome = 'later';
      this.#work.failed(error, { ...ownerOf(target), failures: this.#backoff.failed(name) });
    }
    clearTimeout(place);
    this.#serving.delete(name);
    this.#placed.delete(name);
    const woken = this.#again.delete(name);
    if (outcome === 'more' || (woken && (outcome === 'done' || !rests))) this.#waiting.set(name, target);
    else if (outcome === 'later' && this.#running) this.#takeLater(name, target, laterMs);
    this.#ended();
    this.#serve();
  }

  #takeLater(name: string, target: DueTarget, ms: number): void {
    clearTimeout(this.#later.get(name));
    this.#later.set(
      name,
      setTimeout(() => {
        this.#later.delete(name);
        this.#take(target);
      }, ms),
    );
  }

  #leavePlace(name: string): void {
    this.#placed.delete(name);
    this.#serve();
  }

  #ended(): void {
    this.#waitsSince = this.#serving.size + this.#waiting.size === 0 ? undefined : performance.now();
  }

  #isCrowded(name: string): boolean {
    const now = performance.now();
    this.#lastServed.set(name, now);
    for (const [other, at] of this.#lastServed) if (now - at > presentMs) this.#lastServed.delete(other);
    return this.#lastServed.size > 1;
  }
}

function nameOf({ workspaceId, targetId }: DueTarget): string {
  return `${workspaceId} ${targetId}`;
}

function ownerOf({ workspaceId, targetId }: DueTarget): Omit<TickFailure, 'failures'> {
  return targetId === workspaceId ? { workspaceId } : { workspaceId, connectionId: targetId };
}

/** Gives up waiting, not the tick: what it still does late is fenced by its locks and leases. */
async function withinDeadline(tick: Promise<TickOutcome>): Promise<TickOutcome> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`A tick did not end within ${String(longestTickMs / 1000)} s.`));
    }, longestTickMs);
  });
  try {
    return await Promise.race([tick, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

import type { Clock } from '../clock.ts';
import type { DueTarget, Queue, RestUntil, Store } from '../store/index.ts';

/** Who works a queue off. */
export interface Worker {
  readonly queue: Queue;
  /** A scan for what is due begins. */
  scanning(): void;
  /** All that is due in its queue. */
  found(targets: readonly DueTarget[]): void;
  /** Scans fail, so many in a row. */
  scanFailed(error: unknown, scans: number): void;
  wake(target: DueTarget): void;
}

const scanEveryMs = 500;
/** While scans fail: so long after a database is back its work goes on at the latest. */
const longestWaitMs = 5_000;

/**
 * Finds what is due for all queues a process works off, in one scan for all workspaces. What this process or another makes
 * due is told besides; what other processes left behind, or what time makes due, is found here.
 */
export class Dispatcher {
  readonly #store: Pick<Store, 'scanDue' | 'restDue' | 'onDue'>;
  readonly #clock: Clock;
  readonly #workers = new Map<Worker, () => void>();
  #failedScans = 0;
  #timer: NodeJS.Timeout | undefined;
  #scanning = false;
  /** Somebody came while a scan was under way. */
  #again = false;

  constructor(store: Pick<Store, 'scanDue' | 'restDue' | 'onDue'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  join(worker: Worker): void {
    const hush = this.#store.onDue(worker.queue, (due) => {
      if (due.at <= this.#clock.now()) worker.wake(due);
    });
    this.#workers.set(worker, hush);
    // Those who start together share the first scan.
    if (this.#scanning) this.#again = true;
    else this.#scanIn(0);
  }

  leave(worker: Worker): void {
    this.#workers.get(worker)?.();
    this.#workers.delete(worker);
    if (this.#workers.size === 0) clearTimeout(this.#timer);
  }

  async dueNow(queue: Queue): Promise<DueTarget[]> {
    return (await this.#store.scanDue(this.#clock.now())).filter((target) => target.queue === queue);
  }

  /** Whether a target may be left alone: nothing is due there, or not before `until`. */
  async rest(target: DueTarget, until?: RestUntil): Promise<boolean> {
    const next = await this.#store.restDue(target, this.#clock.now(), until);
    return next !== undefined && next > this.#clock.now();
  }

  #scanIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#scan(), ms);
  }

  async #scan(): Promise<void> {
    this.#scanning = true;
    this.#again = false;
    const workers = [...this.#workers.keys()];
    for (const worker of workers) worker.scanning();
    let nextMs = scanEveryMs;
    try {
      const due = Map.groupBy(await this.#store.scanDue(this.#clock.now()), ({ queue }) => queue);
      this.#failedScans = 0;
      for (const worker of workers) worker.found(due.get(worker.queue) ?? []);
    } catch (error) {
      this.#failedScans += 1;
      nextMs = Math.min(scanEveryMs * 2 ** (this.#failedScans - 1), longestWaitMs);
      for (const worker of workers) worker.scanFailed(error, this.#failedScans);
    }
    this.#scanning = false;
    if (this.#workers.size > 0) this.#scanIn(this.#again ? 0 : nextMs);
  }
}

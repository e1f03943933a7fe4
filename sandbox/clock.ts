/** The sandbox's time: the machine's, plus what it was advanced by. Milliseconds since the Unix epoch. */
export class SandboxClock {
  readonly #machine: () => number;
  #offsetMs = 0;
  readonly #listeners = new Set<() => void>();
  readonly #stops = new Set<number>();

  /** `machine`: another time than the machine's, as one that stands still unless it is advanced. */
  constructor(machine: () => number = Date.now) {
    this.#machine = machine;
  }

  now(): number {
    return this.#machine() + this.#offsetMs;
  }

  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Throws `RangeError` for anything but a finite number of milliseconds from 0 up: time does not go back. */
  advance(ms: number): void {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError('a clock is advanced by 0 ms or more');
    const began = this.now();
    let left = ms;
    const passed = [...this.#stops].filter((at) => at <= began + ms).toSorted((x, y) => x - y);
    for (const stop of passed) {
      this.#stops.delete(stop);
      const step = Math.min(left, Math.max(0, stop - this.now()));
      left -= step;
      this.#move(step);
    }
    this.#move(left);
  }

  /** An advance over this time stops there, so that what happens then does not happen later. */
  stopAt(time: number): void {
    this.#stops.add(time);
  }

  #move(ms: number): void {
    this.#offsetMs += ms;
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after every advance, until the returned function is called. */
  onAdvance(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

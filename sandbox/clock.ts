/** Real time with an offset that a test or a person can push forward. */
export class SandboxClock {
  #offsetMs = 0;

  /** Milliseconds since the Unix epoch. */
  now(): number {
    return Date.now() + this.#offsetMs;
  }

  advance(ms: number): void {
    this.#offsetMs += ms;
  }
}

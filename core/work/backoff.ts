const firstWaitMs = 250;
const longestWaitMs = 30_000;

/** What keeps failing is left alone for 0.25 s, then twice as long each time, at most 30 s. By name, in this process. */
export class Backoff {
  readonly #failing = new Map<string, { readonly failures: number; readonly until: number }>();

  /** It failed once more: how often in a row that makes. */
  failed(name: string): number {
    const failures = (this.#failing.get(name)?.failures ?? 0) + 1;
    const waitMs = Math.min(firstWaitMs * 2 ** (failures - 1), longestWaitMs);
    this.#failing.set(name, { failures, until: performance.now() + waitMs });
    return failures;
  }

  isLeftAlone(name: string): boolean {
    return (this.#failing.get(name)?.until ?? 0) > performance.now();
  }

  went(name: string): void {
    this.#failing.delete(name);
  }

  /** Forgets all others. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#failing.keys()) if (!names.has(name)) this.#failing.delete(name);
  }
}

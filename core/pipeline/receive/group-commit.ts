/**
 * Gathers what arrives while a commit is under way into the next one: under load one fsync serves many requests,
 * idle it adds no wait.
 */
export class GroupCommit<Item> {
  readonly #commit: (group: readonly Item[]) => Promise<void>;
  readonly #largestGroup: number;
  #waiting: { item: Item; resolve: () => void; reject: (error: unknown) => void }[] = [];
  #running = false;

  constructor(commit: (group: readonly Item[]) => Promise<void>, largestGroup: number) {
    this.#commit = commit;
    this.#largestGroup = largestGroup;
  }

  /** Resolves once the item's group is committed, rejects when its group failed as a whole. */
  add(item: Item): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.#largestGroup);
      try {
        await this.#commit(group.map(({ item }) => item));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#running = false;
  }
}

/**
 * Gathers what arrives while a commit is under way into the next one: under load one fsync serves many requests,
 * idle it adds no wait. A group ends at so many items or so much weight, so that memory stays bounded.
 */
export class GroupCommit<Item> {
  readonly #commit: (group: readonly Item[]) => Promise<void>;
  readonly #largest: { readonly items: number; readonly weight: number };
  #waiting: { item: Item; weight: number; resolve: () => void; reject: (error: unknown) => void }[] = [];
  #running = false;

  constructor(
    commit: (group: readonly Item[]) => Promise<void>,
    largest: { readonly items: number; readonly weight: number },
  ) {
    this.#commit = commit;
    this.#largest = largest;
  }

  /** Resolves once the item's group is committed, rejects when its group failed as a whole. */
  add(item: Item, weight: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, weight, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.#nextSize());
      try {
        await this.#commit(group.map(({ item }) => item));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#running = false;
  }

  /** At least one: a single item may be heavier than a group should be. */
  #nextSize(): number {
    let weight = 0;
    const tooMuch = this.#waiting.findIndex((waiting, index) => {
      weight += waiting.weight;
      return index > 0 && (index >= this.#largest.items || weight > this.#largest.weight);
    });
    return tooMuch === -1 ? this.#waiting.length : tooMuch;
  }
}

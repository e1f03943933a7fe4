/** What chance decides in one life: the same seed decides the same, so that a life can be lived again. */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, and never, 1. Mulberry32: 32 bits of state are plenty for some hundred draws. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from 0 up to, and never, this one. */
  below(end: number): number {
    return Math.floor(this.#next() * end);
  }

  chance(share: number): boolean {
    return this.#next() < share;
  }

  /** Undefined where there is nothing to pick from. */
  pick<Item>(all: readonly Item[]): Item | undefined {
    return all[this.below(all.length)];
  }

  /** As `pick`, of what is never empty. */
  oneOf<Item>(all: readonly [Item, ...Item[]]): Item {
    const [first] = all;
    const index = this.below(all.length);
    return all.find((_item, at) => at === index) ?? first;
  }

  /** As `pick`, and what was picked is there no more. */
  take<Item>(all: Item[]): Item | undefined {
    return all.splice(this.below(Math.max(1, all.length)), 1)[0];
  }
}

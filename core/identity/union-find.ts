/** Disjoint sets of names, whatever order they are joined in. */
export class UnionFind {
  readonly #parent = new Map<string, string>();

  add(name: string): void {
    if (!this.#parent.has(name)) this.#parent.set(name, name);
  }

  has(name: string): boolean {
    return this.#parent.has(name);
  }

  members(): IterableIterator<string> {
    return this.#parent.keys();
  }

  /** The set's representative: its least name, so that it does not depend on the order of joins. */
  find(name: string): string {
    const parent = this.#parent.get(name);
    if (parent === undefined || parent === name) return name;
    const root = this.find(parent);
    this.#parent.set(name, root);
    return root;
  }

  join(a: string, b: string): void {
    this.add(a);
    this.add(b);
    const rootA = this.find(a);
    const rootB = this.find(b);
    if (rootA === rootB) return;
    if (rootA < rootB) this.#parent.set(rootB, rootA);
    else this.#parent.set(rootA, rootB);
  }
}

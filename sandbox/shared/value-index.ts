import type { Values } from './record.ts';

/** Records by what a property of theirs holds, lower-cased: a property is indexed from when it is first asked for. */
export interface ValueIndex {
  changed(id: string, before: Values, after: Values): void;
  /** Ids of records that hold one of these, as they are now. */
  holders(property: string, values: readonly string[]): Iterable<string>;
}

export function createValueIndex(
  all: () => Iterable<{ readonly id: string; readonly properties: Values }>,
  valueOf: (properties: Values, name: string) => string | undefined,
): ValueIndex {
  const byProperty = new Map<string, Map<string, Set<string>>>();

  const put = (index: Map<string, Set<string>>, value: string | undefined, id: string): void => {
    if (value === undefined) return;
    const key = value.toLowerCase();
    const ids = index.get(key);
    if (ids === undefined) index.set(key, new Set([id]));
    else ids.add(id);
  };

  const take = (index: Map<string, Set<string>>, value: string | undefined, id: string): void => {
    if (value === undefined) return;
    const key = value.toLowerCase();
    const ids = index.get(key);
    ids?.delete(id);
    if (ids?.size === 0) index.delete(key);
  };

  const indexOf = (property: string): Map<string, Set<string>> => {
    const known = byProperty.get(property);
    if (known !== undefined) return known;
    const index = new Map<string, Set<string>>();
    for (const { id, properties } of all()) put(index, valueOf(properties, property), id);
    byProperty.set(property, index);
    return index;
  };

  return {
    changed(id, before, after) {
      for (const [property, index] of byProperty) {
        const [old, value] = [valueOf(before, property), valueOf(after, property)];
        if (old === value) continue;
        take(index, old, id);
        put(index, value, id);
      }
    },
    *holders(property, values) {
      const index = indexOf(property);
      for (const value of values) yield* index.get(value.toLowerCase()) ?? [];
    },
  };
}

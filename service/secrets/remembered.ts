import { LRUCache } from 'lru-cache';

/** What was read lately, by id; what is older than 5 s is read again. */
export interface Remembered<Value> {
  /** Undefined: there is no such thing, which is not remembered. */
  of(id: string): Promise<Value | undefined>;
  refresh(): void;
}

const freshMs = 5_000;
/** Of more, those nobody asked for lately are read again. */
const most = 10_000;

export function createRemembered<Value>(read: (id: string) => Promise<Value | undefined>): Remembered<Value> {
  const remembered = new LRUCache<string, Promise<Value | undefined>>({ max: most, ttl: freshMs });
  return {
    of(id) {
      const known = remembered.get(id);
      if (known !== undefined) return known;
      const value = read(id);
      remembered.set(id, value);
      // Another may have been read since.
      const forget = (): void => {
        if (remembered.peek(id) === value) remembered.delete(id);
      };
      value.then((found) => found ?? forget(), forget);
      return value;
    },
    refresh() {
      remembered.clear();
    },
  };
}

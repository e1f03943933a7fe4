/** How often each operation of a vendor's API was called, whatever came of it. */
export interface Calls {
  count(operation: string): void;
  read(): { total: number; byOperation: Record<string, number> };
  reset(): void;
}

export function createCalls(): Calls {
  const byOperation = new Map<string, number>();
  return {
    count(operation) {
      byOperation.set(operation, (byOperation.get(operation) ?? 0) + 1);
    },
    read() {
      let total = 0;
      for (const calls of byOperation.values()) total += calls;
      return { total, byOperation: Object.fromEntries(byOperation) };
    },
    reset() {
      byOperation.clear();
    },
  };
}

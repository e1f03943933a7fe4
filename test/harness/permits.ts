import type { Permits, Priority } from '@sangam/core/crm';

/** Permits of a limit nobody reaches; `before` each of them may throw. */
export function freely(before: (priority: Priority) => unknown = () => undefined): Permits {
  return {
    async take(_needs, priority) {
      await before(priority);
      return { release: async () => undefined };
    },
    learn: async () => undefined,
  };
}

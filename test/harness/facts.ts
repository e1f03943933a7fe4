import type { AccountFacts, KnownFacts } from '@sangam/core/crm';

/** Facts of an account that nobody keeps. */
export function factsInMemory(): KnownFacts {
  let known: Partial<AccountFacts> = {};
  return {
    now: () => known,
    async save(facts) {
      known = { ...known, ...facts };
    },
  };
}

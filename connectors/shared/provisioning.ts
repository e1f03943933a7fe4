import type { ProvisioningStep } from '@sangam/core/crm';

/** What an account lacks of ours. */
export interface Lack<Wanted> {
  readonly missing: readonly Wanted[];
  /** There under its name, but as something else. */
  readonly mismatched: readonly Wanted[];
}

export function lackOf<Wanted extends { readonly name: string }, There extends { readonly name: string }>(
  wanted: readonly Wanted[],
  there: readonly There[],
  fits: (wanted: Wanted, found: There) => boolean,
): Lack<Wanted> {
  const byName = new Map(there.map((one) => [one.name, one]));
  return {
    missing: wanted.filter(({ name }) => !byName.has(name)),
    mismatched: wanted.filter((one) => {
      const found = byName.get(one.name);
      return found !== undefined && !fits(one, found);
    }),
  };
}

/** What would be done about it, in words, and what only a person can do. `first`: what goes before the missing ones. */
export function stepsOf<Wanted>(
  { missing, mismatched }: Lack<Wanted>,
  words: { readonly create: (wanted: Wanted) => string; readonly mismatch: (wanted: Wanted) => string },
  first: readonly string[] = [],
): ProvisioningStep[] {
  const creating = [...first, ...missing.map(words.create)];
  return [
    ...creating.map((action) => ({ action, possible: true })),
    ...mismatched.map((one) => ({ action: words.mismatch(one), possible: false })),
  ];
}

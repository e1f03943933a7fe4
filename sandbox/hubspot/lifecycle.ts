import type { PropertyDefinition } from './property.ts';

/**
 * Whether this goes back down the portal's stages, which the API may not: it has to empty the stage first.
 * docs/vendors/hubspot.md §4.2.
 */
export function movesBackwards(
  stages: PropertyDefinition['options'],
  from: string | undefined,
  to: string,
): boolean {
  if (from === undefined || from === '' || to === '') return false;
  const order = stages
    .toSorted((a, b) => orderOf(a.displayOrder) - orderOf(b.displayOrder))
    .map(({ value }) => value);
  return order.indexOf(to) < order.indexOf(from);
}

/** Options without an order come last, as they were given. */
function orderOf(displayOrder: number): number {
  return displayOrder < 0 ? Number.MAX_SAFE_INTEGER : displayOrder;
}

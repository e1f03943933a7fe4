import type { Catalogue } from './catalogue.ts';
import { emailTaken, type HubspotError, type Problem, uniqueTaken } from './errors.ts';
import { portal } from './portal.ts';
import type { PropertyDefinition } from './property.ts';
import type { Values } from '../shared/record.ts';
import { normalise } from './values.ts';

/** What a write may say of one record. */

/** Every value as it would be stored, or all that is wrong with them. `current` is what the record holds now. */
export function readValues(
  catalogue: Catalogue,
  raw: Readonly<Record<string, unknown>>,
  current: Values,
): { values: Record<string, string> } | { problems: Problem[] } {
  const values: Record<string, string> = {};
  const problems: Problem[] = [];
  for (const name of Object.keys(raw)) {
    const property = catalogue.properties.get(name);
    if (property === undefined) {
      problems.push({
        code: 'PROPERTY_DOESNT_EXIST',
        property: name,
        message: `Property "${name}" does not exist`,
      });
      continue;
    }
    const read = normalise(property, raw[name], current[name]);
    if (typeof read === 'string') values[name] = read;
    else problems.push(read);
  }
  return problems.length > 0 ? { problems } : { values };
}

/** The first unique value of a record that another one holds, as HubSpot puts it. docs/vendors/hubspot.md §4.2. */
export function conflictOf(
  unique: ReadonlySet<string>,
  holderOf: (property: string, value: string) => string | undefined,
  id: string,
  values: Values,
): HubspotError | undefined {
  for (const property of unique) {
    const value = values[property];
    if (value === undefined || value === '') continue;
    const holderId = holderOf(property, value);
    if (holderId === undefined || holderId === id) continue;
    if (property === 'email') return emailTaken(holderId);
    return uniqueTaken({ portalId: portal.portalId, property, value, id, holderId });
  }
  return undefined;
}

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

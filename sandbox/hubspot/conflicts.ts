import { emailTaken, type HubspotError, uniqueTaken } from './errors.ts';
import { portal } from './portal.ts';
import type { Values } from '../shared/record.ts';

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

import { type Retry, SangamError } from '@sangam/core/errors';
import type { HubspotAnswer, HubspotClient } from './client.ts';
import { type Refusal, refusalError } from './errors.ts';
import { properties, type PropertyDefinition, propertyGroup } from './properties.ts';
import {
  createGroup,
  createProperties,
  createProperty,
  type ExistingProperty,
  listGroups,
  listProperties,
} from './property-api.ts';

/**
 * Brings our property group and properties to a portal. What exists is left as it is, so this may be repeated, and
 * two processes may do it at once: whoever comes second finds the names taken and reads again.
 *
 * Throws `SangamError`: `property_mismatch` (never) when a property of our name is of another kind, `not_provisioned`
 * (never) when HubSpot does not take one, for instance because its ten unique properties are used up, and what the
 * client throws.
 */
export async function provisionProperties(client: HubspotClient): Promise<void> {
  const missing = missingFrom(await listProperties(client));
  if (missing.length === 0) return;
  if (!(await listGroups(client)).includes(propertyGroup.name)) unlessTaken(await createGroup(client));
  unlessTaken(await createProperties(client, missing));

  // A batch that met a name already taken may have made all, some or none of the others.
  let refusal: Refusal | undefined;
  for (const definition of missingFrom(await listProperties(client))) {
    refusal = unlessTaken(await createProperty(client, definition)) ?? refusal;
  }
  if (refusal === undefined) return;
  const still = missingFrom(await listProperties(client)).map(({ name }) => name);
  if (still.length === 0) return;
  throw notProvisioned(
    refusal.retry,
    `HubSpot did not take the contact properties ${still.join(', ')}: ${refusal.explanation}`,
  );
}

/** Throws `SangamError` `not_provisioned` or `property_mismatch` (never) unless the portal has all our properties. */
export async function mustBeProvisioned(client: HubspotClient): Promise<void> {
  const missing = missingFrom(await listProperties(client)).map(({ name }) => name);
  if (missing.length === 0) return;
  throw notProvisioned(
    'never',
    `These contact properties are missing in HubSpot: ${missing.join(', ')}. Restore them, or let Sangam set up its properties again.`,
  );
}

function missingFrom(existing: readonly ExistingProperty[]): PropertyDefinition[] {
  const byName = new Map(existing.map((property) => [property.name, property]));
  return properties.filter((definition) => {
    const found = byName.get(definition.name);
    if (found !== undefined) mustFit(definition, found);
    return found === undefined;
  });
}

/** A property of our name and another kind would refuse every write, or let two records hold one contact id. */
function mustFit(definition: PropertyDefinition, found: ExistingProperty): void {
  const sameType = found.type === undefined || found.type === definition.type;
  const uniqueEnough = definition.hasUniqueValue !== true || found.hasUniqueValue === true;
  if (sameType && uniqueEnough) return;
  const wanted = `type ${definition.type}${definition.hasUniqueValue === true ? ' with unique values' : ''}`;
  throw new SangamError({
    code: 'property_mismatch',
    origin: 'crm',
    retry: 'never',
    message: `HubSpot already has a contact property ${definition.name}, but not of ${wanted}: rename or delete it, then let Sangam set up its properties again.`,
  });
}

/** The refusal, if it may only mean that the name is taken. */
function unlessTaken(answer: HubspotAnswer<unknown>): Refusal | undefined {
  if (answer.ok) return undefined;
  // An existing name is a 409, or by another account of HubSpot's behaviour a 400 (facts/hubspot.md §4.4, from memory).
  if (answer.refusal.code !== 'batch_refused') throw refusalError(answer.refusal);
  return answer.refusal;
}

function notProvisioned(retry: Retry, message: string): SangamError {
  return new SangamError({ code: 'not_provisioned', origin: 'crm', retry, message });
}

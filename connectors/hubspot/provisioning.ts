import type { ProvisioningStep } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import { type Lack, lackOf, stepsOf } from '../shared/provisioning.ts';
import type { HubspotAnswer, HubspotClient } from './client.ts';
import { notProvisioned, type Refusal, refusalError } from './errors.ts';
import { properties, type PropertyDefinition, propertyGroup } from './properties.ts';
import {
  createGroup,
  createProperties,
  createProperty,
  type ExistingProperty,
  listGroups,
  listProperties,
} from './property-api.ts';

/** What `provisionProperties` would do, in words, without doing it. */
export async function planProperties(client: HubspotClient): Promise<ProvisioningStep[]> {
  const lack = compare(await listProperties(client));
  const group =
    lack.missing.length === 0 || (await listGroups(client)).includes(propertyGroup.name)
      ? []
      : [`Create the property group “${propertyGroup.label}”`];
  const create = ({ name, label }: PropertyDefinition): string =>
    `Create the contact property ${name} (“${label}”)`;
  return stepsOf(lack, { create, mismatch }, group);
}

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

/** Throws `SangamError` `property_mismatch` (never) for the first that is of another kind. */
function missingFrom(existing: readonly ExistingProperty[]): readonly PropertyDefinition[] {
  const { missing, mismatched } = compare(existing);
  const [first] = mismatched;
  if (first === undefined) return missing;
  throw new SangamError({
    code: 'property_mismatch',
    origin: 'crm',
    retry: 'never',
    message: `${mismatch(first)}, then let Sangam set up its properties again.`,
  });
}

function compare(existing: readonly ExistingProperty[]): Lack<PropertyDefinition> {
  return lackOf(properties, existing, fits);
}

/** A property of our name and another kind would refuse every write, or let two records hold one contact id. */
function fits(definition: PropertyDefinition, found: ExistingProperty): boolean {
  const sameType = found.type === undefined || found.type === definition.type;
  const uniqueEnough = definition.hasUniqueValue !== true || found.hasUniqueValue === true;
  return sameType && uniqueEnough;
}

function mismatch({ name, type, hasUniqueValue }: PropertyDefinition): string {
  const wanted = `type ${type}${hasUniqueValue === true ? ' with unique values' : ''}`;
  return `HubSpot already has a contact property ${name}, but not of ${wanted}: rename or delete it`;
}

/** The refusal, if it may only mean that the name is taken. */
function unlessTaken(answer: HubspotAnswer<unknown>): Refusal | undefined {
  if (answer.ok) return undefined;
  // An existing name is a 409, or by another account of HubSpot's behaviour a 400 (docs/vendors/hubspot.md §4.4, from
  // memory).
  if (answer.refusal.code !== 'batch_refused') throw refusalError(answer.refusal);
  return answer.refusal;
}

import { z } from 'zod';
import type { Association } from './associations.ts';
import { type HubspotError, validationError } from './errors.ts';
import type { ObjectType } from './object-type.ts';
import type { Portal } from './record-context.ts';

/**
 * Ids of HubSpot's own associations between contacts and communications, from either side.
 * docs/vendors/hubspot.md §4.5.
 */
export const associationTypes = {
  contacts: { typeId: 82, to: 'communications', name: 'contact_to_communication' },
  communications: { typeId: 81, to: 'contacts', name: 'communication_to_contact' },
} as const;

/** What a create says a new record is associated with. */
export const associationSpecs = z
  .array(
    z.object({
      to: z.object({ id: z.union([z.string(), z.number()]).transform(String) }),
      types: z.array(z.object({ associationCategory: z.string(), associationTypeId: z.number() })).min(1),
    }),
  )
  .default([]);

type AssociationSpecs = z.infer<typeof associationSpecs>;

/** As pairs, once every association is of a known type and leads to a record there is. */
export function readAssociations(
  portal: Portal,
  { name }: ObjectType,
  specs: AssociationSpecs,
): { readonly toIds: readonly string[] } | HubspotError {
  const { typeId, to } = associationTypes[name];
  const toIds: string[] = [];
  for (const { to: target, types } of specs) {
    const known = types.every(
      ({ associationCategory, associationTypeId }) =>
        associationCategory === 'HUBSPOT_DEFINED' && associationTypeId === typeId,
    );
    if (!known) return validationError(`One or more association types are not valid from ${name} to ${to}.`);
    const record = portal[to].records.find('hs_object_id', target.id);
    if (record === undefined) {
      return validationError(`One or more associated records do not exist: ${target.id}`);
    }
    // The id of one merged away leads to its survivor.
    toIds.push(record.id);
  }
  return { toIds };
}

/** The pair in the order it is kept, whichever side it was told from. */
export function toPair({ name }: ObjectType, fromId: string, toId: string): Association {
  return name === 'communications' ? [fromId, toId] : [toId, fromId];
}

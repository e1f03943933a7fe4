import { z } from 'zod';
import { toApiRecord, wantedProperties } from './api-record.ts';
import { isError } from './catalogue.ts';
import type { ChangeSource } from './changes.ts';
import { answerError, notFound } from './errors.ts';
import type { Operations } from './operation.ts';
import { reading } from './property-operations.ts';
import { objectionToIdProperty, type Portal } from './record-context.ts';

const mergeBody = z.object({ primaryObjectId: z.string(), objectIdToMerge: z.string() });
const eraseBody = z.object({ objectId: z.string(), idProperty: z.string().optional() });

/** What only contacts have: merging, and deletion for ever. docs/vendors/hubspot.md §4.2. */
export function contactOperations(portal: Portal): Operations {
  const { contacts } = portal;
  const { objectType, records, source } = contacts;
  return {
    'POST /crm/objects/contacts/merge': reading(mergeBody, ({ primaryObjectId, objectIdToMerge }) => {
      const merged = records.merge(primaryObjectId, objectIdToMerge, source);
      if (isError(merged)) return answerError(merged);
      const wanted = wantedProperties(objectType, Object.keys(merged.properties));
      return { status: 200, body: toApiRecord(objectType, merged, wanted) };
    }),

    'POST /crm/objects/contacts/gdpr-delete': reading(eraseBody, ({ objectId, idProperty }) => {
      const named = idProperty ?? 'hs_object_id';
      const objection = objectionToIdProperty(contacts, named);
      if (objection !== undefined) return answerError(objection);
      const record =
        named === 'hs_object_id'
          ? (records.find(named, objectId) ?? records.exact(objectId))
          : records.find(named, objectId);
      if (record === undefined || !eraseContact(portal, record.id, source)) return answerError(notFound());
      return { status: 204 };
    }),
  };
}

/** A person is forgotten, with all that stands on their timeline. False = there is nothing under this id to forget. */
export function eraseContact(
  { contacts, communications, associations }: Portal,
  id: string,
  source: ChangeSource,
): boolean {
  const record = contacts.records.exact(id);
  if (record === undefined || record.erased || record.mergedInto !== undefined) return false;
  communications.records.erase([...associations.communicationsOf(id)], source);
  contacts.records.erase([id], source);
  return true;
}

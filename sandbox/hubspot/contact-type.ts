import { validationError } from './errors.ts';
import type { ObjectType } from './object-type.ts';
import { standardGroups, standardProperties } from './standard-properties.ts';

/** A create needs one of these. docs/vendors/hubspot.md §4.2. */
const namingProperties = ['email', 'firstname', 'lastname'] as const;

export const contactType: ObjectType = {
  name: 'contacts',
  singular: 'CONTACT',
  groups: standardGroups,
  properties: standardProperties,
  unique: ['email'],
  mayBeUnique: () => true,
  /** From memory. */
  defaultProperties: ['createdate', 'email', 'firstname', 'hs_object_id', 'lastmodifieddate', 'lastname'],
  createdAt: 'createdate',
  modifiedAt: 'lastmodifieddate',
  objectionToNew: (values) =>
    namingProperties.some((name) => (values[name] ?? '') !== '')
      ? undefined
      : validationError(`One of ${namingProperties.join(', ')} is needed to create a contact.`),
};

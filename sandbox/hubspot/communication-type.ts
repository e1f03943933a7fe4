import { missingProperties } from './errors.ts';
import type { ObjectType } from './object-type.ts';
import { choices, standard } from './standard-properties.ts';

/** What must be given. docs/vendors/hubspot.md §4.5. */
const requiredProperties = [
  'hs_communication_channel_type',
  'hs_communication_logged_from',
  'hs_communication_body',
  'hs_timestamp',
];

const groupName = 'communication';
const time = { type: 'datetime', fieldType: 'date' };
const radio = { type: 'enumeration', fieldType: 'radio' };

/** What is logged on a record's timeline: one WhatsApp conversation, an SMS. docs/vendors/hubspot.md §4.5. */
export const communicationType: ObjectType = {
  name: 'communications',
  singular: 'COMMUNICATION',
  groups: [{ name: groupName, label: 'Communication information', displayOrder: 0, archived: false }],
  properties: [
    standard('hs_communication_channel_type', 'Channel type', radio, {
      groupName,
      ...choices({ WHATS_APP: 'WhatsApp', SMS: 'SMS', LINKEDIN_MESSAGE: 'LinkedIn message' }),
    }),
    standard('hs_communication_logged_from', 'Logged from', radio, {
      groupName,
      ...choices({ CRM: 'CRM' }),
    }),
    standard('hs_communication_body', 'Body', { type: 'string', fieldType: 'html' }, { groupName }),
    standard('hs_timestamp', 'Activity date', time, { groupName }),
    standard(
      'hubspot_owner_id',
      'Assigned to',
      { type: 'enumeration', fieldType: 'select' },
      { groupName, externalOptions: true },
    ),
    standard('hs_createdate', 'Create date', time, { groupName, readOnly: true }),
    standard('hs_lastmodifieddate', 'Last modified date', time, { groupName, readOnly: true }),
    standard(
      'hs_object_id',
      'Record ID',
      { type: 'number', fieldType: 'number' },
      { groupName, readOnly: true },
    ),
  ],
  unique: [],
  mayBeUnique: ({ communicationsUniqueProperty }) => communicationsUniqueProperty === 'accepted',
  /** From memory. */
  defaultProperties: ['hs_createdate', 'hs_lastmodifieddate', 'hs_object_id'],
  createdAt: 'hs_createdate',
  modifiedAt: 'hs_lastmodifieddate',
  objectionToNew(values) {
    const missing = requiredProperties.filter((name) => (values[name] ?? '') === '');
    return missing.length === 0 ? undefined : missingProperties(missing);
  },
};

import type { ConnectorTraits } from '@sangam/core/crm';
import { defaultMapping } from './mapping.ts';
import { phonesPerSearch } from './phone-search.ts';
import { contactIdProperty } from './properties.ts';
import { spelling } from './spelling.ts';
import { batchSize, entryRestMs, freshMs, limits, pollEveryMs, settleMs, uiOrigin } from './vendor.ts';

/** What is so of HubSpot whoever's portal it is. */
export const hubspotTraits: ConnectorTraits = {
  crm: 'hubspot',
  label: 'HubSpot',
  sizes: {
    read: batchSize,
    findByContactId: batchSize,
    findByPhone: phonesPerSearch,
    create: batchSize,
    update: batchSize,
    entries: batchSize,
    findEntries: batchSize,
  },
  leaseSize: batchSize,
  writeClass: 'keyed',
  settleMs,
  freshMs,
  timeline: { writeClass: 'findable', movesWithMerge: true, restMs: entryRestMs },
  spelling,
  usualFacts: {
    contactIdField: contactIdProperty,
    // Not every portal has each of them. docs/vendors/hubspot.md §4.2, §4.3.
    phoneFields: ['phone', 'mobilephone', 'hs_whatsapp_phone_number', 'wa_phone_e164'],
    ownerField: 'hubspot_owner_id',
    followedFields: ['lifecyclestage', 'hs_lead_status', 'hubspot_owner_id'],
    defaultMapping,
    pollEveryMs,
    limits,
  },
  recordUrl: ({ account }, recordId) => `${uiOrigin}/contacts/${account}/record/0-1/${recordId}`,
};

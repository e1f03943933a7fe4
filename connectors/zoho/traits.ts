import type { ConnectorTraits } from '@sangam/core/crm';
import { usualNames } from './account-facts.ts';
import { typeOf } from './modules.ts';
import { phonesPerQuery } from './phone-search.ts';
import { spelling } from './spelling.ts';
import { batchSize, coqlMost, entryRestMs, freshMs, limitsOf, pollEveryMs, settleMs } from './vendor.ts';

/** What is so of Zoho CRM whoever's org it is. */
export const zohoTraits: ConnectorTraits = {
  crm: 'zoho',
  label: 'Zoho CRM',
  sizes: {
    read: batchSize,
    findByContactId: coqlMost.values,
    findByPhone: phonesPerQuery,
    create: batchSize,
    update: batchSize,
    entries: batchSize,
    // One call each where they are notes.
    findEntries: 20,
  },
  leaseSize: batchSize,
  writeClass: 'keyed',
  settleMs,
  freshMs,
  // Notes follow a conversion, rows do not, and neither is lost by being looked for. docs/vendors/zoho.md §4.5
  timeline: { writeClass: 'findable', movesWithMerge: false, restMs: entryRestMs },
  recordTypes: { made: ['Leads', 'Contacts'], of: typeOf },
  spelling,
  usualFacts: {
    ...usualNames,
    ownerField: 'Owner',
    pollEveryMs,
    limits: limitsOf('free', 1),
  },
  recordUrl: ({ seenAt }, recordId) => {
    const [module = '', id = ''] = recordId.split('/');
    return seenAt === undefined ? undefined : `${seenAt}/tab/${module}/${id}`;
  },
};

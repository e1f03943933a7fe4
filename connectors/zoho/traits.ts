import type { ConnectorTraits } from '@sangam/core/crm';
import { ownerField, usualNames } from './account-facts.ts';
import { typeOf } from './modules.ts';
import { phonesPerSearch } from './phone-search.ts';
import { spelling } from './spelling.ts';
import { batchSize, coqlMost, entryRestMs, freshMs, limitsOf, pollEveryMs, settleMs } from './vendor.ts';

/** Of rows of our own module: an upsert by our key makes no second one. docs/vendors/zoho.md §4.2 */
export const rowsTimeline: ConnectorTraits['timeline'] = {
  writeClass: 'keyed',
  // Notes follow a conversion, rows do not, and neither is lost by being looked for. docs/vendors/zoho.md §4.5
  movesWithMerge: false,
  restMs: entryRestMs,
};

/** What is so of Zoho CRM whoever's org it is. */
export const zohoTraits: ConnectorTraits = {
  crm: 'zoho',
  label: 'Zoho CRM',
  sizes: {
    read: batchSize,
    findByContactId: coqlMost.values,
    findByPhone: phonesPerSearch,
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
  timeline: { ...rowsTimeline, writeClass: 'findable' },
  recordTypes: { made: ['Leads', 'Contacts'], of: typeOf },
  makingIsToldAsOne: true,
  spelling,
  usualFacts: {
    ...usualNames,
    ownerField,
    pollEveryMs,
    limits: limitsOf('free', 1),
  },
  recordUrl: ({ seenAt }, recordId) => {
    const [module = '', id = ''] = recordId.split('/');
    return seenAt === undefined ? undefined : `${seenAt}/tab/${module}/${id}`;
  },
};

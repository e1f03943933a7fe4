import { memoryAccounts } from './memory-account.ts';
import { describeConformance } from './suite.ts';

/**
 * Leads that become contacts, our key enforced on records and entries alike, fields and options each account names for itself,
 * lists of phones, entries that are dear, and trouble told of each item in a 200.
 */
describeConformance(
  'A CRM of leads that names things its own way',
  memoryAccounts({
    creates: 'lead',
    movesWithMerge: false,
    entries: 'keyed',
    ids: 'of each account',
    restMs: { message: 60_000, status: 30 * 60_000 },
    phoneList: true,
    failsItemByItem: true,
    wholeLines: true,
  }).open,
);

import type { ConnectorTraits, FieldMapping } from '@sangam/core/crm';
import { labelOfTold } from '@sangam/connectors/option-ids';
import { dealFields, field, memoryFields, standardMapping } from './fields.ts';
import { optionForms } from './ids.ts';
import type { MemoryCrmRules } from './rules.ts';
import { phonesByLine, spelling } from './spelling.ts';

/** What the connector says of a CRM by such rules. */
export function traitsBy(rules: MemoryCrmRules): ConnectorTraits {
  const {
    writeClass = 'keyed',
    batchSize = 100,
    tokensADay = 1_000_000_000,
    settleMs = 30_000,
    freshMs = 60_000,
    entries = 'findable',
    movesWithMerge = true,
    restMs = { message: 0, status: 60_000 },
    creates = 'contact',
    ids = 'labels',
    phoneList = false,
  } = rules;
  const defaultMapping = standardMapping.map((line): FieldMapping =>
    phoneList && line.field.name === memoryFields.phone
      ? { ...line, field: field(memoryFields.phone, 'phones') }
      : line,
  );
  return {
    crm: 'memory',
    label: 'Memory CRM',
    sizes: {
      read: batchSize,
      findByContactId: batchSize,
      findByPhone: 10,
      create: batchSize,
      update: batchSize,
      entries: batchSize,
      findEntries: batchSize,
    },
    leaseSize: Math.max(batchSize, 20),
    writeClass,
    settleMs,
    freshMs,
    timeline: { writeClass: entries, movesWithMerge, restMs },
    recordTypes: {
      made: creates === 'lead' ? ['lead', 'contact'] : ['contact', 'lead'],
      of: (recordId) => (recordId.startsWith('9') ? 'lead' : 'contact'),
    },
    spelling: phoneList ? { ...spelling, phoneList: phonesByLine } : spelling,
    ...(ids === 'labels'
      ? {}
      : { readTold: (name, written, facts) => labelOfTold(optionForms, name, written, facts) }),
    usualFacts: {
      contactIdField: memoryFields.key,
      phoneFields: [memoryFields.phone, memoryFields.mobile],
      followedFields: [memoryFields.stage],
      followedDealFields: dealFields,
      defaultMapping,
      pollEveryMs: { besideWebhooks: 30 * 60_000, silent: 5 * 60_000 },
      limits: {
        'at once': { kind: 'concurrent', most: 4 },
        day: {
          kind: 'budget',
          tokens: tokensADay,
          renewed: { midnightIn: 'Asia/Kolkata' },
          reserves: { pressing: 0.25, consent: 0.1 },
        },
      },
    },
    recordUrl: ({ seenAt }, recordId) => (seenAt === undefined ? undefined : `${seenAt}/people/${recordId}`),
  };
}

import { expect, test } from 'vitest';
import { type AccountFacts, type ConnectorTraits, readStoredFacts, traitsWith } from './index.ts';

const facts = {
  contactIdField: 'dcf558aac1ae4e8c4f849ba5e668430d8df9be12',
  phoneFields: ['phones', '8a4b'],
  ownerField: 'owner_id',
  followedFields: ['label'],
  followedDealFields: ['stage_id'],
  defaultMapping: [
    {
      source: 'lead source',
      field: {
        name: '5f3c',
        label: 'Lead Source',
        kind: 'choice',
        writable: true,
        on: ['person'],
        options: [{ value: 'WhatsApp', label: 'WhatsApp' }],
      },
      policy: 'once',
      transform: 'as is',
      values: { 'WhatsApp CTWA': 'WhatsApp' },
    },
    {
      source: { constant: 'new' },
      field: { name: 'label', label: 'Label', kind: 'text', writable: true },
      policy: 'once',
      transform: 'as is',
      standIns: ['phone', "'somebody'"],
    },
  ],
  pollEveryMs: { besideWebhooks: 1_800_000, silent: 300_000 },
  limits: {
    second: { kind: 'rolling', calls: 80, perMs: 2_000 },
    day: {
      kind: 'budget',
      tokens: 30_000,
      renewed: { midnightIn: 'UTC' },
      reserves: { pressing: 0.25, consent: 0.1 },
    },
    'at once': { kind: 'concurrent', most: 5 },
  },
  options: { '5f3c': { several: false, labels: { '31': 'WhatsApp' } } },
  seenAt: 'https://acme.crm.example',
} as const satisfies AccountFacts;

test('facts are read as they were stored', () => {
  expect(readStoredFacts(JSON.parse(JSON.stringify(facts)))).toEqual(facts);
});

test.each([
  ['a source of before', { defaultMapping: [{ ...facts.defaultMapping[0], source: 'shoe size' }] }],
  ['a kind of limit of later', { limits: { day: { kind: 'lunar', calls: 3 } } }],
  ['no list', { phoneFields: 'phones' }],
])('a fact that cannot be read is not known, and the others are: %s', (_, wrong) => {
  const [fact = ''] = Object.keys(wrong);
  const rest = Object.fromEntries(Object.entries(facts).filter(([name]) => name !== fact));
  expect(readStoredFacts({ ...facts, ...wrong })).toEqual(rest);
});

test.each([null, 'facts', [], 7])('what is no facts at all says nothing: %j', (stored) => {
  expect(readStoredFacts(stored)).toEqual({});
});

test('what is not known of an account is as usual with its CRM', () => {
  const usual = { contactIdField: 'sangam_id', phoneFields: ['phone'] };
  const traits = { label: 'Memory CRM', usualFacts: usual } as unknown as ConnectorTraits;
  expect(traitsWith(traits, { contactIdField: 'dcf5' })).toMatchObject({
    label: 'Memory CRM',
    contactIdField: 'dcf5',
    phoneFields: ['phone'],
  });
});

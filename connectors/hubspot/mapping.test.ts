import type { ContactFields, CrmValues } from '@sangam/core/crm';
import { difference, valuesForNew } from '@sangam/core/mapping';
import { describe, expect, test } from 'vitest';
import { defaultMapping } from './mapping.ts';
import { properties } from './properties.ts';
import { spelling } from './spelling.ts';

const at = Date.UTC(2026, 10, 23, 10, 0, 0);

const asha: ContactFields = {
  contactId: 'c1',
  phone: '+919812345678',
  phones: ['+919812345678'],
  formerPhones: [],
  bsuid: 'IN.1234567890',
  username: 'asha',
  firstName: 'Asha',
  lastName: 'Rao',
  leadSource: 'WhatsApp CTWA',
  optInAt: at,
  firstMessage: 'Is it in stock?',
  firstMessageAt: at,
  lastActivityAt: at + 500,
  lastInboundAt: at + 500,
  windowState: 'open',
  windowClosesAt: at + 86_400_000,
  waitingSince: at,
  optOut: false,
  tags: ['vip', 'hindi'],
  flowAnswers: {},
};

const unknown: ContactFields = {
  contactId: 'c2',
  phones: [],
  formerPhones: [],
  firstName: '',
  lastName: '',
  leadSource: 'WhatsApp',
  windowState: 'closed',
  optOut: false,
  tags: [],
  flowAnswers: {},
};

const written = (contact: ContactFields): CrmValues => valuesForNew(contact, defaultMapping, spelling);
/** What is written to a record that holds this, of which we wrote everything ourselves. */
const change = (contact: ContactFields, held: CrmValues): CrmValues =>
  difference({
    contact,
    mapping: defaultMapping,
    spelling,
    agreed: { base: held, ours: Object.keys(held) },
    current: held,
    erased: new Map(),
  }).write;

test('every property of ours but the key is filled', () => {
  const mapped = defaultMapping.map(({ field }) => field.name);
  const ours = properties.map(({ name }) => name).filter((name) => name !== 'sangam_contact_id');
  expect(mapped).toEqual(expect.arrayContaining(ours));
});

describe('a new contact', () => {
  test('gets every field in the form HubSpot takes', () => {
    expect(written({ ...asha, optOut: true, optOutAt: at })).toEqual({
      firstname: 'Asha',
      lastname: 'Rao',
      phone: '+919812345678',
      lifecyclestage: 'lead',
      hs_lead_status: 'NEW',
      wa_phone_e164: '+919812345678',
      wa_bsuid: 'IN.1234567890',
      wa_username: 'asha',
      wa_lead_source: 'WhatsApp CTWA',
      wa_opt_in_at: '2026-11-23T10:00:00.000Z',
      wa_first_message: 'Is it in stock?',
      wa_first_message_at: '2026-11-23T10:00:00.000Z',
      wa_last_activity_at: '2026-11-23T10:00:00.500Z',
      wa_window_state: 'open',
      wa_window_closes_at: '2026-11-24T10:00:00.000Z',
      wa_waiting_since: '2026-11-23T10:00:00.000Z',
      wa_opt_out: 'true',
      wa_opt_out_at: '2026-11-23T10:00:00.000Z',
      wa_tags: 'vip;hindi',
    });
  });

  test.each([
    ['the phone', { phone: '+919812345678', username: 'asha' }, '+919812345678'],
    ['the username', { username: 'asha' }, '@asha'],
    ['what it is', { bsuid: 'IN.1234567890' }, 'WhatsApp contact'],
  ])('without a name is called by %s', (_, identity, firstname) => {
    expect(written({ ...unknown, ...identity })['firstname']).toBe(firstname);
  });
});

describe('a known contact', () => {
  const held = {
    ...written(asha),
    wa_opt_in_at: '2026-11-23T10:00:00Z',
    wa_last_activity_at: String(at + 500),
    wa_window_closes_at: '2026-11-24T10:00:00Z',
    wa_waiting_since: '2026-11-23T10:00:00Z',
    wa_tags: 'hindi;vip',
  };

  test('gets nothing when HubSpot only spells the same differently', () => {
    expect(change(asha, held)).toEqual({});
  });

  test('keeps its stage and status, empty or not', () => {
    expect(change(asha, { ...held, lifecyclestage: 'customer', hs_lead_status: '' })).toEqual({});
  });

  test('gets what moved on, and only that', () => {
    const answered: ContactFields = { ...asha, lastActivityAt: at + 9_000, windowState: 'closed' };
    delete (answered as { waitingSince?: number }).waitingSince;
    expect(change(answered, held)).toEqual({
      wa_last_activity_at: '2026-11-23T10:00:09.000Z',
      wa_window_state: 'closed',
      wa_waiting_since: '',
    });
  });

  test.each(['+919812345678', '@asha', 'WhatsApp contact'])(
    'gets its name in place of the stand-in %s',
    (firstname) => {
      expect(change(asha, { ...held, firstname })).toEqual({ firstname: 'Asha' });
    },
  );

  test('has new tags appended', () => {
    expect(change({ ...asha, tags: ['vip', 'hindi', 'new'] }, held)).toEqual({ wa_tags: ';new' });
  });
});

import type { ContactFields } from '@sangam/core/crm';
import { valuesToWrite } from '@sangam/core/mapping';
import { describe, expect, test } from 'vitest';
import { defaultMapping } from './mapping.ts';

const at = Date.UTC(2026, 10, 23, 10, 0, 0);

const asha: ContactFields = {
  contactId: 'c1',
  phone: '+919812345678',
  bsuid: 'IN.1234567890',
  username: 'asha',
  firstName: 'Asha',
  lastName: 'Rao',
  leadSource: 'WhatsApp CTWA',
  optInAt: at,
  firstMessage: 'Is it in stock?',
  lastActivityAt: at + 500,
  windowState: 'open',
  windowClosesAt: at + 86_400_000,
  optOut: false,
  tags: ['vip', 'hindi'],
};

const unknown: ContactFields = {
  contactId: 'c2',
  firstName: '',
  lastName: '',
  leadSource: 'WhatsApp',
  windowState: 'closed',
  optOut: false,
  tags: [],
};

const write = (contact: ContactFields, current?: Record<string, string>): Record<string, string> =>
  valuesToWrite(contact, defaultMapping, current);

describe('a new contact', () => {
  test('gets every field in the form HubSpot takes', () => {
    expect(write({ ...asha, optOut: true, optOutAt: at })).toEqual({
      firstname: 'Asha',
      lastname: 'Rao',
      phone: '+919812345678',
      wa_phone_e164: '+919812345678',
      wa_bsuid: 'IN.1234567890',
      wa_username: 'asha',
      wa_lead_source: 'WhatsApp CTWA',
      wa_opt_in_at: '2026-11-23T10:00:00.000Z',
      wa_first_message: 'Is it in stock?',
      wa_last_activity_at: '2026-11-23T10:00:00.500Z',
      wa_window_state: 'open',
      wa_window_closes_at: '2026-11-24T10:00:00.000Z',
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
    expect(write({ ...unknown, ...identity })['firstname']).toBe(firstname);
  });

  test('loses what HubSpot cannot store', () => {
    const values = write({
      ...asha,
      firstName: 'As\0ha\uD800',
      firstMessage: `${'x'.repeat(65_535)}😀`,
      tags: [' a;b\u200B', '\0', 'c'],
      lastActivityAt: Number.POSITIVE_INFINITY,
    });
    expect(values).toMatchObject({
      firstname: 'Asha\uFFFD',
      wa_first_message: 'x'.repeat(65_535),
      wa_tags: 'a,b;c',
    });
    expect(values).not.toHaveProperty('wa_last_activity_at');
  });
});

describe('a known contact', () => {
  const held = {
    ...write(asha),
    wa_opt_in_at: '2026-11-23T10:00:00Z',
    wa_last_activity_at: String(at + 500),
    wa_window_closes_at: '2026-11-24T10:00:00Z',
    wa_tags: 'hindi;vip',
  };

  test('gets nothing when HubSpot only spells the same differently', () => {
    expect(write(asha, held)).toEqual({});
  });

  test('gets what moved on, and only that', () => {
    expect(write({ ...asha, lastActivityAt: at + 9_000, windowState: 'closed' }, held)).toEqual({
      wa_last_activity_at: '2026-11-23T10:00:09.000Z',
      wa_window_state: 'closed',
    });
  });

  test('no longer shows a number that has changed hands', () => {
    expect(
      write(
        { ...unknown, bsuid: 'IN.1' },
        { ...write(unknown), wa_bsuid: 'IN.1', wa_phone_e164: '+919812345678' },
      ),
    ).toEqual({
      wa_phone_e164: '',
    });
  });

  test('keeps the name and phone a rep typed', () => {
    expect(write(asha, { ...held, firstname: 'Aasha', lastname: 'R.', phone: '98123 45678' })).toEqual({});
  });

  test.each(['+919812345678', '@asha', 'WhatsApp contact'])(
    'gets its name in place of the stand-in %s',
    (firstname) => {
      expect(write(asha, { ...held, firstname })).toEqual({ firstname: 'Asha' });
    },
  );

  test('has new tags appended to those a rep gave', () => {
    expect(write({ ...asha, tags: ['vip', 'new'] }, { ...held, wa_tags: 'rep;vip' })).toEqual({
      wa_tags: ';new',
    });
    expect(write({ ...asha, tags: [] }, { ...held, wa_tags: 'rep' })).toEqual({});
  });

  test.each([
    { ours: true, theirs: '', written: { wa_opt_out: 'true' } },
    { ours: true, theirs: 'false', written: { wa_opt_out: 'true' } },
    { ours: true, theirs: 'true', written: {} },
    { ours: false, theirs: '', written: { wa_opt_out: 'false' } },
    { ours: false, theirs: 'false', written: {} },
    { ours: false, theirs: 'true', written: {} },
  ])('opted out $ours here and "$theirs" there writes $written', ({ ours, theirs, written }) => {
    expect(write({ ...asha, optOut: ours }, { ...held, wa_opt_out: theirs })).toEqual(written);
  });
});

import { describe, expect, test } from 'vitest';
import { zoho } from './index.ts';

const at = 1_795_001_800_000;
const id = '6000000000000123001';
const lead = { orgId: '60001234567', module: 'Leads', id, event: 'edit', at: String(at), fields: {} };

const read = (told: unknown) => zoho.webhooks.read(Buffer.from(JSON.stringify(told)));
const changes = (told: object) => read(told).accounts.flatMap((one) => one.changes);

describe('what a rule tells', () => {
  test('is of the org it names, else of the address’s', () => {
    expect(read(lead).accounts.map(({ account }) => account)).toEqual(['60001234567']);
    const { orgId: _, ...unnamed } = lead;
    expect(read(unnamed).accounts.map(({ account }) => account)).toEqual([undefined]);
    expect(read({ ...lead, orgId: '' }).accounts.map(({ account }) => account)).toEqual([undefined]);
  });

  test('is each field with its value, else that something changed', () => {
    const of = { kind: 'field', recordId: `Leads/${id}`, at };
    const fields = { Lead_Status: 'Contacted', WhatsApp_Opted_Out: true, Phone: '' };
    expect(changes({ ...lead, fields })).toEqual([
      { ...of, field: 'Lead_Status', value: 'Contacted' },
      { ...of, field: 'WhatsApp_Opted_Out', value: 'true' },
      { ...of, field: 'Phone', value: '' },
    ]);
    expect(changes(lead)).toEqual([{ kind: 'touched', recordId: `Leads/${id}`, at }]);
    expect(changes({ ...lead, person: id })).toEqual([{ kind: 'touched', recordId: `Leads/${id}`, at }]);
  });

  test.each([
    ['create', 'created'],
    ['insert', 'created'],
    ['Delete', 'deleted'],
  ])('%s', (event, kind) => {
    expect(changes({ ...lead, module: 'Contacts', event })).toEqual([
      { kind, recordId: `Contacts/${id}`, at },
    ]);
  });

  test('of a deal is its person’s where they are named, else only that it changed', () => {
    const deal = { ...lead, module: 'Deals', fields: { Stage: 'Closed Won' } };
    const touched = [{ kind: 'touched', of: 'deal', recordId: id, at }];
    expect(changes(deal)).toEqual(touched);
    expect(changes({ ...deal, person: '' })).toEqual(touched);
    expect(changes({ ...deal, person: 'Asha Rao' })).toEqual(touched);
    expect(changes({ ...deal, person: '6000000000000456001' })).toEqual([
      {
        kind: 'field',
        of: 'deal',
        recordId: id,
        personRecordId: 'Contacts/6000000000000456001',
        at,
        field: 'Stage',
        value: 'Closed Won',
      },
    ]);
  });

  test.each([
    ['milliseconds', at],
    ['with its zone', '2026-11-18T17:06:40+05:30'],
    ['with its zone as Zoho writes it too', '2026-11-18T17:06:40+0530'],
    ['UTC', '2026-11-18T11:36:40Z'],
  ])('its time: %s', (_, written) => {
    const [change] = changes({ ...lead, at: written, fields: { Lead_Status: 'Contacted' } });
    expect(change).toMatchObject({ kind: 'field', at: Date.parse('2026-11-18T11:36:40Z') });
  });

  test.each([['2026-11-18 17:06:40'], ['18-Nov-2026 17:06:40'], ['2026-11-18']])(
    'a time without its zone, %s, only tells that something changed',
    (written) => {
      const fields = { Lead_Status: 'Contacted' };
      expect(changes({ ...lead, at: written, fields })).toMatchObject([
        { kind: 'touched', recordId: `Leads/${id}` },
      ]);
      expect(changes({ ...lead, at: written, event: 'delete' })).toMatchObject([{ kind: 'touched' }]);
      expect(changes({ ...lead, module: 'Deals', at: written, fields })).toMatchObject([
        { kind: 'touched', of: 'deal' },
      ]);
    },
  );

  test('numbers that lost digits are nothing', () => {
    const text = JSON.stringify({ ...lead, fields: { Big: 'number' } });
    const whole = Buffer.from(text.replace('"number"', '6000000000000123001'));
    expect(zoho.webhooks.read(whole).accounts.flatMap((one) => one.changes)).toMatchObject([
      { kind: 'touched' },
    ]);
    const numeric = Buffer.from(JSON.stringify(lead).replace(`"${id}"`, id));
    expect(zoho.webhooks.read(numeric)).toEqual({ accounts: [], unread: 1 });
  });

  test.each<[string, unknown]>([
    ['of another module', { ...lead, module: 'Accounts' }],
    ['of no known event', { ...lead, event: 'converted' }],
    ['of an id that is none', { ...lead, id: '6000/../1' }],
    ['at no time', { ...lead, at: 'just now' }],
    ['nothing', null],
    ['in a list', [lead]],
    ['of a deal that went', { ...lead, module: 'Deals', event: 'delete' }],
  ])('%s is left out and counted', (_, told) => {
    expect(read(told)).toEqual({ accounts: [], unread: 1 });
  });

  test('what was kept is read as when it came', () => {
    const bytes = Buffer.from(JSON.stringify(lead));
    expect(zoho.readKept(bytes)).toEqual(read(lead).accounts);
  });

  test('a watch is read beside it', () => {
    const watched = { module: 'Leads', operation: 'update', server_time: at, ids: [id], token: 'x' };
    expect(changes(watched)).toEqual([{ kind: 'touched', recordId: `Leads/${id}`, at }]);
  });
});

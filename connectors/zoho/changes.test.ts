import { describe, expect, test } from 'vitest';
import { readCallback } from './changes.ts';
import { carriesToken, watchTokenOf } from './watch-token.ts';

/** As Zoho's page of samples has it. docs/vendors/zoho.md §6.2. */
const sample = {
  server_time: 1_795_774_400_123,
  affected_values: [{ record_id: '501', values: { Mobile: '+919812345678', WhatsApp_Opted_Out: true } }],
  query_params: {},
  module: 'Leads',
  resource_uri: 'https://www.zohoapis.in/crm/v8/Leads',
  ids: ['501', '502'],
  affected_fields: [{ '501': ['Mobile'] }],
  operation: 'update',
  channel_id: '1000000068001',
  token: 'token',
};
const at = sample.server_time;
const body = (more: object = {}): Buffer => Buffer.from(JSON.stringify({ ...sample, ...more }));

describe('a callback', () => {
  test('tells values where it has them, and that something changed where it has none', () => {
    expect(readCallback(body())).toEqual({
      unread: 0,
      accounts: [
        {
          account: undefined,
          changes: [
            { kind: 'field', recordId: 'Leads/501', at, field: 'Mobile', value: '+919812345678' },
            { kind: 'field', recordId: 'Leads/501', at, field: 'WhatsApp_Opted_Out', value: 'true' },
            { kind: 'touched', recordId: 'Leads/502', at },
          ],
        },
      ],
    });
  });

  test.each([
    ['insert', 'created'],
    ['create', 'created'],
    ['edit', 'touched'],
    ['delete', 'deleted'],
  ])('%s is %s, in either of its words', (operation, kind) => {
    const told = readCallback(body({ operation, ids: ['7'], affected_values: [], module: 'Contacts' }));
    expect(told.accounts[0]?.changes).toEqual([{ kind, recordId: 'Contacts/7', at }]);
  });

  test('of a lead that has become a contact has it read', () => {
    const affected = [{ record_id: '501', values: { Converted__s: true } }];
    const told = readCallback(body({ ids: ['501'], affected_values: affected }));
    expect(told.accounts[0]?.changes).toEqual([{ kind: 'touched', recordId: 'Leads/501', at }]);
  });

  test('of a deal is told as of its person where that is named, else as a hint', () => {
    const values = { Stage: 'Closed Won', Contact_Name: { id: '9', name: 'Asha' } };
    const told = body({
      module: 'Deals',
      ids: ['1', '2'],
      affected_values: [
        { record_id: '1', values },
        { record_id: '2', values: { Stage: 'Closed Lost' } },
      ],
    });
    expect(readCallback(told).accounts[0]?.changes).toEqual([
      {
        kind: 'field',
        of: 'deal',
        recordId: '1',
        personRecordId: 'Contacts/9',
        at,
        field: 'Stage',
        value: 'Closed Won',
      },
      { kind: 'touched', of: 'deal', recordId: '2', at },
    ]);
  });

  test.each([
    ['of another module', body({ module: 'Accounts' })],
    ['of another operation', body({ operation: 'approve' })],
    ['without ids', body({ ids: [] })],
    ['that is none', Buffer.from('[]')],
    ['that is no JSON', Buffer.from('\u0000{')],
  ])('%s is left out and counted', (_name, told) => {
    expect(readCallback(told)).toEqual({ accounts: [], unread: 1 });
  });
});

test.each([
  [watchTokenOf('secret'), ['secret'], true],
  [watchTokenOf('secret'), ['other', 'secret'], true],
  [watchTokenOf('secret'), ['secreu'], false],
  [watchTokenOf('secret'), [], false],
  ['secret', ['secret'], false],
  [watchTokenOf(''), [''], false],
  ['', [''], false],
  [undefined, [''], false],
  [7, ['7'], false],
])('the token %j is of one of %j: %s', (token, known, carried) => {
  expect(carriesToken(body({ token }), known)).toBe(carried);
});

test('who cannot be read carries no token', () => {
  expect(carriesToken(Buffer.from('token'), ['token', ''])).toBe(false);
});

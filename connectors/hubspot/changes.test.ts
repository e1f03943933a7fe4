import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readHubspotChanges } from './changes.ts';

const at = 1_764_000_000_000;

/** As HubSpot sends it, docs/vendors/hubspot.md §3.2. */
const event = (subscriptionType: string, more: object = {}): object => ({
  eventId: 1,
  subscriptionId: 2,
  portalId: 24_111_972,
  appId: 3,
  occurredAt: at,
  subscriptionType,
  attemptNumber: 0,
  objectId: 101,
  changeSource: 'CRM_UI',
  sourceId: 'userId:2000001',
  ...more,
});
const read = (...events: unknown[]): ReturnType<typeof readHubspotChanges> =>
  readHubspotChanges(Buffer.from(JSON.stringify(events)));
const told = (...events: unknown[]): unknown => read(...events).accounts[0]?.changes;

const contact = { objectTypeId: '0-1' };
const recordId = '101';

describe.each([
  ['contact', {}],
  ['object', contact],
])('of the family %s.*', (family, type) => {
  test.each([
    ['creation', 'created'],
    ['deletion', 'deleted'],
    ['restore', 'restored'],
  ])('%s', (what, kind) => {
    expect(told(event(`${family}.${what}`, type))).toEqual([{ kind, recordId, at }]);
  });

  test('a changed property', () => {
    const change = { ...type, propertyName: 'lifecyclestage', propertyValue: 'customer' };
    expect(told(event(`${family}.propertyChange`, change))).toEqual([
      { kind: 'field', recordId, at, field: 'lifecyclestage', value: 'customer', by: 'user 2000001' },
    ]);
  });

  test('a merge tells everybody where they live on', () => {
    const merge = { ...type, primaryObjectId: 101, mergedObjectIds: [102, 103], newObjectId: 104 };
    const merged = (id: string, into: string): object => ({ kind: 'merged', recordId: id, into, at });
    expect(told(event(`${family}.merge`, merge))).toEqual(
      ['101', '102', '103'].map((id) => merged(id, '104')),
    );
    expect(told(event(`${family}.merge`, { ...merge, newObjectId: 101 }))).toEqual(
      ['102', '103'].map((id) => merged(id, '101')),
    );
    expect(told(event(`${family}.merge`, { ...merge, newObjectId: undefined }))).toEqual(
      ['102', '103'].map((id) => merged(id, '101')),
    );
  });
});

test('a privacy deletion erases', () => {
  expect(told(event('contact.privacyDeletion'))).toEqual([{ kind: 'erased', recordId, at }]);
});

test.each([
  ['emptied', '', ''],
  ['emptied, as null', null, ''],
  ['a number', 12, '12'],
  ['left out', undefined, ''],
])('a value %s', (_, propertyValue, value) => {
  expect(told(event('contact.propertyChange', { propertyName: 'city', propertyValue }))).toMatchObject([
    { value },
  ]);
});

test.each([
  ['CRM_UI', 'userId:2000001', 'user 2000001'],
  ['MOBILE_IOS', 'userId:7', 'user 7'],
  ['INTEGRATION', '1000001', 'app 1000001'],
  ['INTEGRATION', 1_000_001, 'app 1000001'],
  ['INTEGRATION', 'appId:12', 'app 12'],
  ['INTEGRATION', 'userId:2000001', undefined],
  ['AUTOMATION_PLATFORM', 'enrollmentId:5', undefined],
  [undefined, undefined, undefined],
])('what %s %s did is by %s', (changeSource, sourceId, by) => {
  const change = event('contact.propertyChange', {
    propertyName: 'city',
    propertyValue: 'Pune',
    changeSource,
    sourceId,
  });
  const [field] = told(change) as { by?: string }[];
  expect(field?.by).toBe(by);
});

test('portals are kept apart', () => {
  const { accounts, unread } = read(
    event('contact.creation'),
    event('contact.creation', { portalId: 7, objectId: 1 }),
    event('contact.deletion'),
  );
  expect(unread).toBe(0);
  expect(accounts.map(({ account, changes }) => [account, changes.length])).toEqual([
    ['24111972', 2],
    ['7', 1],
  ]);
});

test('what is strange is counted and left out', () => {
  const { accounts, unread } = read(
    event('contact.creation'),
    event('company.creation'),
    event('object.creation', { objectTypeId: '0-2' }),
    event('contact.associationChange'),
    event('contact.propertyChange'),
    event('contact.deletion', { objectId: undefined }),
    event('contact.creation', { occurredAt: 'yesterday' }),
    event('contact.merge', { primaryObjectId: undefined }),
    event('contact.creation', { portalId: undefined }),
    null,
    'text',
    [],
  );
  expect(accounts).toMatchObject([{ changes: [{ kind: 'created' }] }]);
  expect(unread).toBe(11);
});

test.each(['', 'no json', '{}', '7', 'null', '\u0000'])('the body %j is no array of events', (body) => {
  expect(readHubspotChanges(Buffer.from(body))).toEqual({ accounts: [], unread: 1 });
});

test('is total', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((json) => Buffer.from(json)),
      ),
      (body) => {
        expect(readHubspotChanges(Buffer.from(body)).accounts).toBeDefined();
      },
    ),
  );
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSandboxFixture, type SandboxFixture } from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;
const path = '/crm/objects/2026-03/contacts/search';

beforeEach(async () => {
  fixture = await startSandboxFixture({ rules: { hubspot: { searchLimitMax: 0 } } });
});

afterEach(() => fixture.stop());

const rules = (changes: object) => fixture.call('PUT', '/hubspot/rules', changes);
const search = (body: object | string) => fixture.hubspot('POST', path, body);

async function create(...records: object[]): Promise<string[]> {
  const { body } = await fixture.call('POST', '/hubspot/records/contacts/batch', {
    records: records.map((properties) => ({ properties })),
  });
  return (body as { ids: string[] }).ids;
}

async function idsOf(body: object): Promise<string[]> {
  const answer = await search({ limit: 200, ...body });
  expect(answer.status).toBe(200);
  return (answer.body as { results: { id: string }[] }).results.map(({ id }) => id);
}

const where = (propertyName: string, operator: string, rest: object = {}) => ({
  filterGroups: [{ filters: [{ propertyName, operator, ...rest }] }],
});

describe('operators', () => {
  const people = [
    { firstname: 'Asha', city: 'Pune', hs_lead_status: 'NEW' },
    { firstname: 'asha', city: 'Navi Mumbai', email: 'asha@clinic.example' },
    { firstname: 'Ravi', hs_lead_status: 'OPEN' },
  ];

  test.each([
    ['EQ, whatever the case', 'firstname', 'EQ', { value: 'ASHA' }, ['101', '102']],
    ['NEQ, also of what is empty', 'city', 'NEQ', { value: 'pune' }, ['102', '103']],
    ['IN, in lower case', 'firstname', 'IN', { values: ['asha', 'ravi'] }, ['101', '102', '103']],
    ['IN, not found as written', 'firstname', 'IN', { values: ['Asha', 'Ravi'] }, []],
    ['NOT_IN', 'firstname', 'NOT_IN', { values: ['ravi'] }, ['101', '102']],
    ['an option exactly', 'hs_lead_status', 'EQ', { value: 'NEW' }, ['101']],
    ['an option in another case', 'hs_lead_status', 'EQ', { value: 'new' }, []],
    ['options', 'hs_lead_status', 'IN', { values: ['NEW', 'OPEN'] }, ['101', '103']],
    ['HAS_PROPERTY', 'city', 'HAS_PROPERTY', {}, ['101', '102']],
    ['NOT_HAS_PROPERTY', 'city', 'NOT_HAS_PROPERTY', {}, ['103']],
    ['CONTAINS_TOKEN, a word', 'city', 'CONTAINS_TOKEN', { value: 'mumbai' }, ['102']],
    ['CONTAINS_TOKEN, not a part of one', 'city', 'CONTAINS_TOKEN', { value: 'mum' }, []],
    ['CONTAINS_TOKEN with *', 'email', 'CONTAINS_TOKEN', { value: '*@clinic.example' }, ['102']],
    ['NOT_CONTAINS_TOKEN', 'city', 'NOT_CONTAINS_TOKEN', { value: 'mum*' }, ['101', '103']],
    ['numbers as numbers', 'hs_object_id', 'GT', { value: '101' }, ['102', '103']],
    ['EQ of a number', 'hs_object_id', 'EQ', { value: '101.0' }, ['101']],
    ['fewer digits are less', 'hs_object_id', 'LT', { value: '9' }, []],
    ['GTE', 'hs_object_id', 'GTE', { value: 102 }, ['102', '103']],
    ['LT', 'hs_object_id', 'LT', { value: '102' }, ['101']],
    ['LTE', 'hs_object_id', 'LTE', { value: '102.0' }, ['101', '102']],
    ['BETWEEN, ends included', 'hs_object_id', 'BETWEEN', { value: '101', highValue: '102' }, ['101', '102']],
  ])('%s', async (_name, property, operator, rest, ids) => {
    await create(...people);
    expect(await idsOf(where(property, operator, rest))).toEqual(ids);
  });

  test('filters of a group hold together, one group is enough, and query narrows what groups find', async () => {
    await create(...people);
    const filter = (propertyName: string, value: string) => ({ propertyName, operator: 'EQ', value });
    const filterGroups = [
      { filters: [filter('firstname', 'asha'), filter('city', 'pune')] },
      { filters: [filter('firstname', 'ravi')] },
    ];
    expect(await idsOf({ filterGroups })).toEqual(['101', '103']);
    const mixed = [
      { filters: [filter('firstname', 'ravi')] },
      where('email', 'HAS_PROPERTY').filterGroups[0],
    ];
    expect(await idsOf({ filterGroups: mixed })).toEqual(['102', '103']);
    expect(await idsOf({ filterGroups, query: 'rav' })).toEqual(['103']);
    expect(await idsOf({ query: 'asha clinic' })).toEqual(['102']);
    expect(await idsOf({})).toEqual(['101', '102', '103']);
  });

  test('when records were made and changed, in milliseconds or ISO 8601', async () => {
    await create(...people);
    await fixture.call('PUT', '/clock', { advanceMs: 3_600_000 });
    const since = Date.now() + 1_800_000;
    await create({ firstname: 'Late' });
    await fixture.call('PATCH', '/hubspot/records/contacts/101', { properties: { city: 'Delhi' } });
    for (const value of [since, String(since), new Date(since).toISOString()]) {
      expect(await idsOf(where('lastmodifieddate', 'GTE', { value }))).toEqual(['101', '104']);
      expect(await idsOf(where('createdate', 'GTE', { value }))).toEqual(['104']);
    }
  });
});

describe('phones', () => {
  test.each([
    ['+91 98123 45678', '9812345678'],
    ['0091-98123-45678', '9812345678'],
    ['+1 (415) 555-0132 ext. 7', '4155550132'],
    ['+971 50 123 4567', '501234567'],
    ['98123 45678', '9812345678'],
    ['098123 45678', '09812345678'],
  ])('%s is found by %s', async (typed, searched) => {
    await create({ firstname: 'A', phone: typed }, { firstname: 'B', mobilephone: typed });
    const named = (name: string) => where(name, 'EQ', { value: searched });
    expect(await idsOf(named('hs_searchable_calculated_phone_number'))).toEqual(['101']);
    expect(await idsOf(named('hs_searchable_calculated_mobile_number'))).toEqual(['102']);
    expect(
      await fixture.hubspot(
        'GET',
        '/crm/objects/2026-03/contacts/101?properties=hs_searchable_calculated_phone_number',
      ),
    ).toMatchObject({
      body: { properties: { hs_searchable_calculated_phone_number: searched } },
    });
  });

  test('a changed number is found by the new one only', async () => {
    await create({ firstname: 'A', phone: '+919812345678' });
    const find = (value: string) =>
      idsOf(where('hs_searchable_calculated_phone_number', 'IN', { values: [value] }));
    expect(await find('9812345678')).toEqual(['101']);
    await fixture.call('PATCH', '/hubspot/records/contacts/101', { properties: { phone: '+919800000000' } });
    expect(await find('9812345678')).toEqual([]);
    expect(await find('9800000000')).toEqual(['101']);
  });
});

describe('pages', () => {
  test('of ten unless asked, with the total, in the order asked for', async () => {
    await create(...Array.from({ length: 12 }, (_, index) => ({ firstname: 'A', zip: String(index % 3) })));
    const first = await search({});
    expect(first.body).toMatchObject({ total: 12, paging: { next: { after: '10' } } });
    expect((await search({ after: '10' })).body).toMatchObject({ results: [{ id: '111' }, { id: '112' }] });
    expect((await search({ after: '10' })).body).not.toHaveProperty('paging');
    const sorts = [{ propertyName: 'hs_object_id', direction: 'DESCENDING' }];
    expect((await idsOf({ sorts })).slice(0, 2)).toEqual(['112', '111']);
    expect((await idsOf({ sorts: ['zip'] })).slice(0, 5)).toEqual(['101', '104', '107', '110', '102']);
  });

  test('give the properties asked for', async () => {
    await create({ firstname: 'A', city: 'Pune' });
    expect((await search({ properties: ['city', 'phone'] })).body).toMatchObject({
      results: [
        { id: '101', archived: false, properties: { city: 'Pune', phone: null, hs_object_id: '101' } },
      ],
    });
  });
});

describe('what is refused', () => {
  const filter = { propertyName: 'city', operator: 'EQ', value: 'x' };
  const groups = (count: number, filters: number) => ({
    filterGroups: Array.from({ length: count }, () => ({
      filters: Array.from({ length: filters }, () => filter),
    })),
  });

  test.each([
    ['a sixth group', groups(6, 1), groups(5, 1)],
    ['a seventh filter in a group', groups(1, 7), groups(1, 6)],
    ['a nineteenth filter', groups(5, 4), groups(3, 6)],
    ['more than 200 a page', { limit: 201 }, { limit: 200 }],
    ['what lies past 10,000', { limit: 200, after: '9801' }, { limit: 200, after: '9800' }],
    ['a property there is not', where('nonsense', 'HAS_PROPERTY'), where('city', 'HAS_PROPERTY')],
    ['nothing to compare with', where('city', 'EQ'), where('city', 'EQ', { value: '' })],
    ['IN of nothing', where('city', 'IN', { values: [] }), where('city', 'IN', { values: ['x'] })],
    [
      'BETWEEN with one end',
      where('zip', 'BETWEEN', { value: '1' }),
      where('zip', 'BETWEEN', { value: '1', highValue: '2' }),
    ],
    ['an operator there is not', where('city', 'LIKE', { value: 'x' }), where('city', 'EQ', { value: 'x' })],
    ['a body over 3,000 characters', { query: 'x'.repeat(3_000) }, { query: 'x'.repeat(2_900) }],
  ])('%s', async (_name, bad, good) => {
    expect(await search(bad)).toMatchObject({ status: 400, body: { category: 'VALIDATION_ERROR' } });
    expect(await search(good)).toMatchObject({ status: 200 });
  });
});

describe('the limit', () => {
  test('is five a second, told by no header and apart from that of other calls', async () => {
    await rules({ searchLimitMax: 5, rateLimitMax: 1 });
    for (let searches = 0; searches < 5; searches += 1) {
      const answer = await search({});
      expect(answer.status).toBe(200);
      expect(answer.headers.has('x-hubspot-ratelimit-max')).toBe(false);
    }
    const refused = await search({});
    expect(refused).toMatchObject({
      status: 429,
      body: {
        message: 'You have reached your secondly limit.',
        policyName: 'SECONDLY',
        errorType: 'RATE_LIMIT',
      },
    });
    expect(refused.headers.has('x-hubspot-ratelimit-remaining')).toBe(false);
    expect(await fixture.hubspot('GET', '/crm/objects/2026-03/contacts')).toMatchObject({ status: 200 });
    await fixture.call('PUT', '/clock', { advanceMs: 1_000 });
    expect(await search({})).toMatchObject({ status: 200 });
  });
});

describe('rule searchLagMs', () => {
  const later = (ms: number) => fixture.call('PUT', '/clock', { advanceMs: ms });

  test.each([
    ['looking at all', (value: string) => where('firstname', 'CONTAINS_TOKEN', { value })],
    ['looked up', (value: string) => where('firstname', 'EQ', { value })],
  ])('what is new, changed or gone is so in search a while later: %s', async (_name, named) => {
    await create({ firstname: 'Old' }, { firstname: 'Gone' });
    await rules({ searchLagMs: 60_000 });
    await create({ firstname: 'New' });
    await fixture.call('PATCH', '/hubspot/records/contacts/101', { properties: { firstname: 'Changed' } });
    await fixture.call('DELETE', '/hubspot/records/contacts/102');
    const seen = async () => ({
      old: await idsOf(named('old')),
      changed: await idsOf(named('changed')),
      gone: await idsOf(named('gone')),
      new: await idsOf(named('new')),
    });
    const before = { old: ['101'], changed: [], gone: ['102'], new: [] };
    expect(await seen()).toEqual(before);
    await later(50_000);
    expect(await seen()).toEqual(before);
    await later(10_000);
    expect(await seen()).toEqual({ old: [], changed: ['101'], gone: [], new: ['103'] });
  });

  test('a restored record is found a while later', async () => {
    await create({ firstname: 'A' });
    await fixture.call('DELETE', '/hubspot/records/contacts/101');
    await rules({ searchLagMs: 60_000 });
    await fixture.call('POST', '/hubspot/records/contacts/101/restore');
    expect(await idsOf({})).toEqual([]);
    await later(60_000);
    expect(await idsOf({})).toEqual(['101']);
  });

  test('other reads see what is', async () => {
    await rules({ searchLagMs: 60_000 });
    await create({ firstname: 'New' });
    expect(await fixture.hubspot('GET', '/crm/objects/2026-03/contacts/101')).toMatchObject({ status: 200 });
    expect(await idsOf({})).toEqual([]);
  });

  test('faults that come and go leave the index behind', async () => {
    await rules({ searchLagMs: 60_000 });
    await create({ firstname: 'New' });
    await fixture.call('PUT', '/hubspot/faults', {});
    expect(await idsOf({})).toEqual([]);
  });

  test('a merged-away record is still found for a while', async () => {
    await create({ firstname: 'A' }, { firstname: 'B' });
    await rules({ searchLagMs: 60_000 });
    await fixture.call('POST', '/hubspot/records/contacts/merge', { primaryId: '101', mergedId: '102' });
    expect(await idsOf(where('firstname', 'EQ', { value: 'B' }))).toEqual(['102']);
    await later(60_000);
    expect(await idsOf({})).toEqual(['103']);
  });
});

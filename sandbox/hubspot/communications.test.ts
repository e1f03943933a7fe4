import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSandboxFixture, type SandboxFixture } from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;
const root = '/crm/objects/2026-03/communications';
const contacts = '/crm/objects/2026-03/contacts';

beforeEach(async () => {
  fixture = await startSandboxFixture();
  for (const firstname of ['Asha', 'Ravi']) {
    await fixture.call('POST', '/hubspot/records/contacts', { properties: { firstname } });
  }
});

afterEach(() => fixture.stop());

const message = (text: string, at = '2026-11-23T10:00:00Z', rest: object = {}) => ({
  hs_communication_channel_type: 'WHATS_APP',
  hs_communication_logged_from: 'CRM',
  hs_communication_body: text,
  hs_timestamp: at,
  ...rest,
});
const on = (...ids: string[]) =>
  ids.map((id) => ({
    to: { id },
    types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 81 }],
  }));
const post = (path: string, body: object) => fixture.hubspot('POST', `${root}${path}`, body);
const log = (text: string, at?: string, ids: string[] = ['101']) =>
  post('', { properties: message(text, at), associations: on(...ids) });
const timeline = async (id: string) => {
  const { body } = await fixture.call('GET', `/hubspot/records/contacts/${id}`);
  return (body as { timeline: { id: string; at: string; text: string }[] }).timeline;
};
const texts = async (id: string) => (await timeline(id)).map(({ text }) => text);

describe('one communication', () => {
  test('is logged on a contact, read, rewritten and taken away', async () => {
    expect(await log('Hello')).toMatchObject({
      status: 201,
      body: { id: '101', properties: { hs_communication_body: 'Hello' } },
    });
    expect(await timeline('101')).toEqual([{ id: '101', at: '2026-11-23T10:00:00Z', text: 'Hello' }]);
    expect(await texts('102')).toEqual([]);
    expect(
      await fixture.hubspot('PATCH', `${root}/101`, { properties: { hs_communication_body: 'Hello ✓' } }),
    ).toMatchObject({ status: 200 });
    expect(await texts('101')).toEqual(['Hello ✓']);
    expect(await fixture.hubspot('GET', `${root}/101?properties=hs_communication_body`)).toMatchObject({
      status: 200,
      body: { properties: { hs_communication_body: 'Hello ✓' }, createdAt: expect.any(String) as string },
    });
    expect(await fixture.hubspot('DELETE', `${root}/101`)).toMatchObject({ status: 204 });
    expect(await texts('101')).toEqual([]);
    expect(await fixture.hubspot('GET', `${root}/101`)).toMatchObject({ status: 404 });
  });

  test.each(Object.keys(message('x')))('needs %s', async (name) => {
    expect(await post('', { properties: { ...message('x'), [name]: '' } })).toMatchObject({
      status: 400,
      body: { errors: [{ code: 'MISSING_REQUIRED_PROPERTY', context: { propertyName: [name] } }] },
    });
  });

  test.each([
    { hs_communication_channel_type: 'TELEGRAM' },
    { hs_communication_logged_from: 'API' },
    { hs_timestamp: 'yesterday' },
    { firstname: 'a contact’s' },
    { hs_communication_body: 'x'.repeat(65_537) },
  ])('refuses a wrong value, case %#', async (wrong) => {
    expect(await post('', { properties: { ...message('x'), ...wrong } })).toMatchObject({ status: 400 });
  });

  test('holds a body of 65,536 characters', async () => {
    expect(await log('x'.repeat(65_536))).toMatchObject({ status: 201 });
  });

  test('is refused on a contact that is not there, or as another kind of association', async () => {
    expect(await log('x', undefined, ['999'])).toMatchObject({ status: 400 });
    const [wrong] = on('101');
    const types = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 87 }];
    expect(await post('', { properties: message('x'), associations: [{ ...wrong, types }] })).toMatchObject({
      status: 400,
    });
    expect(await fixture.call('GET', '/hubspot/records/communications')).toMatchObject({
      body: { results: [] },
    });
  });
});

test('a timeline is in the order of hs_timestamp, not of arrival', async () => {
  await log('second', '2026-11-23T10:00:00Z');
  await log('third', '2026-11-23T10:00:00.500Z');
  await log('first', String(Date.parse('2026-11-22T23:00:00Z')));
  expect(await texts('101')).toEqual(['first', 'second', 'third']);
});

describe('batches', () => {
  test('log, read, rewrite and take away up to 100', async () => {
    const inputs = Array.from({ length: 100 }, (_, index) => ({
      properties: message(`m${String(index)}`),
      associations: on(index % 2 === 0 ? '101' : '102'),
    }));
    expect(await post('/batch/create', { inputs })).toMatchObject({ status: 201 });
    expect((await texts('101')).length).toBe(50);
    expect((await texts('102'))[0]).toBe('m1');
    expect(await post('/batch/create', { inputs: [...inputs, inputs[0]] })).toMatchObject({ status: 400 });
    expect(
      await post('/batch/read', {
        inputs: [{ id: '101' }, { id: '999' }],
        properties: ['hs_communication_body'],
      }),
    ).toMatchObject({
      status: 207,
      body: { results: [{ id: '101', properties: { hs_communication_body: 'm0' } }], numErrors: 1 },
    });
    expect(
      await post('/batch/update', { inputs: [{ id: '101', properties: { hs_communication_body: 'm0 ✓' } }] }),
    ).toMatchObject({ status: 200 });
    expect((await texts('101'))[0]).toBe('m0 ✓');
    expect(
      await post('/batch/archive', { inputs: [{ id: '101' }, { id: '103' }, { id: '999' }] }),
    ).toMatchObject({
      status: 204,
    });
    expect((await texts('101')).length).toBe(48);
  });

  test('one association that cannot be refuses the batch, or with trace ids its item', async () => {
    const inputs = [
      { properties: message('good'), associations: on('101'), objectWriteTraceId: 'a' },
      { properties: message('bad'), associations: on('999'), objectWriteTraceId: 'b' },
    ];
    const untraced = inputs.map(({ objectWriteTraceId: _id, ...input }) => input);
    expect(await post('/batch/create', { inputs: untraced })).toMatchObject({ status: 400 });
    expect(await texts('101')).toEqual([]);
    expect(await post('/batch/create', { inputs })).toMatchObject({
      status: 207,
      body: {
        results: [{ objectWriteTraceId: 'a' }],
        errors: [{ context: { objectWriteTraceId: ['b'] } }],
      },
    });
    expect(await texts('101')).toEqual(['good']);
  });
});

describe('their properties', () => {
  const properties = '/crm/properties/2026-03/communications';
  const marker = {
    name: 'our_marker',
    label: 'Marker',
    groupName: 'communication',
    type: 'string',
    fieldType: 'text',
  };

  test('are their own', async () => {
    expect(await fixture.hubspot('POST', properties, marker)).toMatchObject({ status: 201 });
    expect(await fixture.hubspot('GET', `${properties}/our_marker`)).toMatchObject({ status: 200 });
    expect(await fixture.hubspot('GET', '/crm/properties/2026-03/contacts/our_marker')).toMatchObject({
      status: 404,
    });
    const { body } = await fixture.hubspot('GET', '/crm/properties/2026-03/0-18');
    const names = (body as { results: { name: string }[] }).results.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['hs_communication_body', 'our_marker']));
    expect(names).not.toContain('email');
  });

  test('rule communicationsUniqueProperty: a unique one is refused, or makes logging idempotent', async () => {
    const unique = { ...marker, hasUniqueValue: true };
    expect(await fixture.hubspot('POST', properties, unique)).toMatchObject({ status: 400 });
    await fixture.call('PUT', '/hubspot/rules', { communicationsUniqueProperty: 'accepted' });
    expect(await fixture.hubspot('POST', properties, unique)).toMatchObject({ status: 201 });
    const inputs = [{ id: 'day-1', idProperty: 'our_marker', properties: message('Hello') }];
    expect(await post('/batch/upsert', { inputs })).toMatchObject({ body: { results: [{ new: true }] } });
    expect(await post('/batch/upsert', { inputs })).toMatchObject({ body: { results: [{ new: false }] } });
    const again = { properties: message('Hello', undefined, { our_marker: 'day-1' }) };
    expect(await post('', again)).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('101 already has that value') as string },
    });
  });
});

describe('associations', () => {
  const batchRead = (from: string, to: string, ids: string[]) =>
    fixture.hubspot('POST', `/crm/associations/2026-03/${from}/${to}/batch/read`, {
      inputs: ids.map((id) => ({ id })),
    });

  test('are read from either side, and who has none is named', async () => {
    await log('both', undefined, ['101', '102']);
    await log('one', undefined, ['101']);
    expect(await batchRead('contacts', 'communications', ['101', '999'])).toMatchObject({
      status: 207,
      body: {
        results: [
          {
            from: { id: '101' },
            to: [
              { toObjectId: 101, associationTypes: [{ category: 'HUBSPOT_DEFINED', typeId: 82 }] },
              { toObjectId: 102 },
            ],
          },
        ],
        errors: [
          { subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND', context: { fromObjectId: ['999'] } },
        ],
      },
    });
    expect(await batchRead('communications', 'contacts', ['101'])).toMatchObject({
      status: 200,
      body: {
        results: [{ to: [{ toObjectId: 101, associationTypes: [{ typeId: 81 }] }, { toObjectId: 102 }] }],
      },
    });
  });

  test('of one record come in pages', async () => {
    for (const text of ['a', 'b', 'c']) await log(text);
    const path = `${contacts}/101/associations/communications`;
    expect(await fixture.hubspot('GET', `${path}?limit=2`)).toMatchObject({
      body: { results: [{ toObjectId: 101 }, { toObjectId: 102 }], paging: { next: { after: '102' } } },
    });
    const last = await fixture.hubspot('GET', `${path}?limit=2&after=102`);
    expect(last.body).toMatchObject({ results: [{ toObjectId: 103 }] });
    expect(last.body).not.toHaveProperty('paging');
    expect(
      await fixture.hubspot('GET', '/crm/v3/objects/contacts/101/associations/communications?limit=1'),
    ).toMatchObject({ body: { results: [{ id: '101', type: 'contact_to_communication' }] } });
    expect(await fixture.hubspot('GET', `${contacts}/999/associations/communications`)).toMatchObject({
      status: 404,
    });
  });

  test('are added later, from either side, and twice is once', async () => {
    await post('', { properties: message('stray') });
    expect(await texts('101')).toEqual([]);
    const associate = (path: string) => fixture.hubspot('PUT', path);
    for (let times = 0; times < 2; times += 1) {
      expect(await associate(`${root}/101/associations/default/contacts/101`)).toMatchObject({ status: 200 });
    }
    expect(await associate(`${contacts}/102/associations/default/communications/101`)).toMatchObject({
      status: 200,
    });
    expect(await texts('101')).toEqual(['stray']);
    expect(await texts('102')).toEqual(['stray']);
    expect(await associate(`${contacts}/999/associations/default/communications/101`)).toMatchObject({
      status: 404,
    });
  });

  test('of a deleted contact lead nowhere, and its communications stay', async () => {
    await log('Hello');
    await fixture.hubspot('DELETE', `${contacts}/101`);
    expect(await fixture.hubspot('GET', `${root}/101`)).toMatchObject({ status: 200 });
    expect(await batchRead('communications', 'contacts', ['101'])).toMatchObject({ body: { results: [] } });
    expect(await batchRead('contacts', 'communications', ['101'])).toMatchObject({ body: { results: [] } });
  });

  test('a merge moves them to the survivor', async () => {
    await log('hers', '2026-11-23T10:00:00Z', ['101']);
    await log('his', '2026-11-23T11:00:00Z', ['102']);
    await log('both', '2026-11-23T12:00:00Z', ['101', '102']);
    await fixture.hubspot('POST', `${contacts}/merge`, { primaryObjectId: '101', objectIdToMerge: '102' });
    expect(await texts('101')).toEqual(['hers', 'his', 'both']);
  });

  test('one logged under the id of a contact that was merged away stands on the survivor', async () => {
    const pair = { primaryObjectId: '101', objectIdToMerge: '102' };
    const { body } = await fixture.hubspot('POST', `${contacts}/merge`, pair);
    await log('late', undefined, ['102']);
    expect(await texts((body as { id: string }).id)).toEqual(['late']);
  });
});

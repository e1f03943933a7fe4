/**
 * Answers HubSpot is known, or may be expected, to give to a look. Shapes: docs/vendors/hubspot.md §4.2, §4.3, §4.5.
 */
import { describe, expect, test } from 'vitest';
import { hubspotAnswering } from './test-canned.ts';

const missing = (id: string): object => ({ category: 'OBJECT_NOT_FOUND', context: { ids: [id] } });

describe('read', () => {
  test('leaves out who is not there, and gives every field asked for', async () => {
    const { connector } = await hubspotAnswering({
      status: 207,
      body: {
        results: [{ id: '1', properties: { sangam_contact_id: 'a', firstname: 'Asha', lastname: null } }],
        errors: [missing('b')],
      },
    });
    expect(await connector.findByContactId(['a', 'b'], ['firstname', 'lastname', 'city'], 'fields')).toEqual([
      {
        askedAs: '1',
        recordId: '1',
        contactId: 'a',
        values: { firstname: 'Asha', lastname: '', city: '' },
      },
    ]);
  });

  test('takes no other error for "not there": that would make a record twice', async () => {
    const errors = [{ category: 'INTERNAL_ERROR', context: { ids: ['1'] } }];
    const { connector } = await hubspotAnswering({ status: 207, body: { results: [], errors } });
    await expect(connector.read(['1'], [], 'fields')).rejects.toMatchObject({
      code: 'incomplete_answer',
      retry: 'later',
    });
  });

  test('takes one answer to one question for its answer, and no more than that', async () => {
    const one = { status: 207, body: { results: [{ id: '30', properties: {} }], errors: [missing('2')] } };
    const { connector } = await hubspotAnswering(one, one);
    expect(await connector.read(['2', '3'], [], 'fields')).toMatchObject([{ askedAs: '3', recordId: '30' }]);
    expect(await connector.read(['2', '3', '4'], [], 'fields')).toEqual([]);
  });

  test('goes on without a property HubSpot refuses to read', async () => {
    const refusal = {
      status: 400,
      body: {
        message:
          'Property values were not valid: [{"error":"PROPERTY_DOESNT_EXIST","name":"hs_whatsapp_phone_number"}]',
      },
    };
    const answer = { status: 200, body: { results: [{ id: '1', properties: { phone: '1' } }] } };
    const { connector, sent } = await hubspotAnswering(refusal, answer, answer);
    const fields = ['phone', 'hs_whatsapp_phone_number'];
    const record = { values: { phone: '1', hs_whatsapp_phone_number: '' } };
    expect(await connector.read(['1'], fields, 'fields')).toMatchObject([record]);
    expect(await connector.read(['1'], fields, 'fields')).toMatchObject([record]);
    expect(sent).toHaveLength(3);
    expect(sent[2]).toMatchObject({
      properties: ['sangam_contact_id', 'hs_merged_object_ids', 'phone'],
    });
  });
});

test('a search goes on by the properties the portal has', async () => {
  const refusal = { status: 400, body: { message: 'There was a problem with the request.' } };
  const there = ['phone', 'mobilephone', 'hs_searchable_calculated_phone_number'];
  const { connector, sent } = await hubspotAnswering(
    refusal,
    { status: 200, body: { results: there.map((name) => ({ name })) } },
    { status: 200, body: { results: [{ id: '1', properties: {} }] } },
    { status: 200, body: { results: [{ id: '1', properties: { phone: '1' } }] } },
  );
  expect(await connector.findByPhone(['+919812345678'], ['phone'], 'new lead')).toMatchObject([
    { recordId: '1', values: { phone: '1' } },
  ]);
  const searched = (sent[2] as { filterGroups: { filters: { propertyName: string }[] }[] }).filterGroups;
  expect(searched.map(({ filters }) => filters[0]?.propertyName).toSorted()).toEqual(there.toSorted());
});

describe('the timeline', () => {
  test('removes the others when one that is not there spoils the batch', async () => {
    const nothing = { status: 404, body: { category: 'OBJECT_NOT_FOUND' } };
    const done = { status: 204, body: {} };
    const { connector, sent } = await hubspotAnswering(nothing, nothing, done);
    await connector.timeline.remove(['1', '2'], 'timeline');
    expect(sent.slice(1)).toEqual([{ inputs: [{ id: '1' }] }, { inputs: [{ id: '2' }] }]);
  });

  test('asks for each record alone when one that is missing spoils the batch', async () => {
    const nothing = { status: 404, body: { category: 'OBJECT_NOT_FOUND' } };
    const { connector } = await hubspotAnswering(
      nothing,
      nothing,
      { status: 200, body: { results: [{ from: { id: '2' }, to: [{ toObjectId: 7 }] }] } },
      {
        status: 200,
        body: { results: [{ id: '7', properties: { hs_communication_body: '<p>Sangam ref k1</p>' } }] },
      },
    );
    expect(await connector.timeline.find(['1', '2'], 'timeline')).toEqual([
      { entryKey: 'k1', entryId: '7', recordId: '2' },
    ]);
  });

  test('takes no other error for "no entries": that would write them twice', async () => {
    const errors = [{ category: 'INTERNAL_ERROR' }];
    const { connector } = await hubspotAnswering({ status: 207, body: { results: [], errors } });
    await expect(connector.timeline.find(['1'], 'timeline')).rejects.toMatchObject({
      code: 'incomplete_answer',
    });
  });
});

test('owners of all pages are told by name, else by e-mail, else by id', async () => {
  const page = (results: object[], after?: string): object => ({
    results,
    ...(after === undefined ? {} : { paging: { next: { after } } }),
  });
  const people = [
    { id: '1', firstName: 'Asha', lastName: 'Rao', email: 'asha@a.example' },
    { id: '2', firstName: '', lastName: null, email: 'ravi@a.example' },
  ];
  const { connector } = await hubspotAnswering(
    { status: 200, body: page(people, '2') },
    { status: 200, body: page([{ id: '3' }]) },
  );
  expect(await connector.owners()).toEqual([
    { ownerId: '1', name: 'Asha Rao' },
    { ownerId: '2', name: 'ravi@a.example' },
    { ownerId: '3', name: '3' },
  ]);
});

test('an empty batch makes no call, and one too large is a bug', async () => {
  const { connector, sent } = await hubspotAnswering();
  const { timeline } = connector;
  expect(await connector.read([], [], 'fields')).toEqual([]);
  expect(await connector.findByContactId([], [], 'fields')).toEqual([]);
  expect(await connector.findByPhone([], [], 'fields')).toEqual([]);
  expect(await connector.create([], 'fields')).toEqual([]);
  expect(await connector.update([], 'fields')).toEqual([]);
  expect(await timeline.write([], 'fields')).toEqual([]);
  expect(await timeline.find([], 'fields')).toEqual([]);
  await timeline.remove([], 'fields');
  expect(sent).toEqual([]);
  const many = Array.from({ length: connector.traits.sizes.read + 1 }, (_, n) => String(n));
  const creates = many.map((contactId) => ({ contactId, values: {} }));
  await expect(connector.read(many, [], 'fields')).rejects.toThrow(RangeError);
  await expect(connector.create(creates, 'fields')).rejects.toThrow(RangeError);
  await expect(timeline.remove(many, 'fields')).rejects.toThrow(RangeError);
});

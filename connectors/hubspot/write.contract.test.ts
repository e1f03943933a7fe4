/** Answers HubSpot is known, or may be expected, to give to a write. Shapes: docs/vendors/hubspot.md §4.2. */
import type { RecordCreate } from '@sangam/core/crm';
import { describe, expect, test } from 'vitest';
import { properties } from './properties.ts';
import { type Canned, hubspotAnswering } from './test-canned.ts';

/** What HubSpot says when asked for its properties, ours among them. */
const portal: Canned = { status: 200, body: { results: [...properties, { name: 'firstname' }] } };

const createsOf = (...contactIds: string[]): RecordCreate[] =>
  contactIds.map((contactId) => ({ contactId, values: { firstname: 'Asha' } }));

const result = (id: string, contactId: string, isNew = true): object => ({
  id,
  new: isNew,
  properties: { sangam_contact_id: contactId },
});

const taken = (property: string): string =>
  `Cannot set PropertyValueCoordinates{portalId=1, propertyName=${property}, value=x} on 7. 51 already has that value.`;

test.each(['INVALID_EMAIL', 'INVALID_DATE', 'VALUE_TOO_LONG', 'A_RULE_OF_THEIR_OWN'])(
  'a refusal by %s names the field, of a create and of an update, alone and among others',
  async (error) => {
    const problem = {
      category: 'VALIDATION_ERROR',
      message: `Property values were not valid: [{"isValid":false,"error":"${error}","name":"city"}]`,
    };
    const refused = { outcome: 'refused', code: error, field: 'city' };
    const update = { recordId: 'a', values: { city: 'x' } };
    for (const answer of [
      { status: 400, body: problem },
      {
        status: 207,
        body: { results: [], errors: [{ ...problem, context: { objectWriteTraceId: ['a'] } }] },
      },
    ]) {
      const { connector } = await hubspotAnswering(answer, answer);
      expect(await connector.create(createsOf('a'), 'new lead')).toMatchObject([refused]);
      expect(await connector.update([update], 'fields')).toMatchObject([refused]);
    }
  },
);

test('a part that failed without a word of HubSpot is to be repeated', async () => {
  const { connector } = await hubspotAnswering({
    status: 207,
    body: { results: [], errors: [{ reason: 'proxy', context: { objectWriteTraceId: ['a'] } }] },
  });
  await expect(connector.create(createsOf('a'), 'new lead')).rejects.toMatchObject({ retry: 'later' });
});

describe('create', () => {
  test('sends the key as id and among the properties, with a trace id', async () => {
    const { connector, sent } = await hubspotAnswering({
      status: 200,
      body: { results: [result('1', 'a')] },
    });
    await connector.create(createsOf('a'), 'new lead');
    expect(sent).toEqual([
      {
        inputs: [
          {
            id: 'a',
            idProperty: 'sangam_contact_id',
            properties: { firstname: 'Asha', sangam_contact_id: 'a' },
            objectWriteTraceId: 'a',
          },
        ],
      },
    ]);
  });

  test('finds each outcome whatever the order of the results, by key or by trace id', async () => {
    const { connector } = await hubspotAnswering({
      status: 200,
      body: { results: [{ id: '2', objectWriteTraceId: 'b', properties: {} }, result('1', 'a')] },
    });
    expect(await connector.create(createsOf('a', 'b'), 'new lead')).toEqual([
      { item: 'a', outcome: 'written', recordId: '1', created: true, values: {} },
      { item: 'b', outcome: 'written', recordId: '2', created: false, values: {} },
    ]);
  });

  test('takes a partial answer item by item', async () => {
    const { connector } = await hubspotAnswering({
      status: 207,
      body: {
        results: [result('1', 'a', false)],
        numErrors: 1,
        errors: [
          {
            status: 'error',
            category: 'VALIDATION_ERROR',
            message: 'Property values were not valid: [{"error":"INVALID_ALPHA","name":"firstname"}]',
            context: { objectWriteTraceId: ['b'], propertyName: ['firstname'] },
          },
        ],
      },
    });
    expect(await connector.create(createsOf('a', 'b'), 'new lead')).toEqual([
      { item: 'a', outcome: 'written', recordId: '1', created: false, values: {} },
      {
        item: 'b',
        outcome: 'refused',
        code: 'INVALID_ALPHA',
        field: 'firstname',
        explanation: 'HubSpot refused what was written (firstname: INVALID_ALPHA; status 400).',
      },
    ]);
  });

  test('asks for halving when a partial answer does not say whose error it is', async () => {
    const errors = [{ category: 'VALIDATION_ERROR', context: { propertyName: ['x'] } }];
    const { connector } = await hubspotAnswering(
      { status: 207, body: { results: [result('1', 'a')], errors } },
      portal,
      { status: 207, body: { results: [], errors } },
      portal,
    );
    await expect(connector.create(createsOf('a', 'b'), 'new lead')).rejects.toMatchObject({
      code: 'batch_refused',
      retry: 'never',
    });
    expect(await connector.create(createsOf('b'), 'new lead')).toMatchObject([
      { item: 'b', outcome: 'refused' },
    ]);
  });

  test('is to be repeated when an item is missing from the answer', async () => {
    const { connector } = await hubspotAnswering({ status: 200, body: { results: [result('1', 'a')] } });
    await expect(connector.create(createsOf('a', 'b'), 'new lead')).rejects.toMatchObject({
      code: 'incomplete_answer',
      retry: 'later',
    });
  });

  test.each([
    [
      'as a whole',
      { status: 400, body: { category: 'VALIDATION_ERROR', message: taken('sangam_contact_id') } },
    ],
    [
      'for one item',
      {
        status: 207,
        body: {
          results: [],
          errors: [{ message: taken('sangam_contact_id'), context: { objectWriteTraceId: ['a'] } }],
        },
      },
    ],
  ])('looks again when another process has just made the record, refused %s', async (_, conflict) => {
    const second = { status: 200, body: { results: [result('51', 'a', false)] } };
    const { connector } = await hubspotAnswering(conflict, second);
    expect(await connector.create(createsOf('a'), 'new lead')).toEqual([
      { item: 'a', outcome: 'written', recordId: '51', created: false, values: {} },
    ]);

    const { connector: unlucky } = await hubspotAnswering(conflict, conflict);
    expect(await unlucky.create(createsOf('a'), 'new lead')).toMatchObject([
      { outcome: 'taken', recordId: '51', field: 'sangam_contact_id' },
    ]);
  });

  test.each([
    [
      'another unique value',
      'nickname',
      { status: 400, body: { message: taken('nickname') } },
      /record 51 .* nickname/,
    ],
    [
      'an e-mail',
      'email',
      { status: 409, body: { category: 'CONFLICT', message: 'Contact already exists. Existing ID: 51' } },
      /record 51 .* email/,
    ],
  ])('names the record that already holds %s', async (_, field, conflict, explanation) => {
    const { connector } = await hubspotAnswering(conflict);
    expect(await connector.create(createsOf('a'), 'new lead')).toEqual([
      {
        item: 'a',
        outcome: 'taken',
        recordId: '51',
        field,
        explanation: expect.stringMatching(explanation) as unknown,
      },
    ]);
  });

  test('names a property that is missing, so that it can be parked', async () => {
    const body = {
      message: 'Property values were not valid: [{"error":"PROPERTY_DOESNT_EXIST","name":"wa_bsuid"}]',
    };
    const { connector } = await hubspotAnswering({ status: 400, body });
    await expect(connector.create(createsOf('a'), 'new lead')).rejects.toMatchObject({
      code: 'fields_missing',
      retry: 'never',
      fields: ['wa_bsuid'],
    });
  });

  test('looks for itself which property is missing when HubSpot does not say', async () => {
    const refusal = { status: 400, body: { category: 'VALIDATION_ERROR', message: 'Something is wrong' } };
    const creates = [{ contactId: 'a', values: { firstname: 'Asha', favourite_colour: 'blue' } }];
    const there = (...names: string[]): Canned => ({
      status: 200,
      body: { results: names.map((name) => ({ name })) },
    });
    const lacking = await hubspotAnswering(refusal, there('sangam_contact_id', 'firstname'));
    await expect(lacking.connector.create(creates, 'new lead')).rejects.toMatchObject({
      code: 'fields_missing',
      fields: ['favourite_colour'],
    });
    const bare = await hubspotAnswering(refusal, there('firstname', 'favourite_colour'));
    await expect(bare.connector.create(creates, 'new lead')).rejects.toMatchObject({
      code: 'not_provisioned',
    });
  });
});

const missing = (id: string): object => ({ category: 'OBJECT_NOT_FOUND', context: { ids: [id] } });

describe('update', () => {
  const updates = ['1', '2', '3'].map((recordId) => ({ recordId, values: { firstname: 'Asha' } }));
  const written = (id: string, more: object = {}): object => ({ id, properties: {}, ...more });

  test('names each record by its id, with a trace id', async () => {
    const { connector, sent } = await hubspotAnswering({ status: 200, body: { results: [written('1')] } });
    await connector.update(updates.slice(0, 1), 'fields');
    expect(sent).toEqual([
      { inputs: [{ id: '1', properties: { firstname: 'Asha' }, objectWriteTraceId: '1' }] },
    ]);
  });

  test('looks for what a partial answer calls missing before it says so', async () => {
    const { connector, sent } = await hubspotAnswering(
      { status: 207, body: { results: [written('1')], errors: [missing('2'), missing('3')] } },
      {
        status: 207,
        body: {
          results: [{ id: '30', properties: { hs_merged_object_ids: '9;3' } }],
          errors: [missing('2')],
        },
      },
      { status: 200, body: { results: [written('30')] } },
    );
    const outcomes = await connector.update(updates, 'fields');
    expect(outcomes).toMatchObject([
      { item: '1', outcome: 'written', recordId: '1' },
      { item: '2', outcome: 'gone' },
      { item: '3', outcome: 'written', recordId: '30' },
    ]);
    expect(sent[2]).toMatchObject({ inputs: [{ id: '30', objectWriteTraceId: '3' }] });
  });

  test('of a merged record is known by its trace id, or looked for', async () => {
    const traced = written('30', { objectWriteTraceId: '3' });
    const known = await hubspotAnswering({ status: 200, body: { results: [traced] } });
    const [, , third] = updates;
    const one = third === undefined ? [] : [third];
    const survivor = [{ item: '3', outcome: 'written', recordId: '30' }];
    expect(await known.connector.update(one, 'fields')).toMatchObject(survivor);

    const silent = await hubspotAnswering(
      { status: 200, body: { results: [written('30')] } },
      { status: 200, body: { results: [written('30')] } },
      { status: 200, body: { results: [written('30')] } },
    );
    expect(await silent.connector.update(one, 'fields')).toMatchObject(survivor);
  });

  test('is to be repeated when an item is missing from the answer even so', async () => {
    const some = { status: 200, body: { results: [written('1')] } };
    const { connector } = await hubspotAnswering(
      some,
      { status: 200, body: { results: [written('2'), written('3')] } },
      { status: 200, body: { results: [written('2')] } },
    );
    await expect(connector.update(updates, 'fields')).rejects.toMatchObject({ code: 'incomplete_answer' });
  });
});

/** Answers HubSpot is known, or may be expected, to give to a batch. Shapes: facts/hubspot.md §4.2. */
import type { Connector, CrmUpsert } from '@sangam/core/crm';
import { describe, expect, test } from 'vitest';
import { createHubspotConnector } from './connector.ts';
import { properties } from './properties.ts';
import { bodyOf, serve } from './test-server.ts';

interface Canned {
  readonly status: number;
  readonly body: object;
}

/** A connector whose HubSpot gives these answers, one a request, and the bodies it sent. */
async function hubspotAnswering(...answers: Canned[]): Promise<{ connector: Connector; sent: unknown[] }> {
  const sent: unknown[] = [];
  const basePath = await serve(async (request, response) => {
    sent.push(JSON.parse((await bodyOf(request)) || 'null'));
    const { status, body } = answers.shift() ?? { status: 500, body: {} };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  return { connector: createHubspotConnector({ basePath, accessToken: async () => 'token' }), sent };
}

/** What HubSpot says when asked for its properties, ours among them. */
const portal: Canned = { status: 200, body: { results: properties } };

const upsertsOf = (...contactIds: string[]): CrmUpsert[] =>
  contactIds.map((contactId) => ({ contactId, values: { firstname: 'Asha' } }));

const result = (id: string, contactId: string, isNew = true): object => ({
  id,
  new: isNew,
  properties: { sangam_contact_id: contactId },
});

const taken = (property: string): string =>
  `Cannot set PropertyValueCoordinates{portalId=1, propertyName=${property}, value=x} on 7. 51 already has that value.`;

describe('upsert', () => {
  test('sends the key as id and among the properties, with a trace id', async () => {
    const { connector, sent } = await hubspotAnswering({
      status: 200,
      body: { results: [result('1', 'a')] },
    });
    await connector.upsert(upsertsOf('a'));
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
    expect(await connector.upsert(upsertsOf('a', 'b'))).toEqual([
      { contactId: 'a', outcome: 'written', recordId: '1', created: true },
      { contactId: 'b', outcome: 'written', recordId: '2', created: false },
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
    expect(await connector.upsert(upsertsOf('a', 'b'))).toEqual([
      { contactId: 'a', outcome: 'written', recordId: '1', created: false },
      {
        contactId: 'b',
        outcome: 'refused',
        code: 'INVALID_ALPHA',
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
    await expect(connector.upsert(upsertsOf('a', 'b'))).rejects.toMatchObject({
      code: 'batch_refused',
      retry: 'never',
    });
    expect(await connector.upsert(upsertsOf('b'))).toMatchObject([{ contactId: 'b', outcome: 'refused' }]);
  });

  test('is to be repeated when an item is missing from the answer', async () => {
    const { connector } = await hubspotAnswering({ status: 200, body: { results: [result('1', 'a')] } });
    await expect(connector.upsert(upsertsOf('a', 'b'))).rejects.toMatchObject({
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
    expect(await connector.upsert(upsertsOf('a'))).toEqual([
      { contactId: 'a', outcome: 'written', recordId: '51', created: false },
    ]);

    const { connector: unlucky } = await hubspotAnswering(conflict, conflict);
    expect(await unlucky.upsert(upsertsOf('a'))).toMatchObject([{ outcome: 'refused', code: 'conflict' }]);
  });

  test.each([
    ['another unique value', { status: 400, body: { message: taken('nickname') } }, /record 51 .* nickname/],
    [
      'an e-mail',
      { status: 409, body: { category: 'CONFLICT', message: 'Contact already exists. Existing ID: 51' } },
      /record 51 .* its e-mail/,
    ],
  ])('names the record that already holds %s', async (_, conflict, explanation) => {
    const { connector } = await hubspotAnswering(conflict);
    expect(await connector.upsert(upsertsOf('a'))).toEqual([
      {
        contactId: 'a',
        outcome: 'refused',
        code: 'conflict',
        explanation: expect.stringMatching(explanation) as unknown,
      },
    ]);
  });

  test('needs a person, not halving, when a property is missing', async () => {
    const body = {
      message: 'Property values were not valid: [{"error":"PROPERTY_DOESNT_EXIST","name":"wa_bsuid"}]',
    };
    const { connector } = await hubspotAnswering({ status: 400, body });
    await expect(connector.upsert(upsertsOf('a'))).rejects.toMatchObject({
      code: 'not_provisioned',
      retry: 'never',
    });
  });
});

describe('read', () => {
  test('leaves out who is not there, and gives every mapped field', async () => {
    const { connector } = await hubspotAnswering({
      status: 207,
      body: {
        results: [{ id: '1', properties: { sangam_contact_id: 'a', firstname: 'Asha', lastname: null } }],
        errors: [{ category: 'OBJECT_NOT_FOUND', context: { ids: ['b'] } }],
      },
    });
    const [record, ...others] = await connector.read(['a', 'b']);
    expect(others).toEqual([]);
    expect(record).toMatchObject({
      recordId: '1',
      contactId: 'a',
      values: { firstname: 'Asha', lastname: '' },
    });
    expect(Object.keys(record?.values ?? {})).toEqual(connector.mapping.map(({ crmField }) => crmField));
  });

  test('takes no other error for "not there": that would make a record twice', async () => {
    const { connector } = await hubspotAnswering({
      status: 207,
      body: { results: [], errors: [{ category: 'INTERNAL_ERROR', context: { ids: ['a'] } }] },
    });
    await expect(connector.read(['a'])).rejects.toMatchObject({ code: 'incomplete_answer', retry: 'later' });
  });
});

test('an empty batch makes no call, and one too large is a bug', async () => {
  const { connector, sent } = await hubspotAnswering();
  expect(await connector.read([])).toEqual([]);
  expect(await connector.upsert([])).toEqual([]);
  expect(sent).toEqual([]);
  const many = Array.from({ length: connector.batchSize + 1 }, (_, n) => String(n));
  await expect(connector.read(many)).rejects.toThrow(RangeError);
  await expect(connector.upsert(upsertsOf(...many))).rejects.toThrow(RangeError);
});

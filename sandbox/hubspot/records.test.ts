import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  startSandboxFixture,
  upserts,
  withUniqueProperty,
  type SandboxFixture,
} from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;
const root = '/crm/objects/2026-03/contacts';

beforeEach(async () => {
  fixture = await startSandboxFixture();
  await withUniqueProperty(fixture);
});

afterEach(() => fixture.stop());

const create = (properties: object) => fixture.hubspot('POST', root, { properties });
const patch = (id: string, properties: object) => fixture.hubspot('PATCH', `${root}/${id}`, { properties });
const upsert = (body: object) => fixture.hubspot('POST', `${root}/batch/upsert`, body);
const batchRead = (body: object) => fixture.hubspot('POST', `${root}/batch/read`, body);
const count = async () =>
  ((await fixture.call('GET', '/hubspot/records/contacts')).body as { results: object[] }).results.length;

describe('one record', () => {
  test('is created, read by id or by a unique property, changed and archived', async () => {
    const made = await create({ email: 'Asha@Example.com', firstname: 'Asha', our_key: 'k+1/ü' });
    expect(made).toMatchObject({
      status: 201,
      body: { id: '101', properties: { email: 'asha@example.com' } },
    });
    for (const path of [
      '101',
      'asha@example.com?idProperty=email',
      `${encodeURIComponent('k+1/ü')}?idProperty=our_key`,
    ]) {
      expect(await fixture.hubspot('GET', `${root}/${path}`)).toMatchObject({
        status: 200,
        body: { id: '101' },
      });
    }
    expect(await fixture.hubspot('GET', `${root}/101?properties=firstname,phone`)).toMatchObject({
      body: { properties: { firstname: 'Asha', phone: null, hs_object_id: '101' }, archived: false },
    });
    expect(await patch('101', { lastname: 'Rao' })).toMatchObject({
      status: 200,
      body: { properties: { lastname: 'Rao' } },
    });
    expect(await fixture.hubspot('DELETE', `${root}/101`)).toMatchObject({ status: 204 });
    expect(await fixture.hubspot('GET', `${root}/101`)).toMatchObject({
      status: 404,
      body: { status: 'error', category: 'OBJECT_NOT_FOUND' },
    });
    expect(await patch('101', { lastname: 'Rao' })).toMatchObject({ status: 404 });
  });

  test('needs one of email, firstname and lastname', async () => {
    expect(await create({ phone: '+919812345678' })).toMatchObject({
      status: 400,
      body: { category: 'VALIDATION_ERROR' },
    });
    expect(await create({ phone: '+919812345678', firstname: '' })).toMatchObject({ status: 400 });
    for (const name of ['email', 'firstname', 'lastname']) {
      expect(await create({ [name]: 'a@b.example' })).toMatchObject({ status: 201 });
    }
  });

  test('is not found by a property that is not unique', async () => {
    await create({ firstname: 'Asha', phone: '1' });
    expect(await fixture.hubspot('GET', `${root}/1?idProperty=phone`)).toMatchObject({ status: 400 });
    expect(await batchRead({ inputs: [{ id: '1' }], idProperty: 'phone' })).toMatchObject({ status: 400 });
  });
});

describe('conflicts', () => {
  test('a taken e-mail is a 409 naming its holder, however it is written', async () => {
    await create({ email: 'a@b.example' });
    expect(await create({ email: 'A@B.example' })).toMatchObject({
      status: 409,
      body: { category: 'CONFLICT', message: 'Contact already exists. Existing ID: 101' },
    });
  });

  test('a taken unique value is a 400 naming the record written, then its holder', async () => {
    await create({ firstname: 'A', our_key: 'k1' });
    await create({ firstname: 'B', our_key: 'k2' });
    expect((await patch('102', { our_key: 'k1' })).body).toMatchObject({
      category: 'VALIDATION_ERROR',
      message:
        'Cannot set PropertyValueCoordinates{portalId=24111972, propertyName=our_key, value=k1} on 102. 101 already has that value.',
    });
  });

  test('a value given up or deleted is free again', async () => {
    await create({ firstname: 'A', our_key: 'k1' });
    await patch('101', { our_key: 'other' });
    expect(await create({ firstname: 'B', our_key: 'k1' })).toMatchObject({ status: 201 });
    await fixture.hubspot('DELETE', `${root}/102`);
    expect(await create({ firstname: 'C', our_key: 'k1' })).toMatchObject({ status: 201 });
  });

  test('rule archivedKeepsUniqueValues: a deleted record still holds its values', async () => {
    await fixture.call('PUT', '/hubspot/rules', { archivedKeepsUniqueValues: true });
    await create({ firstname: 'A', our_key: 'k1' });
    await fixture.hubspot('DELETE', `${root}/101`);
    const { inputs } = { inputs: [{ id: 'k1', idProperty: 'our_key', properties: { firstname: 'B' } }] };
    expect(await upsert({ inputs })).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/101 already has that value/) as string },
    });
  });
});

describe('batch upsert', () => {
  test('creates, then updates, and says which', async () => {
    const first = await upsert(upserts(100));
    expect(first).toMatchObject({ status: 200, body: { status: 'COMPLETE' } });
    const news = ({ body }: { body: unknown }) =>
      (body as { results: { new: boolean }[] }).results.map((result) => result.new);
    expect(news(first)).toEqual(Array(100).fill(true));
    expect(news(await upsert(upserts(100, { city: 'Pune' })))).toEqual(Array(100).fill(false));
    expect(await count()).toBe(100);
  });

  test('takes at most 100, and at least one', async () => {
    expect(await upsert(upserts(101))).toMatchObject({ status: 400 });
    expect(await upsert({ inputs: [] })).toMatchObject({ status: 400 });
    expect(await count()).toBe(0);
  });

  test.each([
    ['PROPERTY_DOESNT_EXIST', { nonsense: '1' }],
    ['INVALID_OPTION', { lifecyclestage: 'nonsense' }],
    ['READ_ONLY_VALUE', { createdate: '2026-01-01' }],
  ])('%s of one input refuses them all', async (code, properties) => {
    const { inputs } = upserts(3);
    const bad = { id: 'bad', idProperty: 'our_key', properties: { firstname: 'A', ...properties } };
    const { status, body } = await upsert({ inputs: [...inputs, bad] });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      status: 'error',
      category: 'VALIDATION_ERROR',
      message: expect.stringContaining(`"error":"${code}"`) as string,
      errors: [{ code, context: { propertyName: Object.keys(properties) } }],
    });
    expect(await count()).toBe(0);
  });

  test('two new records of one batch cannot share a unique value', async () => {
    const { inputs } = upserts(2, { email: 'same@b.example' });
    expect(await upsert({ inputs })).toMatchObject({ status: 409 });
    expect(await count()).toBe(0);
  });

  test('a leading semicolon adds checkbox options, and without it they are replaced', async () => {
    const options = ['a', 'b', 'c'].map((value) => ({ label: value, value }));
    const tags = {
      name: 'tags',
      label: 'Tags',
      groupName: 'contactinformation',
      type: 'enumeration',
      fieldType: 'checkbox',
    };
    await fixture.hubspot('POST', '/crm/properties/2026-03/contacts', { ...tags, options });
    const written = async (value: string) =>
      ((await upsert(upserts(1, { tags: value }))).body as { results: { properties: { tags: string } }[] })
        .results[0]?.properties.tags;
    expect(await written('a;b')).toBe('a;b');
    expect(await written(';c;a')).toBe('a;b;c');
    expect(await written('c')).toBe('c');
    expect(await written('')).toBe(null);
  });

  test('rule duplicateInputs: one record twice is refused, or merged', async () => {
    const { inputs } = upserts(1);
    const twice = {
      inputs: [...inputs, { id: 'key-0', idProperty: 'our_key', properties: { lastname: 'Rao' } }],
    };
    expect(await upsert(twice)).toMatchObject({ status: 400 });
    await fixture.call('PUT', '/hubspot/rules', { duplicateInputs: 'merged' });
    expect(await upsert(twice)).toMatchObject({ status: 200 });
    expect((await fixture.call('GET', '/hubspot/records/contacts')).body).toMatchObject({
      results: [{ properties: { firstname: 'Asha 0', lastname: 'Rao' } }],
    });
  });

  test('rule upsertIdInProperties: the key is filled in, or must be repeated', async () => {
    expect(await upsert(upserts(1))).toMatchObject({
      body: { results: [{ properties: { our_key: 'key-0' } }] },
    });
    await fixture.call('PUT', '/hubspot/rules', { upsertIdInProperties: 'required' });
    expect(await upsert(upserts(1))).toMatchObject({ status: 400 });
    expect(await upsert(upserts(1, { our_key: 'key-0' }))).toMatchObject({ status: 200 });
  });

  test('rule traceIdsAnswerPerItem: trace ids split the answer of a create, or of every write', async () => {
    const good = {
      id: 'good',
      idProperty: 'our_key',
      properties: { firstname: 'A' },
      objectWriteTraceId: 'trace-good',
    };
    const bad = {
      id: 'bad',
      idProperty: 'our_key',
      properties: { nonsense: '1' },
      objectWriteTraceId: 'trace-bad',
    };
    const split = {
      status: 207,
      body: {
        results: [{ properties: { firstname: 'A' }, objectWriteTraceId: 'trace-good' }],
        numErrors: 1,
        errors: [{ category: 'VALIDATION_ERROR', context: { objectWriteTraceId: ['trace-bad'] } }],
      },
    };
    expect(await fixture.hubspot('POST', `${root}/batch/create`, { inputs: [good, bad] })).toMatchObject(
      split,
    );
    expect(await upsert({ inputs: [good, bad] })).toMatchObject({ status: 400 });
    await fixture.call('PUT', '/hubspot/rules', { traceIdsAnswerPerItem: 'every write' });
    expect(await upsert({ inputs: [good, bad] })).toMatchObject(split);
  });
});

describe('the other batches', () => {
  test('read: missing ones make it a 207 that names them', async () => {
    await upsert(upserts(2));
    const idProperty = 'our_key';
    const found = await batchRead({
      inputs: [{ id: 'key-0' }, { id: 'key-1' }],
      idProperty,
      properties: ['phone'],
    });
    expect(found).toMatchObject({
      status: 200,
      body: { results: [{ id: '101', properties: { our_key: 'key-0', phone: null } }, { id: '102' }] },
    });
    const missing = await batchRead({ inputs: [{ id: 'key-0' }, { id: 'gone' }], idProperty });
    expect(missing).toMatchObject({
      status: 207,
      body: {
        results: [{ id: '101' }],
        numErrors: 1,
        errors: [{ category: 'OBJECT_NOT_FOUND', context: { ids: ['gone'] } }],
      },
    });
  });

  test('create: all or none', async () => {
    const one = { properties: { firstname: 'A' } };
    const make = (inputs: object[]) => fixture.hubspot('POST', `${root}/batch/create`, { inputs });
    expect(await make([one, { properties: { phone: '1' } }])).toMatchObject({ status: 400 });
    expect(await count()).toBe(0);
    expect(await make([one, one])).toMatchObject({ status: 201, body: { results: [{}, {}] } });
  });

  test('update: by id or unique property, each by itself', async () => {
    await upsert(upserts(2));
    const update = (inputs: object[]) => fixture.hubspot('POST', `${root}/batch/update`, { inputs });
    const both = [
      { id: '101', properties: { city: 'Pune' } },
      { id: 'key-1', idProperty: 'our_key', properties: { city: 'Pune' } },
    ];
    expect(await update(both)).toMatchObject({
      status: 200,
      body: { results: [{ properties: { city: 'Pune' } }, {}] },
    });
    expect(
      await update([
        { id: '101', properties: { city: 'Delhi' } },
        { id: '999', properties: {} },
      ]),
    ).toMatchObject({
      status: 207,
      body: {
        results: [{ id: '101', properties: { city: 'Delhi' } }],
        numErrors: 1,
        errors: [
          { status: 'error', category: 'OBJECT_NOT_FOUND', context: { ids: ['999'] }, errors: [], links: {} },
        ],
        startedAt: expect.stringMatching(/Z$/) as unknown,
        completedAt: expect.stringMatching(/Z$/) as unknown,
      },
    });
    const bad = { id: '102', properties: { our_key: 'key-0' } };
    expect(await update([bad, { ...bad, objectWriteTraceId: 'trace' }])).toMatchObject({
      status: 207,
      body: {
        results: [],
        errors: [{ context: { ids: ['102'] } }, { context: { objectWriteTraceId: ['trace'] } }],
      },
    });
  });

  test('rule updateFailsPerItem: false refuses the whole', async () => {
    await fixture.call('PUT', '/hubspot/rules', { updateFailsPerItem: false });
    await upsert(upserts(1));
    expect(
      await fixture.hubspot('POST', `${root}/batch/update`, {
        inputs: [
          { id: '101', properties: { city: 'Delhi' } },
          { id: '999', properties: {} },
        ],
      }),
    ).toMatchObject({ status: 404 });
    expect((await fixture.hubspot('GET', `${root}/101?properties=city`)).body).toMatchObject({
      properties: { city: null },
    });
  });

  test('list: pages of at most 100', async () => {
    await upsert(upserts(3));
    const first = await fixture.hubspot('GET', `${root}?limit=2`);
    expect(first.body).toMatchObject({
      results: [{ id: '101' }, { id: '102' }],
      paging: { next: { after: '102' } },
    });
    const rest = await fixture.hubspot('GET', `${root}?limit=2&after=102`);
    expect(rest.body).toMatchObject({ results: [{ id: '103' }] });
    expect(rest.body).not.toHaveProperty('paging');
  });
});

describe('versions', () => {
  test.each([
    '/crm/objects/2026-09/contacts',
    '/crm/objects/v3/contacts',
    '/crm/v3/objects/contacts',
    '/crm/objects/2026-03/0-1',
  ])('%s is answered', async (path) => {
    expect(await fixture.hubspot('POST', path, { properties: { firstname: 'A' } })).toMatchObject({
      status: 201,
    });
  });

  test('another version slot is not', async () => {
    expect(
      await fixture.hubspot('POST', '/crm/objects/v9/contacts', { properties: { firstname: 'A' } }),
    ).toMatchObject({ status: 404 });
  });

  test('rule requiredOnCreate: enforced from 2026-09 on, and only on what is new', async () => {
    await fixture.call('PUT', '/hubspot/rules', { requiredOnCreate: ['company'] });
    const inputs = upserts(1);
    expect(await fixture.hubspot('POST', '/crm/objects/2026-09/contacts/batch/upsert', inputs)).toMatchObject(
      {
        status: 400,
        body: { errors: [{ code: 'MISSING_REQUIRED_PROPERTY', context: { propertyName: ['company'] } }] },
      },
    );
    expect(await upsert(inputs)).toMatchObject({ status: 200 });
    expect(await fixture.hubspot('POST', '/crm/objects/2026-09/contacts/batch/upsert', inputs)).toMatchObject(
      {
        status: 200,
      },
    );
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  startSandboxFixture,
  upserts,
  withUniqueProperty,
  type SandboxFixture,
} from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;
const root = '/crm/properties/2026-03/contacts';
const plain = {
  name: 'note',
  label: 'Note',
  groupName: 'contactinformation',
  type: 'string',
  fieldType: 'text',
};

beforeEach(async () => {
  fixture = await startSandboxFixture();
});

afterEach(() => fixture.stop());

const create = (property: object) => fixture.hubspot('POST', root, property);

test('a new portal has the standard properties we touch', async () => {
  const { body } = await fixture.hubspot('GET', root);
  const names = (body as { results: { name: string }[] }).results.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining([
      'email',
      'firstname',
      'lastname',
      'phone',
      'mobilephone',
      'hs_whatsapp_phone_number',
      'lifecyclestage',
      'hs_lead_status',
      'hubspot_owner_id',
      'createdate',
      'lastmodifieddate',
      'hs_object_id',
    ]),
  );
});

test('a property is created, read, changed and removed', async () => {
  expect(await create(plain)).toMatchObject({
    status: 201,
    body: { name: 'note', hasUniqueValue: false, options: [] },
  });
  expect(
    await fixture.hubspot('PATCH', `${root}/note`, { label: 'Notes', hasUniqueValue: true }),
  ).toMatchObject({
    status: 200,
    body: { label: 'Notes', hasUniqueValue: false },
  });
  expect(await fixture.hubspot('GET', `${root}/note`)).toMatchObject({
    status: 200,
    body: { label: 'Notes' },
  });
  expect(await fixture.hubspot('DELETE', `${root}/note`)).toMatchObject({ status: 204 });
  expect(await fixture.hubspot('GET', `${root}/note`)).toMatchObject({ status: 404 });
  expect(await fixture.hubspot('DELETE', `${root}/email`)).toMatchObject({ status: 400 });
});

test('what an app may not write is said in the metadata, and refused', async () => {
  const name = 'hs_searchable_calculated_phone_number';
  expect(await fixture.hubspot('GET', `${root}/${name}`)).toMatchObject({
    body: {
      calculated: true,
      hidden: true,
      archived: false,
      hubspotDefined: true,
      modificationMetadata: { readOnlyValue: true, readOnlyDefinition: true, archivable: false },
    },
  });
  await create({ ...plain, hidden: true });
  expect(await fixture.hubspot('GET', `${root}/note`)).toMatchObject({
    body: {
      calculated: false,
      hidden: true,
      hubspotDefined: false,
      modificationMetadata: { readOnlyValue: false, readOnlyDefinition: false, archivable: true },
    },
  });
  for (const readOnly of [name, 'createdate', 'hs_merged_object_ids']) {
    const properties = { firstname: 'A', [readOnly]: '1' };
    expect(await fixture.hubspot('POST', '/crm/objects/2026-03/contacts', { properties })).toMatchObject({
      status: 400,
      body: { errors: [{ code: 'READ_ONLY_VALUE' }] },
    });
  }
});

test('a property that vanished refuses writes and is no longer read', async () => {
  await withUniqueProperty(fixture);
  await create(plain);
  await fixture.hubspot('POST', '/crm/objects/2026-03/contacts/batch/upsert', upserts(1, { note: 'x' }));
  await fixture.hubspot('DELETE', `${root}/note`);
  const again = await fixture.hubspot(
    'POST',
    '/crm/objects/2026-03/contacts/batch/upsert',
    upserts(1, { note: 'y' }),
  );
  expect(again).toMatchObject({ status: 400, body: { errors: [{ code: 'PROPERTY_DOESNT_EXIST' }] } });
  const { body } = await fixture.call('GET', '/hubspot/records/contacts/101');
  expect(body).not.toHaveProperty('properties.note');
});

test.each([409, 400])('rule existingNameStatus: an existing name is a %i', async (existingNameStatus) => {
  await fixture.call('PUT', '/hubspot/rules', { existingNameStatus });
  await create(plain);
  expect(await create(plain)).toMatchObject({ status: existingNameStatus, body: { status: 'error' } });
  expect(
    await fixture.hubspot('POST', `${root}/groups`, { name: 'contactinformation', label: 'x' }),
  ).toMatchObject({
    status: existingNameStatus,
  });
});

test('a batch with an existing name creates none', async () => {
  await create(plain);
  const inputs = [{ ...plain, name: 'other' }, plain];
  expect(await fixture.hubspot('POST', `${root}/batch/create`, { inputs })).toMatchObject({ status: 409 });
  expect(await fixture.hubspot('GET', `${root}/other`)).toMatchObject({ status: 404 });
  expect(await fixture.hubspot('POST', `${root}/batch/create`, { inputs: inputs.slice(0, 1) })).toMatchObject(
    {
      status: 201,
      body: { results: [{ name: 'other' }] },
    },
  );
});

test('groups are listed and created', async () => {
  expect(await create({ ...plain, groupName: 'ours' })).toMatchObject({ status: 400 });
  expect(
    await fixture.hubspot('POST', `${root}/groups`, { name: 'ours', label: 'Ours', displayOrder: -1 }),
  ).toMatchObject({ status: 201 });
  expect(JSON.stringify((await fixture.hubspot('GET', `${root}/groups`)).body)).toContain('"ours"');
  expect(await create({ ...plain, groupName: 'ours' })).toMatchObject({ status: 201 });
});

test.each([
  ['a name with capitals', { name: 'Note' }],
  ['type and fieldType that do not go together', { type: 'datetime' }],
  ['a bool without its options', { type: 'bool', fieldType: 'booleancheckbox' }],
  [
    'option values twice',
    {
      type: 'enumeration',
      fieldType: 'select',
      options: [
        { label: 'a', value: 'x' },
        { label: 'b', value: 'x' },
      ],
    },
  ],
  ['no label', { label: undefined }],
])('%s is refused', async (_, change) => {
  expect(await create({ ...plain, ...change })).toMatchObject({
    status: 400,
    body: { category: 'VALIDATION_ERROR' },
  });
});

test('at most ten properties may be unique', async () => {
  for (let index = 0; index < 10; index += 1) {
    expect(await create({ ...plain, name: `u${String(index)}`, hasUniqueValue: true })).toMatchObject({
      status: 201,
    });
  }
  expect(await create({ ...plain, name: 'u10', hasUniqueValue: true })).toMatchObject({ status: 400 });
});

test('rule emptyEnumerations: an enumeration without options is accepted, or refused', async () => {
  const tags = { ...plain, type: 'enumeration', fieldType: 'checkbox', options: [] };
  expect(await create({ ...tags, name: 'tags' })).toMatchObject({ status: 201 });
  await fixture.call('PUT', '/hubspot/rules', { emptyEnumerations: 'refused' });
  expect(await create({ ...tags, name: 'tags2' })).toMatchObject({ status: 400 });
});

describe('values as they are read back', () => {
  const kinds: Record<string, object> = {
    time: { type: 'datetime', fieldType: 'date' },
    day: { type: 'date', fieldType: 'date' },
    yes: {
      type: 'bool',
      fieldType: 'booleancheckbox',
      options: [
        { label: 'Yes', value: 'true' },
        { label: 'No', value: 'false' },
      ],
    },
    amount: { type: 'number', fieldType: 'number' },
    choice: { type: 'enumeration', fieldType: 'select', options: [{ label: 'A', value: 'a' }] },
    words: { type: 'string', fieldType: 'textarea' },
  };
  const write = async (name: string, value: unknown) => {
    for (const [property, kind] of Object.entries(kinds)) await create({ ...plain, name: property, ...kind });
    const { status, body } = await fixture.hubspot('POST', '/crm/objects/2026-03/contacts', {
      properties: { firstname: 'A', [name]: value },
    });
    return status === 201 ? (body as { properties: Record<string, unknown> }).properties[name] : status;
  };

  test.each([
    ['time', '2026-11-23T15:30:00+05:30', '2026-11-23T10:00:00Z'],
    ['time', '2026-11-23T10:00:00.120Z', '2026-11-23T10:00:00.120Z'],
    ['time', 1_795_428_000_000, '2026-11-23T10:00:00Z'],
    ['time', 'yesterday', 400],
    ['time', '99999999999999999', 400],
    ['day', '2026-11-23', '2026-11-23'],
    ['day', '2026-11-23T10:00:00Z', 400],
    ['yes', true, 'true'],
    ['yes', 'FALSE', 'false'],
    ['yes', 'maybe', 400],
    ['amount', 12.5, '12.5'],
    ['amount', 'twelve', 400],
    ['amount', ' ', 400],
    ['choice', 'a', 'a'],
    ['choice', 'b', 400],
    ['choice', null, null],
    ['words', 'नमस्ते 👋\n<b>;', 'नमस्ते 👋\n<b>;'],
    ['words', ['a'], 400],
    ['hubspot_owner_id', '30002', '30002'],
    ['hubspot_owner_id', '42', 400],
    ['hubspot_owner_id', 'asha', 400],
    ['email', 'no address', 400],
  ])('%s: %j is %j', async (name, value, expected) => {
    expect(await write(name, value)).toBe(expected);
  });
});

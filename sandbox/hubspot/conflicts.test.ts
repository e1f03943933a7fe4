import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSandboxFixture, withUniqueProperty, type SandboxFixture } from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;
const root = '/crm/objects/2026-03/contacts';

beforeEach(async () => {
  fixture = await startSandboxFixture();
  await withUniqueProperty(fixture);
  await fixture.hubspot('POST', root, {
    properties: { firstname: 'Holder', email: 'taken@b.example', our_key: 'taken' },
  });
  await fixture.hubspot('POST', root, { properties: { firstname: 'Other', our_key: 'other' } });
});

afterEach(() => fixture.stop());

const ways: [name: string, write: (properties: object) => Promise<{ status: number; body: unknown }>][] = [
  ['create', (given) => fixture.hubspot('POST', root, { properties: { firstname: 'A', ...given } })],
  ['update', (given) => fixture.hubspot('PATCH', `${root}/102`, { properties: given })],
  [
    'batch create',
    (given) =>
      fixture.hubspot('POST', `${root}/batch/create`, {
        inputs: [{ properties: { firstname: 'A', ...given } }],
      }),
  ],
  [
    'batch update',
    (given) =>
      fixture.hubspot('POST', `${root}/batch/update`, { inputs: [{ id: '102', properties: given }] }),
  ],
  [
    'batch upsert',
    (given) =>
      fixture.hubspot('POST', `${root}/batch/upsert`, {
        inputs: [{ id: 'other', idProperty: 'our_key', properties: given }],
      }),
  ],
];

describe.each(ways)('%s', (name, write) => {
  beforeEach(() => fixture.call('PUT', '/hubspot/rules', { updateFailsPerItem: false }));

  test('of a taken e-mail is a 409 that names the holder', async () => {
    expect(await write({ email: 'Taken@b.example' })).toMatchObject({
      status: 409,
      body: { category: 'CONFLICT', message: 'Contact already exists. Existing ID: 101' },
    });
  });

  test('of a taken unique value is a 400 that names the record written, then the holder', async () => {
    const written = name.endsWith('create') ? '103' : '102';
    expect(await write({ our_key: 'taken' })).toMatchObject({
      status: 400,
      body: {
        category: 'VALIDATION_ERROR',
        message: `Cannot set PropertyValueCoordinates{portalId=24111972, propertyName=our_key, value=taken} on ${written}. 101 already has that value.`,
      },
    });
  });
});

test('a batch create with trace ids makes what can be made, and names the rest', async () => {
  const inputs = [
    { properties: { firstname: 'A', our_key: 'new' }, objectWriteTraceId: 'good' },
    { properties: { firstname: 'B', our_key: 'taken' }, objectWriteTraceId: 'key' },
    { properties: { email: 'taken@b.example' }, objectWriteTraceId: 'email' },
  ];
  expect(await fixture.hubspot('POST', `${root}/batch/create`, { inputs })).toMatchObject({
    status: 207,
    body: {
      results: [{ objectWriteTraceId: 'good' }],
      numErrors: 2,
      errors: [
        { category: 'VALIDATION_ERROR', context: { objectWriteTraceId: ['key'] } },
        { category: 'CONFLICT', context: { objectWriteTraceId: ['email'] } },
      ],
    },
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSandboxFixture, withUniqueProperty, type SandboxFixture } from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;
const root = '/crm/objects/2026-03/contacts';

beforeEach(async () => {
  fixture = await startSandboxFixture();
  await withUniqueProperty(fixture);
});

afterEach(() => fixture.stop());

const create = (properties: object) => fixture.hubspot('POST', root, { properties });
const merge = (primaryObjectId: string, objectIdToMerge: string) =>
  fixture.hubspot('POST', `${root}/merge`, { primaryObjectId, objectIdToMerge });
const read = (id: string) => fixture.hubspot('GET', `${root}/${id}?properties=hs_merged_object_ids,our_key`);
const asUser = (method: string, path: string, body?: object) =>
  fixture.call(method, `/hubspot/records/contacts${path}`, body);
const ids = async () =>
  ((await asUser('GET', '')).body as { results: { id: string }[] }).results.map(({ id }) => id);

/** As HubSpot was before: the primary lives on under its own id. */
const keepPrimary = () => fixture.call('PUT', '/hubspot/rules', { mergeKeepsPrimaryId: true });

describe('a merge that keeps the primary', () => {
  beforeEach(keepPrimary);

  test('keeps the primary, fills what it lacks, and leaves one record', async () => {
    await create({ firstname: 'Asha', email: 'asha@a.example', our_key: 'k1' });
    await create({ firstname: 'A', lastname: 'Rao', email: 'rao@a.example', our_key: 'k2' });
    expect(await merge('101', '102')).toMatchObject({
      status: 200,
      body: {
        id: '101',
        properties: {
          firstname: 'Asha',
          lastname: 'Rao',
          email: 'asha@a.example',
          our_key: 'k1',
          hs_merged_object_ids: '102',
        },
      },
    });
    expect(await ids()).toEqual(['101']);
    expect(await create({ firstname: 'C', our_key: 'k2' })).toMatchObject({ status: 201 });
  });

  test('moves a unique value the primary lacks', async () => {
    await create({ firstname: 'Asha' });
    await create({ firstname: 'A', our_key: 'k2' });
    await merge('101', '102');
    expect(await fixture.hubspot('GET', `${root}/k2?idProperty=our_key`)).toMatchObject({
      body: { id: '101' },
    });
    expect(await create({ firstname: 'C', our_key: 'k2' })).toMatchObject({ status: 400 });
  });

  test('of merged records lists them all, and each leads to the last survivor', async () => {
    for (const firstname of ['A', 'B', 'C']) await create({ firstname });
    await merge('102', '103');
    await merge('101', '102');
    expect((await read('101')).body).toMatchObject({ properties: { hs_merged_object_ids: '103;102' } });
    for (const id of ['102', '103']) expect((await read(id)).body).toMatchObject({ id: '101' });
    expect(await merge('103', '101')).toMatchObject({ status: 400 });
  });

  test('keeps the other e-mail as an additional one, which stays taken', async () => {
    for (const name of ['a', 'b', 'c']) await create({ firstname: name, email: `${name}@a.example` });
    await merge('102', '103');
    await merge('101', '102');
    const additional = 'hs_additional_emails';
    expect(await fixture.hubspot('GET', `${root}/101?properties=email,${additional}`)).toMatchObject({
      body: { properties: { email: 'a@a.example', [additional]: 'b@a.example;c@a.example' } },
    });
    for (const email of ['a@a.example', 'b@a.example', 'C@a.example']) {
      expect(await create({ email })).toMatchObject({
        status: 409,
        body: { message: 'Contact already exists. Existing ID: 101' },
      });
    }
    expect(await fixture.hubspot('GET', `${root}/c@a.example?idProperty=email`)).toMatchObject({
      body: { id: '101' },
    });
  });

  test('needs two records', async () => {
    await create({ firstname: 'A' });
    expect(await merge('101', '101')).toMatchObject({ status: 400 });
    expect(await merge('101', '999')).toMatchObject({ status: 404 });
    expect(await merge('999', '101')).toMatchObject({ status: 404 });
    expect(await ids()).toEqual(['101']);
  });

  test('is made by a user too', async () => {
    await create({ firstname: 'A' });
    await create({ firstname: 'B', city: 'Pune' });
    expect(await asUser('POST', '/merge', { primaryId: '101', mergedId: '102' })).toMatchObject({
      status: 200,
      body: { id: '101', properties: { city: 'Pune' }, timeline: [] },
    });
    expect(await asUser('POST', '/merge', { primaryId: '101', mergedId: '999' })).toMatchObject({
      status: 404,
    });
    expect(await ids()).toEqual(['101']);
  });
});

describe('the id of a merged-away record', () => {
  beforeEach(async () => {
    await keepPrimary();
    await create({ firstname: 'A' });
    await create({ firstname: 'B' });
    await merge('101', '102');
  });

  test('answers with the survivor, read, written or in a batch', async () => {
    expect((await read('102')).body).toMatchObject({ id: '101' });
    expect(await fixture.hubspot('PATCH', `${root}/102`, { properties: { city: 'Pune' } })).toMatchObject({
      status: 200,
      body: { id: '101', properties: { city: 'Pune' } },
    });
    expect(
      await fixture.hubspot('POST', `${root}/batch/read`, { inputs: [{ id: '101' }, { id: '102' }] }),
    ).toMatchObject({ status: 200, body: { results: [{ id: '101' }] } });
  });

  test('deletes nothing and is not restored', async () => {
    expect(await fixture.hubspot('DELETE', `${root}/102`)).toMatchObject({ status: 404 });
    expect(await asUser('POST', '/102/restore')).toMatchObject({ status: 404 });
    expect(await ids()).toEqual(['101']);
  });

  test('rule mergedIdAnswers: missing', async () => {
    await fixture.call('PUT', '/hubspot/rules', { mergedIdAnswers: 'missing' });
    expect(await read('102')).toMatchObject({ status: 404 });
    expect(await fixture.hubspot('PATCH', `${root}/102`, { properties: {} })).toMatchObject({ status: 404 });
    expect(await fixture.hubspot('POST', `${root}/batch/read`, { inputs: [{ id: '102' }] })).toMatchObject({
      status: 207,
      body: { results: [], errors: [{ context: { ids: ['102'] } }] },
    });
  });
});

test('a merge makes a new record of both', async () => {
  await create({ firstname: 'Asha', our_key: 'k1' });
  await create({ firstname: 'A', lastname: 'Rao', our_key: 'k2' });
  expect(await merge('101', '102')).toMatchObject({
    body: {
      id: '103',
      properties: {
        firstname: 'Asha',
        lastname: 'Rao',
        our_key: 'k1',
        hs_object_id: '103',
        hs_merged_object_ids: '101;102',
      },
    },
  });
  expect(await ids()).toEqual(['103']);
  for (const id of ['101', '102']) expect((await read(id)).body).toMatchObject({ id: '103' });
  expect(await fixture.hubspot('GET', `${root}/k1?idProperty=our_key`)).toMatchObject({
    body: { id: '103' },
  });
  expect(await create({ firstname: 'Next' })).toMatchObject({ body: { id: '104' } });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSandboxFixture, withUniqueProperty, type SandboxFixture } from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;
const root = '/crm/objects/2026-03/contacts';
const day = 86_400_000;

beforeEach(async () => {
  fixture = await startSandboxFixture();
  await withUniqueProperty(fixture);
});

afterEach(() => fixture.stop());

const create = (properties: object) => fixture.hubspot('POST', root, { properties });
const asUser = (method: string, path: string, body?: object) =>
  fixture.call(method, `/hubspot/records/contacts${path}`, body);
const restore = (id: string) => asUser('POST', `/${id}/restore`);
const archived = async () => (await fixture.hubspot('GET', `${root}?archived=true`)).body;
const ids = async () =>
  ((await asUser('GET', '')).body as { results: { id: string }[] }).results.map(({ id }) => id);

test('archived records are listed apart, with the time', async () => {
  for (const firstname of ['A', 'B', 'C']) await create({ firstname });
  const { status } = await fixture.hubspot('POST', `${root}/batch/archive`, {
    inputs: [{ id: '101' }, { id: '103' }, { id: '999' }],
  });
  expect(status).toBe(204);
  expect(await ids()).toEqual(['102']);
  expect(await archived()).toMatchObject({
    results: [
      {
        id: '101',
        archived: true,
        archivedAt: expect.stringMatching(/Z$/) as string,
        properties: { firstname: 'A' },
      },
      { id: '103' },
    ],
  });
  expect((await fixture.hubspot('GET', `${root}?archived=true&limit=1`)).body).toMatchObject({
    paging: { next: { after: '101' } },
  });
});

test('batch archive takes at most 100', async () => {
  const inputs = Array.from({ length: 101 }, (_, index) => ({ id: String(index) }));
  expect(await fixture.hubspot('POST', `${root}/batch/archive`, { inputs })).toMatchObject({ status: 400 });
});

describe('restoring', () => {
  test('brings back the record, its unique values and its timeline', async () => {
    await create({ firstname: 'A', our_key: 'k1' });
    await fixture.hubspot('POST', '/crm/objects/2026-03/communications', {
      properties: {
        hs_communication_channel_type: 'WHATS_APP',
        hs_communication_logged_from: 'CRM',
        hs_communication_body: 'Hello',
        hs_timestamp: '2026-11-23T10:00:00Z',
      },
      associations: [
        { to: { id: '101' }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 81 }] },
      ],
    });
    await asUser('DELETE', '/101');
    expect(await restore('101')).toMatchObject({
      status: 200,
      body: { id: '101', properties: { firstname: 'A' }, timeline: [{ text: 'Hello' }] },
    });
    expect(await fixture.hubspot('GET', `${root}/k1?idProperty=our_key`)).toMatchObject({ status: 200 });
    expect(await archived()).toMatchObject({ results: [] });
  });

  test('is possible for 90 days', async () => {
    for (const firstname of ['A', 'B']) await create({ firstname });
    await asUser('DELETE', '/101');
    await asUser('DELETE', '/102');
    await fixture.call('PUT', '/clock', { advanceMs: 90 * day - 60_000 });
    expect(await restore('101')).toMatchObject({ status: 200 });
    await fixture.call('PUT', '/clock', { advanceMs: 60_000 });
    expect(await restore('102')).toMatchObject({ status: 400 });
    expect(await restore('999')).toMatchObject({ status: 404 });
  });

  test('is refused where a unique value stands on another record by now', async () => {
    await create({ firstname: 'A', our_key: 'k1' });
    await asUser('DELETE', '/101');
    await create({ firstname: 'B', our_key: 'k1' });
    expect(await restore('101')).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('102 already has that value') as string } },
    });
    expect(await ids()).toEqual(['102']);
  });
});

describe('privacy deletion', () => {
  const communications = '/crm/objects/2026-03/communications';

  beforeEach(async () => {
    await create({ firstname: 'A', email: 'a@b.example', our_key: 'k1' });
    await fixture.hubspot('POST', communications, {
      properties: {
        hs_communication_channel_type: 'WHATS_APP',
        hs_communication_logged_from: 'CRM',
        hs_communication_body: 'secret',
        hs_timestamp: '2026-11-23T10:00:00Z',
      },
      associations: [
        { to: { id: '101' }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 81 }] },
      ],
    });
  });

  const gone = async () => {
    expect(await ids()).toEqual([]);
    expect(await archived()).toMatchObject({ results: [] });
    expect(await fixture.hubspot('GET', `${communications}/101`)).toMatchObject({ status: 404 });
    expect(await restore('101')).toMatchObject({ status: 404 });
    expect(await create({ firstname: 'B', our_key: 'k1' })).toMatchObject({
      status: 201,
      body: { id: '102' },
    });
  };

  test.each([{ objectId: '101' }, { objectId: 'A@b.example', idProperty: 'email' }])(
    'by an app is for ever, case %#',
    async (body) => {
      expect(await fixture.hubspot('POST', `${root}/gdpr-delete`, body)).toMatchObject({ status: 204 });
      await gone();
      expect(await fixture.hubspot('POST', `${root}/gdpr-delete`, body)).toMatchObject({ status: 404 });
    },
  );

  test('names a person by a unique property only', async () => {
    expect(
      await fixture.hubspot('POST', `${root}/gdpr-delete`, { objectId: 'A', idProperty: 'firstname' }),
    ).toMatchObject({ status: 400 });
    expect(await ids()).toEqual(['101']);
  });

  test('leaves alone what another record took over', async () => {
    await asUser('DELETE', '/101');
    await create({ firstname: 'B', our_key: 'k1' });
    await asUser('POST', '/101/privacy-deletion');
    expect(await fixture.hubspot('GET', `${root}/k1?idProperty=our_key`)).toMatchObject({
      body: { id: '102' },
    });
  });

  test('by a user likewise, also of an archived record', async () => {
    await asUser('DELETE', '/101');
    expect(await asUser('POST', '/101/privacy-deletion')).toMatchObject({ status: 204 });
    await gone();
    expect(await asUser('POST', '/101/privacy-deletion')).toMatchObject({ status: 404 });
  });
});

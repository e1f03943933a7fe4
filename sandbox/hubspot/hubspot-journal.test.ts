import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSandboxFixture, withUniqueProperty, type SandboxFixture } from '../testing/sandbox-fixture.ts';

let dataDir: string;
let fixture: SandboxFixture;
const contacts = '/crm/objects/2026-03/contacts';
const communications = '/crm/objects/2026-03/communications';

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'sangam-hubspot-'));
  fixture = await startSandboxFixture({ dataDir });
});

afterEach(async () => {
  await fixture.stop();
  await rm(dataDir, { recursive: true });
});

const log = (text: string, id: string) =>
  fixture.hubspot('POST', communications, {
    properties: {
      hs_communication_channel_type: 'WHATS_APP',
      hs_communication_logged_from: 'CRM',
      hs_communication_body: text,
      hs_timestamp: '2026-11-23T10:00:00Z',
      our_marker: text,
    },
    associations: [
      { to: { id }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 81 }] },
    ],
  });

/** All the portal can be asked. */
async function everything(): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const [method, where] of [
    ['GET', '/records/contacts'],
    ['GET', '/records/communications'],
    ['GET', '/records/contacts/103'],
  ] as const) {
    answers.push((await fixture.call(method, `/hubspot${where}`)).body);
  }
  for (const where of [
    `${contacts}?archived=true`,
    `${contacts}/k2?idProperty=our_key`,
    `${contacts}/102`,
    `${communications}?archived=true`,
    `${communications}/101/associations/contacts`,
    '/crm/properties/2026-03/communications',
  ]) {
    const { status, body } = await fixture.hubspot('GET', where);
    answers.push({ status, body });
  }
  return answers;
}

async function restart(): Promise<void> {
  await fixture.stop();
  fixture = await startSandboxFixture({ dataDir, rules: { hubspot: { searchLagMs: 3_600_000 } } });
}

test('a portal is the same after a restart, read back line by line and then from its summary', async () => {
  await withUniqueProperty(fixture);
  const marker = { name: 'our_marker', label: 'Marker', groupName: 'communication' };
  await fixture.hubspot('POST', '/crm/properties/2026-03/communications', {
    ...marker,
    type: 'string',
    fieldType: 'text',
  });
  await fixture.call('POST', '/hubspot/records/contacts/batch', {
    records: Array.from({ length: 150 }, (_, index) => ({
      properties: { firstname: `A${String(index)}`, our_key: `k${String(index + 1)}` },
    })),
  });
  await log('merged', '102');
  await log('kept', '103');
  await log('archived', '103');
  await log('erased', '104');
  await fixture.hubspot('PUT', `${communications}/102/associations/default/contacts/101`);
  await fixture.hubspot('PATCH', `${contacts}/101`, { properties: { our_key: '' } });
  await fixture.hubspot('POST', `${contacts}/merge`, { primaryObjectId: '101', objectIdToMerge: '102' });
  await fixture.hubspot('DELETE', `${communications}/103`);
  await fixture.call('POST', '/hubspot/records/contacts/104/privacy-deletion');
  for (const id of ['105', '106']) await fixture.hubspot('DELETE', `${contacts}/${id}`);
  await fixture.call('POST', '/hubspot/records/contacts/106/restore');
  await fixture.call('POST', '/hubspot/records/contacts/250/privacy-deletion');

  const before = await everything();
  expect(JSON.stringify(before)).toContain('"text":"merged"');
  await restart();
  expect(await everything()).toEqual(before);
  await restart();
  expect(await everything()).toEqual(before);

  // Search has long known what was before the start.
  expect(await fixture.hubspot('POST', `${contacts}/search`, {})).toMatchObject({ body: { total: 146 } });

  // Ids are never given twice, and what was archived can still be restored.
  expect(await fixture.hubspot('POST', contacts, { properties: { firstname: 'B' } })).toMatchObject({
    body: { id: '252' },
  });
  expect(await fixture.call('POST', '/hubspot/records/contacts/105/restore')).toMatchObject({ status: 200 });
  expect(await fixture.call('POST', '/hubspot/records/contacts/104/restore')).toMatchObject({ status: 404 });
});

import { appendFile, chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  startSandboxFixture,
  told,
  upserts,
  withUniqueProperty,
  type SandboxFixture,
} from './testing/sandbox-fixture.ts';

let dataDir: string;
let fixtures: SandboxFixture[];

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'sangam-sandbox-'));
  fixtures = [];
});

afterEach(async () => {
  for (const fixture of fixtures) await fixture.stop();
  await rm(dataDir, { recursive: true });
});

const start = async (): Promise<SandboxFixture> => {
  const fixture = await startSandboxFixture({ dataDir });
  fixtures.push(fixture);
  return fixture;
};
const restart = async (fixture: SandboxFixture): Promise<SandboxFixture> => {
  await fixture.stop();
  fixtures = fixtures.filter((other) => other !== fixture);
  return start();
};
const records = async (fixture: SandboxFixture): Promise<unknown> =>
  (await fixture.call('GET', '/hubspot/records/contacts')).body;
const journal = () => path.join(dataDir, 'sandbox.jsonl');

test('nobody else may read the journal, whatever an earlier start left behind', async () => {
  await writeFile(`${journal()}.new`, 'cut off');
  await chmod(`${journal()}.new`, 0o666);
  await start();
  expect((await stat(journal())).mode & 0o777).toBe(0o600);
});

test('records, properties, groups, messages, people and the clock are there after a restart, and after one more', async () => {
  let fixture = await start();
  await withUniqueProperty(fixture);
  await fixture.hubspot('POST', '/crm/properties/2026-03/contacts/groups', { name: 'ours', label: 'Ours' });
  await fixture.hubspot('POST', '/crm/objects/2026-03/contacts/batch/upsert', upserts(100));
  await fixture.call('DELETE', '/hubspot/records/contacts/103');
  await fixture.call('PATCH', '/hubspot/records/contacts/104', {
    properties: { firstname: '', lastname: 'Rao' },
  });
  await fixture.call('POST', '/whatsapp/customer/messages', {
    from: '+91 98123 45678',
    userId: 'IN.1',
    text: 'hello',
  });
  await fixture.call('PUT', '/clock', { advanceMs: 3_600_000 });
  const before = await records(fixture);
  const at = fixture.clock.now();

  for (let starts = 0; starts < 2; starts += 1) {
    fixture = await restart(fixture);
    expect(await records(fixture)).toEqual(before);
    expect(fixture.clock.now()).toBeGreaterThanOrEqual(at);
    expect((await fixture.call('GET', '/whatsapp/customer/messages?userId=IN.1')).body).toMatchObject({
      results: [{ body: 'hello', status: 'received' }],
    });
    const groups = await fixture.hubspot('GET', '/crm/properties/2026-03/contacts/groups');
    expect(JSON.stringify(groups.body)).toContain('"name":"ours"');
  }
  const again = await fixture.hubspot('POST', '/crm/objects/2026-03/contacts/batch/upsert', upserts(4));
  expect(again.body).toMatchObject({
    results: [
      { id: '101', new: false },
      { id: '102', new: false },
      { id: '201', new: true },
      { id: '104', new: false },
    ],
  });
});

test('a unique value that moved to another record stays there after a restart', async () => {
  let fixture = await start();
  const email = 'a@b.example';
  await fixture.call('POST', '/hubspot/records/contacts', { properties: { firstname: 'first' } });
  await fixture.call('POST', '/hubspot/records/contacts', { properties: { email } });
  await fixture.call('DELETE', '/hubspot/records/contacts/102');
  await fixture.call('PATCH', '/hubspot/records/contacts/101', { properties: { email } });
  for (let starts = 0; starts < 2; starts += 1) {
    fixture = await restart(fixture);
    const { body } = await fixture.hubspot('GET', `/crm/objects/2026-03/contacts/${email}?idProperty=email`);
    expect(body).toMatchObject({ id: '101' });
  }
});

test('webhooks nobody acknowledged go out after the next start', async () => {
  let fixture = await start();
  fixture.answerWith(503);
  const { body } = await fixture.call('POST', '/whatsapp/customer/messages', { from: '1', text: 'hello' });
  fixture = await restart(fixture);
  await vi.waitFor(() =>
    expect(told(fixture.webhooks).messages).toMatchObject([{ id: (body as { wamid: string }).wamid }]),
  );
  await vi.waitFor(async () =>
    expect((await fixture.call('GET', '/whatsapp/delivery')).body).toMatchObject({ queued: 0 }),
  );
  fixture = await restart(fixture);
  expect((await fixture.call('GET', '/whatsapp/delivery')).body).toMatchObject({ queued: 0 });
});

test('a last line torn by a kill is left out', async () => {
  let fixture = await start();
  await fixture.call('POST', '/hubspot/records/contacts', { properties: { firstname: 'Asha' } });
  const before = await records(fixture);
  await fixture.stop();
  fixtures = [];
  await appendFile(journal(), '["hubspot",{"kind":"rec');
  fixture = await start();
  expect(await records(fixture)).toEqual(before);
});

test('damage elsewhere is not passed over in silence', async () => {
  const fixture = await start();
  await fixture.call('POST', '/hubspot/records/contacts', { properties: { firstname: 'Asha' } });
  await fixture.stop();
  fixtures = [];
  const lines = await readFile(journal(), 'utf8');
  await writeFile(journal(), `["hubspot",{"kind"\n${lines}`);
  await expect(startSandboxFixture({ dataDir })).rejects.toThrow('is damaged at line 1: delete it');
});

test('without a folder nothing is kept', async () => {
  const fixture = await startSandboxFixture();
  fixtures.push(fixture);
  await fixture.call('POST', '/hubspot/records/contacts', { properties: { firstname: 'Asha' } });
  await expect(readFile(journal(), 'utf8')).rejects.toThrow('ENOENT');
});

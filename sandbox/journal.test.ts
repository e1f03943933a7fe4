import { appendFile, chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startWorld, told, upserts, withUniqueProperty, type World } from './testing/world.ts';

let dataDir: string;
let worlds: World[];

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'sangam-sandbox-'));
  worlds = [];
});

afterEach(async () => {
  for (const world of worlds) await world.stop();
  await rm(dataDir, { recursive: true });
});

const start = async (): Promise<World> => {
  const world = await startWorld({ dataDir });
  worlds.push(world);
  return world;
};
const restart = async (world: World): Promise<World> => {
  await world.stop();
  worlds = worlds.filter((other) => other !== world);
  return start();
};
const records = async (world: World): Promise<unknown> =>
  (await world.call('GET', '/hubspot/records/contacts')).body;
const journal = () => path.join(dataDir, 'sandbox.jsonl');

test('nobody else may read the journal, whatever an earlier start left behind', async () => {
  await writeFile(`${journal()}.new`, 'cut off');
  await chmod(`${journal()}.new`, 0o666);
  await start();
  expect((await stat(journal())).mode & 0o777).toBe(0o600);
});

test('records, properties, groups, messages, people and the clock are there after a restart, and after one more', async () => {
  let world = await start();
  await withUniqueProperty(world);
  await world.hubspot('POST', '/crm/properties/2026-03/contacts/groups', { name: 'ours', label: 'Ours' });
  await world.hubspot('POST', '/crm/objects/2026-03/contacts/batch/upsert', upserts(100));
  await world.call('DELETE', '/hubspot/records/contacts/103');
  await world.call('PATCH', '/hubspot/records/contacts/104', {
    properties: { firstname: '', lastname: 'Rao' },
  });
  await world.call('POST', '/whatsapp/customer/messages', {
    from: '+91 98123 45678',
    userId: 'IN.1',
    text: 'hello',
  });
  await world.call('PUT', '/clock', { advanceMs: 3_600_000 });
  const before = await records(world);
  const at = world.clock.now();

  for (let starts = 0; starts < 2; starts += 1) {
    world = await restart(world);
    expect(await records(world)).toEqual(before);
    expect(world.clock.now()).toBeGreaterThanOrEqual(at);
    expect((await world.call('GET', '/whatsapp/customer/messages?userId=IN.1')).body).toMatchObject({
      results: [{ body: 'hello', status: 'received' }],
    });
    const groups = await world.hubspot('GET', '/crm/properties/2026-03/contacts/groups');
    expect(JSON.stringify(groups.body)).toContain('"name":"ours"');
  }
  const again = await world.hubspot('POST', '/crm/objects/2026-03/contacts/batch/upsert', upserts(4));
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
  let world = await start();
  const email = 'a@b.example';
  await world.call('POST', '/hubspot/records/contacts', { properties: { firstname: 'first' } });
  await world.call('POST', '/hubspot/records/contacts', { properties: { email } });
  await world.call('DELETE', '/hubspot/records/contacts/102');
  await world.call('PATCH', '/hubspot/records/contacts/101', { properties: { email } });
  for (let starts = 0; starts < 2; starts += 1) {
    world = await restart(world);
    const { body } = await world.hubspot('GET', `/crm/objects/2026-03/contacts/${email}?idProperty=email`);
    expect(body).toMatchObject({ id: '101' });
  }
});

test('webhooks nobody acknowledged go out after the next start', async () => {
  let world = await start();
  world.answerWith(503);
  const { body } = await world.call('POST', '/whatsapp/customer/messages', { from: '1', text: 'hello' });
  world = await restart(world);
  await vi.waitFor(() =>
    expect(told(world.webhooks).messages).toMatchObject([{ id: (body as { wamid: string }).wamid }]),
  );
  await vi.waitFor(async () =>
    expect((await world.call('GET', '/whatsapp/delivery')).body).toMatchObject({ queued: 0 }),
  );
  world = await restart(world);
  expect((await world.call('GET', '/whatsapp/delivery')).body).toMatchObject({ queued: 0 });
});

test('a last line torn by a kill is left out', async () => {
  let world = await start();
  await world.call('POST', '/hubspot/records/contacts', { properties: { firstname: 'Asha' } });
  const before = await records(world);
  await world.stop();
  worlds = [];
  await appendFile(journal(), '["hubspot",{"kind":"rec');
  world = await start();
  expect(await records(world)).toEqual(before);
});

test('damage elsewhere is not passed over in silence', async () => {
  const world = await start();
  await world.call('POST', '/hubspot/records/contacts', { properties: { firstname: 'Asha' } });
  await world.stop();
  worlds = [];
  const lines = await readFile(journal(), 'utf8');
  await writeFile(journal(), `["hubspot",{"kind"\n${lines}`);
  await expect(startWorld({ dataDir })).rejects.toThrow('is damaged at line 1: delete it');
});

test('without a folder nothing is kept', async () => {
  const world = await startWorld();
  worlds.push(world);
  await world.call('POST', '/hubspot/records/contacts', { properties: { firstname: 'Asha' } });
  await expect(readFile(journal(), 'utf8')).rejects.toThrow('ENOENT');
});

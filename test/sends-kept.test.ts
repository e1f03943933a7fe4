import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { restoreBackup, writeBackup } from '@sangam/core/store';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Api,
  createEmptyDatabase,
  createServiceFixture,
  everyRow,
  inParallel,
  monotonicNow,
  type ServiceFixture,
  type ServiceProcess,
  signIn,
  status,
  text,
  until,
  webhook,
} from './harness/index.ts';

/** Sends where a database is restored, a person erased, and a STOP not yet read. */

let fixture: ServiceFixture;
let service: ServiceProcess;
let api: Api;

beforeAll(async () => {
  fixture = await createServiceFixture();
  service = await fixture.startService();
  ({ api } = await signIn(service));
});
afterAll(() => fixture.close());

const offer = {
  type: 'template',
  template: {
    name: 'festival_offer',
    language: 'en',
    header: { text: 'Diwali' },
    body: ['Ravi', '10 %'],
    buttons: [{ index: 0, code: 'DIWALI10' }],
  },
};

async function contactOf(phone: string, words: string): Promise<string> {
  await fixture.control('POST', '/whatsapp/customer/messages', {
    from: phone,
    name: 'Ravi Iyer',
    text: words,
  });
  return until(`${phone} to be a contact`, async () => {
    const { body } = await api('GET', `/contacts?phone=%2B${phone}`);
    return (body as { results: { contactId: string }[] }).results[0]?.contactId;
  });
}

async function ask(clientId: string, to: object, content: object): Promise<string> {
  const { status: code, body } = await api('POST', '/sends', { clientId, to, content });
  expect(code, JSON.stringify(body)).toBe(201);
  return (body as { sendId: string }).sendId;
}

const sendBy = async (asker: Api, sendId: string) =>
  (await asker('GET', `/sends/${sendId}`)).body as { state: string; reason: string | null };

const requestsTo = async (phone: string) => {
  const { results } = await fixture.control<{ results: { to?: string; monotonicMs: number }[] }>(
    'GET',
    '/whatsapp/requests',
  );
  return results.filter(({ to }) => to?.replace('+', '') === phone);
};

test('a restored backup sends nothing until somebody says so', async () => {
  const phone = '919300000001';
  const contactId = await contactOf(phone, 'Hello');
  await api('POST', '/pauses', { scope: 'workspace' });
  const sendId = await ask('restored', { contactId }, { type: 'text', text: 'Once' });
  const folder = await mkdtemp(path.join(tmpdir(), 'sangam-sends-'));
  const file = path.join(folder, 'sangam.backup');
  const other = await createEmptyDatabase();
  // The pause of the database it was copied from is no pause of the restored one.
  await api('POST', `/sends/${sendId}/cancel`);
  await api('POST', '/pauses/resume', { scope: 'workspace' });
  await writeBackup(fixture.databaseUrl, createWriteStream(file));
  await restoreBackup(other.url, createReadStream(file));
  const restored = await fixture.startService(other.url);
  const { api: there } = await signIn(restored);
  const { body } = await there('POST', '/sends', {
    clientId: 'after',
    to: { contactId },
    content: { type: 'text', text: 'Once restored' },
  });
  const { sendId: waiting } = body as { sendId: string };
  // It works: what is told to it is applied.
  await restored.post(
    webhook(fixture.parties.whatsapp, [text({ phone: '919300000002' }, 'wamid.there', Date.now(), 'Hello')]),
  );
  await until('it to work', async () => {
    const { body: found } = await there('GET', '/contacts?phone=%2B919300000002');
    return (found as { results: object[] }).results.length > 0;
  });
  expect(await sendBy(there, waiting)).toMatchObject({ state: 'queued' });
  expect(await requestsTo(phone)).toHaveLength(0);
  const resumedAt = monotonicNow();
  await there('POST', '/pauses/resume', { scope: 'workspace' });
  await until('it to leave', async () => (await sendBy(there, waiting)).state === 'accepted');
  const requests = await requestsTo(phone);
  expect(requests).toHaveLength(1);
  expect(requests[0]?.monotonicMs).toBeGreaterThan(resumedAt);
  await restored.stop('SIGKILL');
  await other.drop();
  await rm(folder, { recursive: true, force: true });
});

test('an erased person leaves no trace in sends, tries and gates', async () => {
  const phone = '919300000003';
  const contactId = await contactOf(phone, 'START');
  const told = await ask('erased-1', { contactId }, { type: 'text', text: 'Dear Ravindranath' });
  const [byPhone, unsent] = [
    await ask('erased-2', { phone: `+${phone}` }, { type: 'text', text: 'Dear Ravindranath, too' }),
    await ask('erased-3', { contactId }, offer),
  ];
  for (const sendId of [told, byPhone, unsent]) {
    await until(`${sendId} to arrive`, async () => (await sendBy(api, sendId)).state === 'delivered');
  }
  const { workspaceId } = fixture.parties;
  const traces = ['9300000003', 'Ravindranath', told, byPhone, unsent];
  const before = await everyRow(fixture.store, workspaceId);
  expect(traces.filter((trace) => !before.includes(trace))).toEqual([]);
  expect((await api('POST', `/contacts/${contactId}/erase`)).status).toBeLessThan(300);
  await until('nothing to be left', async () => {
    const left = await everyRow(fixture.store, workspaceId);
    return traces.every((trace) => trace === told || !left.includes(trace));
  });
  const left = await everyRow(fixture.store, workspaceId);
  expect(traces.filter((trace) => left.includes(trace))).toEqual([]);
  const { body } = await api('GET', `/statement?day=${new Date().toISOString().slice(0, 10)}&timeZone=UTC`);
  expect((body as { sends: { missing: number } }).sends.missing).toBe(0);
});

test('behind 100,000 statuses that wait, a STOP nobody has applied keeps what was asked for from leaving', async () => {
  const phone = '919300000004';
  const contactId = await contactOf(phone, 'START');
  const { whatsapp } = fixture.parties;
  const backlog = Array.from({ length: 100 }, (_, request) =>
    webhook(
      whatsapp,
      Array.from({ length: 1000 }, (_, index) =>
        status({ phone }, `out.${String(request)}.${String(index)}`, Date.now() - 60_000, 'delivered'),
      ),
    ),
  );
  // Whatever is told, this STOP never reaches the ledger: what was written down with its 200 is all there is.
  const owner = new pg.Client({ connectionString: fixture.databaseUrl });
  await owner.connect();
  await owner.query("alter table messages add check (wamid <> 'wamid.stop')");
  await owner.end();
  await api('POST', '/pauses', { scope: 'workspace' });
  const sendId = await ask('behind', { contactId }, offer);
  await inParallel(backlog, 4, async (body) => {
    expect(await service.post(body)).toBe(200);
  });
  expect(await service.post(webhook(whatsapp, [text({ phone }, 'wamid.stop', Date.now(), 'STOP')]))).toBe(
    200,
  );
  await api('POST', '/pauses/resume', { scope: 'workspace' });
  await until('it to be refused', async () => (await sendBy(api, sendId)).state === 'refused');
  expect(await sendBy(api, sendId)).toMatchObject({ reason: 'opted out' });
  expect(await requestsTo(phone)).toHaveLength(0);
});

import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureMember } from '@sangam/core/store';
import type { Service } from '@sangam/service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiOf, type Api, createServiceFixture, type ServiceFixture, until } from './harness/index.ts';

/** Media, either way: got, checked, kept, shown, sent, and gone with whom they are of. */

let fixture: ServiceFixture;
let service: Service;
let api: Api;
let session: string;
let folder: string;
const dayMs = 24 * 3_600_000;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sangam-media-'));
  fixture = await createServiceFixture();
  service = await fixture.openService({ work: true, media: { dataDir: folder, bucket: undefined } });
  session = await sessionAt(service);
  api = apiOf(service.url(), session);
});
afterAll(async () => {
  await fixture.close();
  await rm(folder, { recursive: true, force: true });
});

async function sessionAt(at: Service): Promise<string> {
  const { store, parties, clock } = fixture;
  const memberId = await store.transact(parties.workspaceId, (trx) =>
    ensureMember(trx, { email: 'asha@example.com', role: 'admin', now: clock.now() }),
  );
  return (await at.sessions.enter(await at.sessions.makeLink(parties.workspaceId, memberId))) ?? '';
}

/** The least that is a PNG: one pixel. */
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const script = Buffer.from('<!doctype html><script>alert(document.cookie)</script>');
const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

let people = 0;
const newPhone = (): string => `9196${String(10_000_000 + ++people)}`;

async function writes(phone: string, message: object): Promise<void> {
  fixture.clock.advance(1_000);
  await fixture.control('POST', '/whatsapp/customer/messages', { from: phone, name: 'Ravi', ...message });
}

async function contactOf(phone: string): Promise<string> {
  return until(`${phone} to be a contact`, async () => {
    const found: { results: { contactId: string }[] } = (await api('GET', `/contacts?phone=%2B${phone}`))
      .body;
    return found.results[0]?.contactId;
  });
}

/** Puts a medium on the person's phone and sends it to us. */
async function sends(
  phone: string,
  kind: string,
  bytes: Buffer,
  type: string,
  more: object = {},
): Promise<void> {
  const put = await fetch(`${fixture.sandboxUrl}/whatsapp/customer/media`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: bytes,
  });
  const { id } = (await put.json()) as { id: string };
  await writes(phone, { type: kind, [kind]: { id, ...more } });
}

interface MediumView {
  readonly mediaId: string;
  readonly direction: string;
  readonly kind: string;
  readonly mimeType: string | null;
  readonly filename: string | null;
  readonly size: number | null;
  readonly sha256: string | null;
  readonly state: string;
  readonly reason: string | null;
}

async function mediaOf(contactId: string): Promise<MediumView[]> {
  const listed: { results: MediumView[] } = (await api('GET', `/media?contactId=${contactId}`)).body;
  return listed.results;
}

const settled = (contactId: string): Promise<MediumView> =>
  until('its medium to be got, or not', async () => {
    const [medium] = await mediaOf(contactId);
    return medium === undefined || (medium.state === 'waiting' && medium.reason === null)
      ? undefined
      : medium;
  });

const get = (mediaId: string, headers: Record<string, string> = {}, url = service.url()): Promise<Response> =>
  fetch(`${url}/api/v1/media/${mediaId}`, { headers: { authorization: `Bearer ${session}`, ...headers } });

async function give(
  bytes: Buffer,
  type: string,
  filename = 'a file.png',
): Promise<{ status: number; body: { mediaId: string } }> {
  const response = await fetch(`${service.url()}/api/v1/media?filename=${encodeURIComponent(filename)}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${session}`, 'content-type': type },
    body: bytes,
  });
  return { status: response.status, body: (await response.json()) as { mediaId: string } };
}

let asked = 0;
async function ask(
  contactId: string,
  content: object,
): Promise<{ status: number; body: { sendId: string } }> {
  const clientId = `m-${String(++asked)}`;
  const { status, body } = await api('POST', '/sends', { clientId, to: { contactId }, content });
  return { status, body };
}
const onceIn = (sendId: string, ...states: string[]): Promise<{ state: string }> =>
  until(`send ${sendId} to be ${states.join(' or ')}`, async () => {
    const send: { state: string } = (await api('GET', `/sends/${sendId}`)).body;
    return states.includes(send.state) ? send : undefined;
  });

async function onPhone(phone: string): Promise<{ type: string; medium?: { id: string } }[]> {
  const { results } = await fixture.control<{ results: { direction: string; type: string }[] }>(
    'GET',
    `/whatsapp/customer/messages?phone=%2B${phone}`,
  );
  return results.filter(({ direction }) => direction === 'out');
}
const files = async (): Promise<string[]> =>
  (await readdir(path.join(folder, 'media')).catch(() => [])).filter((name) => name !== 'id');

test('a picture a person sends is kept, its hash checked, and served as what it is', async () => {
  const phone = newPhone();
  await sends(phone, 'image', png, 'image/png', { caption: 'Our roof' });
  const contactId = await contactOf(phone);
  const medium = await settled(contactId);
  expect(medium).toMatchObject({
    direction: 'in',
    kind: 'image',
    state: 'kept',
    mimeType: 'image/png',
    size: png.length,
    sha256: sha256Of(png),
  });
  const served = await get(medium.mediaId);
  expect(served.status).toBe(200);
  expect(Object.fromEntries(served.headers)).toMatchObject({
    'content-type': 'image/png',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'content-disposition': expect.stringMatching(/^inline;/) as string,
  });
  expect(Buffer.from(await served.arrayBuffer())).toEqual(png);
  const part = await get(medium.mediaId, { range: 'bytes=1-3' });
  expect([part.status, await part.text()]).toEqual([206, 'PNG']);
  expect((await get(medium.mediaId, { range: 'bytes=9999-' })).status).toBe(416);
  expect(await files()).toHaveLength(1);
});

test('a script called an image is kept as what nobody knows, and never shown', async () => {
  const phone = newPhone();
  await sends(phone, 'image', script, 'image/png');
  const medium = await settled(await contactOf(phone));
  expect(medium).toMatchObject({ state: 'kept', mimeType: 'application/octet-stream' });
  const served = await get(medium.mediaId);
  expect(served.headers.get('content-type')).toBe('application/octet-stream');
  expect(served.headers.get('content-disposition')).toMatch(/^attachment;/);
});

test('bytes that are not what the message announced are tried again, and then refused', async () => {
  const phone = newPhone();
  await sends(phone, 'image', png, 'image/png', { sha256: sha256Of(script) });
  const contactId = await contactOf(phone);
  expect(await settled(contactId)).toMatchObject({
    state: 'waiting',
    reason: expect.stringContaining('hash') as string,
  });
  await until('it to be refused', async () => {
    // In small steps: where a medium lies is told for 5 minutes, and it is asked for and got meanwhile.
    fixture.clock.advance(10_000);
    const [medium] = await mediaOf(contactId);
    return medium?.state === 'refused' ? true : undefined;
  });
});

test('a pause keeps nothing that came from being got', async () => {
  const phone = newPhone();
  await api('POST', '/pauses', { scope: 'workspace' });
  await sends(phone, 'audio', png, 'audio/ogg');
  expect(await settled(await contactOf(phone))).toMatchObject({
    state: 'kept',
    kind: 'audio',
    mimeType: 'image/png',
  });
  await api('POST', '/pauses/resume', { scope: 'workspace' });
});

test('what WhatsApp does not have any more is gone, and says so', async () => {
  const phone = newPhone();
  await writes(phone, { type: 'document', document: { id: '1234567', filename: 'quote.pdf' } });
  const medium = await settled(await contactOf(phone));
  expect(medium).toMatchObject({ state: 'gone', filename: 'quote.pdf' });
  const served = await get(medium.mediaId);
  expect(served.status).toBe(404);
  expect(await served.json()).toMatchObject({ error: { code: 'media_gone', message: medium.reason } });
});

test('a picture a rep gives is sent, uploaded once for 29 days and then anew', async () => {
  const phone = newPhone();
  await writes(phone, { type: 'text', text: 'Send me the plan' });
  const contactId = await contactOf(phone);
  const given = await give(png, 'image/png', '../../etc/plan.png');
  expect(given).toMatchObject({
    status: 201,
    body: { kind: 'image', mimeType: 'image/png', size: png.length },
  });
  const { mediaId } = given.body;
  const image = { type: 'image', media: { mediaId }, caption: 'The plan' };
  for (const days of [0, 0, 30]) {
    fixture.clock.advance(days * dayMs);
    await writes(phone, { type: 'text', text: 'Once more' });
    await until('the window to be open', async () => {
      const preview = { to: { contactId }, content: image };
      const { outcome }: { outcome: string } = (await api('POST', '/sends/preview', preview)).body;
      return outcome === 'go' ? true : undefined;
    });
    const { status, body } = await ask(contactId, image);
    expect(status).toBe(201);
    expect(await onceIn(body.sendId, 'delivered', 'read')).toMatchObject({ tries: 1 });
  }
  const seen = await onPhone(phone);
  expect(seen.map(({ type }) => type)).toEqual(['image', 'image', 'image']);
  const [first, second, third] = seen.map(({ medium }) => medium?.id);
  expect(first).toBeDefined();
  expect(second).toBe(first);
  expect(third).not.toBe(first);
  expect(await mediaOf(contactId)).toMatchObject([{ mediaId, direction: 'out', filename: 'plan.png' }]);
});

test('what WhatsApp could not do with a medium is uploaded anew once, and then fails', async () => {
  const phone = newPhone();
  await writes(phone, { type: 'text', text: 'Hello' });
  const contactId = await contactOf(phone);
  const { mediaId } = (await give(png, 'image/png')).body;
  const countUploads = async (): Promise<number> => {
    const { byOperation } = await fixture.control<{ byOperation: Record<string, number> }>(
      'GET',
      '/whatsapp/calls',
    );
    return byOperation['POST /media'] ?? 0;
  };
  const before = await countUploads();
  await fixture.control('PUT', '/whatsapp/cases', { phone: `+${phone}`, code: 131053, when: 'at once' });
  const { body } = await ask(contactId, { type: 'image', media: { mediaId } });
  expect(await onceIn(body.sendId, 'failed', 'refused')).toMatchObject({ errorCode: 131053, tries: 2 });
  expect((await countUploads()) - before).toBe(2);
  await fixture.control('DELETE', '/whatsapp/cases');
});

test('what a rep gives is judged by its bytes, and a send by what there is', async () => {
  expect(await give(script, 'image/png')).toMatchObject({
    status: 400,
    body: { error: { code: 'wrong_type' } },
  });
  expect(await give(Buffer.alloc(0), 'image/png')).toMatchObject({ status: 400 });
  const large = Buffer.concat([png, Buffer.alloc(6 * 1024 * 1024)]);
  expect(await give(large, 'image/png')).toMatchObject({
    status: 413,
    body: { error: { code: 'too_large' } },
  });
  expect(await give(Buffer.from('A plain word'), 'text/plain')).toMatchObject({
    status: 201,
    body: { kind: 'document' },
  });
  const form = new FormData();
  form.set('file', new Blob([png], { type: 'image/png' }), 'roof.png');
  const inForm = await fetch(`${service.url()}/api/v1/media`, {
    method: 'POST',
    headers: { authorization: `Bearer ${session}` },
    body: form,
  });
  expect([inForm.status, await inForm.json()]).toMatchObject([201, { kind: 'image' }]);
  const empty = await fetch(`${service.url()}/api/v1/media`, {
    method: 'POST',
    headers: { authorization: `Bearer ${session}` },
    body: new FormData(),
  });
  expect(empty.status).toBe(400);

  const phone = newPhone();
  await writes(phone, { type: 'text', text: 'Hello' });
  const contactId = await contactOf(phone);
  const { mediaId } = (await give(png, 'image/png')).body;
  expect(await ask(contactId, { type: 'video', media: { mediaId } })).toMatchObject({
    status: 409,
    body: { error: { code: 'media_unknown' } },
  });
  const nobody = '01900000-0000-7000-8000-000000000000';
  expect(await ask(contactId, { type: 'image', media: { mediaId: nobody } })).toMatchObject({
    status: 409,
    body: { error: { code: 'media_unknown' } },
  });
});

test('erasing a person takes what they sent and were sent, bytes and all', async () => {
  const [phone, other] = [newPhone(), newPhone()];
  const standing = (await files()).length;
  await sends(phone, 'image', png, 'image/png');
  await writes(other, { type: 'text', text: 'Hello' });
  const contactId = await contactOf(phone);
  const { mediaId: theirs } = await settled(contactId);
  const given = await Promise.all([give(png, 'image/png'), give(png, 'image/png')]);
  const [alone = '', shared = ''] = given.map(({ body }) => body.mediaId);
  for (const [who, mediaId] of [
    [contactId, alone],
    [contactId, shared],
    [await contactOf(other), shared],
  ] as const) {
    await onceIn((await ask(who, { type: 'image', media: { mediaId } })).body.sendId, 'delivered', 'read');
  }
  expect(await files()).toHaveLength(standing + 3);
  expect((await api('POST', `/contacts/${contactId}/erase`)).status).toBe(200);
  for (const mediaId of [theirs, alone]) expect((await get(mediaId)).status).toBe(404);
  expect((await get(shared)).status).toBe(200);
  fixture.clock.advance(10 * 60_000);
  await until('their bytes to be gone', async () =>
    (await files()).length === standing + 1 ? true : undefined,
  );
});

test('a process that does not have the folder says so, and a person is told', async () => {
  const phone = newPhone();
  await sends(phone, 'image', png, 'image/png');
  const { mediaId } = await settled(await contactOf(phone));
  const elsewhere = await mkdtemp(path.join(tmpdir(), 'sangam-media-'));
  const another = await fixture.openService({
    work: false,
    media: { dataDir: elsewhere, bucket: undefined },
  });
  const served = await get(mediaId, {}, another.url());
  expect([served.status, await served.json()]).toMatchObject([404, { error: { code: 'media_elsewhere' } }]);
  const { body } = await api('GET', '/alerts?state=open');
  expect(JSON.stringify(body)).toContain('media elsewhere');
  await rm(elsewhere, { recursive: true, force: true });
});

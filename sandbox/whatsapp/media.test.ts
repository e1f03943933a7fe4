import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { accessToken, phoneNumberId, told } from '../testing/sandbox-fixture.ts';
import { codeOf, openWhatsapp, type WhatsappFixture } from '../testing/whatsapp-fixture.ts';

const day = 86_400_000;
const product: Record<string, string> = { messaging_product: 'whatsapp' };
const picture = Buffer.from('a picture, as far as anybody looks');
const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

async function upload(
  whatsapp: WhatsappFixture,
  { bytes = picture, type = 'image/jpeg', fields = product, id = phoneNumberId, token = accessToken } = {},
): Promise<{ status: number; body: unknown }> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('file', new File([new Uint8Array(bytes)], 'a.jpg', { type }));
  const response = await fetch(
    `http://127.0.0.1:${String(whatsapp.port)}/sandbox/whatsapp/v26.0/${id}/media`,
    {
      method: 'POST',
      body: form,
      headers: { authorization: `Bearer ${token}` },
    },
  );
  return { status: response.status, body: await response.json() };
}

const idOf = ({ body }: { body: unknown }): string => (body as { id: string }).id;
const fetchAs = (url: string, token = accessToken) =>
  fetch(url, { headers: { authorization: `Bearer ${token}` } });

test('an upload is described, read with the token, and deleted', async () => {
  const whatsapp = await openWhatsapp();
  const id = idOf(await upload(whatsapp));
  const { body } = await whatsapp.graph('GET', `/${id}?phone_number_id=${phoneNumberId}`);
  expect(body).toEqual({
    id,
    messaging_product: 'whatsapp',
    mime_type: 'image/jpeg',
    sha256: hashOf(picture),
    file_size: String(picture.length),
    url: expect.stringContaining(`http://127.0.0.1:${String(whatsapp.port)}/`) as string,
  });
  const { url } = body as { url: string };
  const read = await fetchAs(url);
  expect(read.headers.get('content-type')).toBe('image/jpeg');
  expect(Buffer.from(await read.arrayBuffer())).toEqual(picture);
  expect((await fetch(url)).status).toBe(401);
  expect((await fetchAs(url.replace(/hash=[^&]+/, 'hash=AAAA'))).status).toBe(404);
  expect(codeOf(await whatsapp.graph('GET', `/${id}?phone_number_id=999`))).toBe(100);
  expect(codeOf(await whatsapp.graph('DELETE', `/${id}?phone_number_id=999`))).toBe(100);
  expect((await whatsapp.graph('DELETE', `/${id}`)).body).toEqual({ success: true });
  expect(codeOf(await whatsapp.graph('GET', `/${id}`))).toBe(100);
  expect((await fetchAs(url)).status).toBe(404);
});

test('its address is good for five minutes', async () => {
  const whatsapp = await openWhatsapp();
  const { body } = await whatsapp.graph('GET', `/${idOf(await upload(whatsapp))}`);
  const { url } = body as { url: string };
  await whatsapp.call('PUT', '/clock', { advanceMs: 4 * 60_000 });
  expect((await fetchAs(url)).status).toBe(200);
  await whatsapp.call('PUT', '/clock', { advanceMs: 60_000 });
  expect((await fetchAs(url)).status).toBe(404);
});

test('rule fileSizeAs: a number', async () => {
  const whatsapp = await openWhatsapp({ rules: { whatsapp: { fileSizeAs: 'number' } } });
  expect((await whatsapp.graph('GET', `/${idOf(await upload(whatsapp))}`)).body).toMatchObject({
    file_size: picture.length,
  });
});

test('the type of the form goes before that of the file', async () => {
  const whatsapp = await openWhatsapp();
  const fields = { messaging_product: 'whatsapp', type: 'audio/ogg; codecs=opus' };
  const id = idOf(await upload(whatsapp, { fields, type: 'application/octet-stream' }));
  expect((await whatsapp.graph('GET', `/${id}`)).body).toMatchObject({ mime_type: 'audio/ogg' });
});

test.each<[string, number, Parameters<typeof upload>[1]]>([
  ['the wrong token', 190, { token: 'wrong' }],
  ['another number', 33, { id: '999' }],
  ['no messaging_product', 100, { fields: {} }],
  ['a type WhatsApp does not take', 100, { type: 'image/svg+xml' }],
  ['nothing in it', 131_053, { bytes: Buffer.alloc(0) }],
  ['more than 5 MB of a picture', 131_053, { bytes: Buffer.alloc(5 * 1024 * 1024 + 1) }],
])('an upload is refused with %s', async (_, code, given) => {
  expect(codeOf(await upload(await openWhatsapp(), given))).toBe(code);
});

test('what is no form is refused', async () => {
  const whatsapp = await openWhatsapp();
  expect(
    codeOf(
      await whatsapp.graph('POST', `/${phoneNumberId}/media`, { file: 'a', messaging_product: 'whatsapp' }),
    ),
  ).toBe(100);
  const torn = await whatsapp.graph('POST', `/${phoneNumberId}/media`, '--x\r\n', {
    'content-type': 'multipart/form-data; boundary=x',
  });
  expect(codeOf(torn)).toBe(100);
});

test('documents may be larger than other bodies; rule mediaSizes lets pictures be so too', async () => {
  const whatsapp = await openWhatsapp();
  const bytes = Buffer.alloc(20 * 1024 * 1024);
  expect((await upload(whatsapp, { bytes, type: 'application/pdf' })).status).toBe(200);
  expect(codeOf(await upload(whatsapp, { bytes }))).toBe(131_053);
  await whatsapp.rules({ mediaSizes: 'any' });
  expect((await upload(whatsapp, { bytes })).status).toBe(200);
});

describe('a medium that is sent', () => {
  const image = (content: object) => ({ type: 'image', image: content });

  test('is seen by its kind, with its caption; a link is not looked at', async () => {
    const whatsapp = await openWhatsapp();
    await whatsapp.write({});
    const id = idOf(await upload(whatsapp));
    await whatsapp.send(image({ id, caption: 'look' }));
    await whatsapp.send(image({ link: 'https://example.com/a.jpg' }));
    expect((await whatsapp.seen()).results.slice(1)).toMatchObject([
      { type: 'image', body: 'look', status: 'delivered', medium: { kind: 'image', id } },
      { type: 'image', status: 'delivered', medium: { kind: 'image', link: 'https://example.com/a.jpg' } },
    ]);
  });

  test.each<[string, (whatsapp: WhatsappFixture) => Promise<string>]>([
    ['unknown', async () => '12345'],
    [
      'deleted',
      async (whatsapp) => {
        const id = idOf(await upload(whatsapp));
        await whatsapp.graph('DELETE', `/${id}`);
        return id;
      },
    ],
    [
      '30 days old',
      async (whatsapp) => {
        const id = idOf(await upload(whatsapp));
        await whatsapp.call('PUT', '/clock', { advanceMs: 30 * day });
        return id;
      },
    ],
    ['of another kind', async (whatsapp) => idOf(await upload(whatsapp, { type: 'audio/mpeg' }))],
  ])('and is %s fails afterwards with 131053, or is refused at once', async (_, prepare) => {
    const whatsapp = await openWhatsapp();
    const id = await prepare(whatsapp);
    await whatsapp.write({});
    expect((await whatsapp.send(image({ id }))).status).toBe(200);
    expect(await whatsapp.statuses()).toMatchObject([{ status: 'failed', errors: [{ code: 131_053 }] }]);
    await whatsapp.rules({ badMediumTold: 'at once' });
    expect(codeOf(await whatsapp.send(image({ id })))).toBe(131_053);
  });

  test('rule uploadDays: it lives as long as the rule says', async () => {
    const whatsapp = await openWhatsapp({ rules: { whatsapp: { uploadDays: 1 } } });
    const id = idOf(await upload(whatsapp));
    await whatsapp.call('PUT', '/clock', { advanceMs: day - 60_000 });
    expect((await whatsapp.graph('GET', `/${id}`)).status).toBe(200);
    await whatsapp.call('PUT', '/clock', { advanceMs: 60_000 });
    expect((await whatsapp.graph('GET', `/${id}`)).status).toBe(400);
  });
});

describe('a medium of a customer', () => {
  async function put(whatsapp: WhatsappFixture, bytes: Buffer = picture): Promise<{ id: string }> {
    const response = await fetch(
      `http://127.0.0.1:${String(whatsapp.port)}/sandbox/whatsapp/customer/media`,
      {
        method: 'POST',
        body: new Uint8Array(bytes),
        headers: { 'content-type': 'image/jpeg' },
      },
    );
    return (await response.json()) as { id: string };
  }
  const arrived = async (whatsapp: WhatsappFixture) => {
    await vi.waitFor(() => expect(told(whatsapp.webhooks).messages).toHaveLength(1));
    return told(whatsapp.webhooks).messages[0]?.['image'] as Record<string, string>;
  };

  test('comes with type, hash and address, and is read by id until 7 days have passed', async () => {
    const whatsapp = await openWhatsapp();
    const medium = await put(whatsapp);
    expect(medium).toEqual({ id: medium.id, mime_type: 'image/jpeg', sha256: hashOf(picture) });
    await whatsapp.write({ type: 'image', text: undefined, image: { id: medium.id, caption: 'look' } });
    const image = await arrived(whatsapp);
    expect(image).toMatchObject({
      id: medium.id,
      caption: 'look',
      mime_type: 'image/jpeg',
      sha256: createHash('sha256').update(picture).digest('base64'),
    });
    expect(Buffer.from(await (await fetchAs(image['url'] ?? '')).arrayBuffer())).toEqual(picture);
    expect((await whatsapp.seen()).results).toMatchObject([
      { direction: 'in', body: 'look', medium: { kind: 'image' } },
    ]);
    await whatsapp.call('PUT', '/clock', { advanceMs: 7 * day - 60_000 });
    expect((await whatsapp.graph('GET', `/${medium.id}`)).body).toMatchObject({ sha256: hashOf(picture) });
    await whatsapp.call('PUT', '/clock', { advanceMs: 60_000 });
    expect(codeOf(await whatsapp.graph('GET', `/${medium.id}`))).toBe(100);
  });

  test('rules inboundMediaUrl, inboundHashAs and inboundMediaDays the other way', async () => {
    const whatsapp = await openWhatsapp({
      rules: { whatsapp: { inboundMediaUrl: false, inboundHashAs: 'hex', inboundMediaDays: 30 } },
    });
    const { id } = await put(whatsapp);
    await whatsapp.write({ type: 'image', text: undefined, image: { id } });
    const image = await arrived(whatsapp);
    expect(image).toEqual({ id, mime_type: 'image/jpeg', sha256: hashOf(picture) });
    await whatsapp.call('PUT', '/clock', { advanceMs: 8 * day });
    expect((await whatsapp.graph('GET', `/${id}`)).status).toBe(200);
  });

  test('may be larger than other bodies', async () => {
    const whatsapp = await openWhatsapp();
    expect((await put(whatsapp, Buffer.alloc(20 * 1024 * 1024))).id).toEqual(expect.any(String));
  });

  test('is nobody’s to put who is not admitted', async () => {
    const whatsapp = await openWhatsapp({ access: { admits: async () => false } });
    expect(await put(whatsapp)).toMatchObject({ error: { code: 'not_admitted' } });
  });
});

test('media are there after a restart, their bytes beside the journal, those that were deleted not', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sandbox-'));
  onTestFinished(() => rm(dataDir, { recursive: true }));
  const before = await openWhatsapp({ dataDir });
  const [kept, gone] = [idOf(await upload(before)), idOf(await upload(before))];
  await before.graph('DELETE', `/${gone}`);
  await before.stop();
  for (let start = 1; start <= 2; start += 1) {
    const after = await openWhatsapp({ dataDir });
    const { url } = (await after.graph('GET', `/${kept}`)).body as { url: string };
    expect(Buffer.from(await (await fetchAs(url)).arrayBuffer())).toEqual(picture);
    expect(codeOf(await after.graph('GET', `/${gone}`))).toBe(100);
    expect(await readdir(path.join(dataDir, 'media'))).toEqual([kept]);
    await after.stop();
  }
});

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBucket } from './bucket.ts';

/** A storage that knows keys, and of each request whether it is signed as AWS describes it (Signature Version 4). */

const [accessKeyId, secretAccessKey, region] = ['AKIDEXAMPLE', 'a secret of the storage', 'ap-south-1'];
const objects = new Map<string, Buffer>();
let server: Server;
let endpoint: string;

const hex = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();

function isSigned({ method = '', url = '', headers }: IncomingMessage, body: Buffer): boolean {
  const { authorization = '' } = headers;
  const {
    day = '',
    signed = '',
    signature = '',
  } = /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/(?<day>\d{8})\/ap-south-1\/s3\/aws4_request, SignedHeaders=(?<signed>[\w;-]+), Signature=(?<signature>[\da-f]{64})$/.exec(
    authorization,
  )?.groups ?? {};
  const names = signed.split(';');
  const payload = String(headers['x-amz-content-sha256']);
  if (!names.includes('host') || !names.includes('x-amz-date') || !names.includes('x-amz-content-sha256'))
    return false;
  if (payload !== 'UNSIGNED-PAYLOAD' && payload !== hex(body)) return false;
  const [path = '', query = ''] = url.split('?');
  const canonical = [
    method,
    path,
    query,
    ...names.map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    signed,
    payload,
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hex(canonical)].join('\n');
  const key = hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, day), region), 's3'), 'aws4_request');
  return signature !== '' && timingSafeEqual(hmac(key, text), Buffer.from(signature, 'hex'));
}

beforeAll(async () => {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    const { method, url = '', headers } = request;
    if (!isSigned(request, body)) {
      response.writeHead(403).end('SignatureDoesNotMatch');
    } else if (method === 'PUT') {
      objects.set(url, body);
      response.writeHead(headers['transfer-encoding'] === undefined ? 200 : 411).end();
    } else if (method === 'DELETE') {
      objects.delete(url);
      response.writeHead(204).end();
    } else {
      const object = objects.get(url);
      const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '');
      if (object === undefined) response.writeHead(404).end('NoSuchKey');
      else if (range === null) response.writeHead(200).end(object);
      else response.writeHead(206).end(object.subarray(Number(range[1]), Number(range[2]) + 1));
    }
  };
  server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  endpoint = `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : 0)}`;
});
afterAll(() => server.close());

const settings = () => ({ endpoint, bucket: 'sangam-media', region, accessKeyId, secretAccessKey });
const words = Buffer.from('What somebody sent');

test('what is put is got, whole and in part, and deleted', async () => {
  const bucket = openBucket(settings());
  expect(bucket.name).toBe(`bucket ${new URL(endpoint).host}/sangam-media`);
  await bucket.put('k1', new Blob([words]), hex(words));
  expect([...objects.keys()]).toEqual(['/sangam-media/k1']);
  const [whole, part] = [await bucket.get('k1'), await bucket.get('k1', { start: 5, end: 12 })];
  expect(whole && (await buffer(whole))).toEqual(words);
  expect(part && String(await buffer(part))).toBe('somebody');
  await bucket.delete('k1');
  expect(await bucket.get('k1')).toBeUndefined();
  await bucket.delete('k1');
});

test('bytes that are not what they were said to be are not kept', async () => {
  const bucket = openBucket(settings());
  await expect(bucket.put('k2', new Blob([words]), hex('other'))).rejects.toThrow('answered 403');
});

test('who has not the secret is told so, and nothing of it', async () => {
  const bucket = openBucket({ ...settings(), secretAccessKey: 'another secret' });
  await expect(bucket.get('k1')).rejects.toThrow(/^The bucket of media \(MEDIA_S3_BUCKET\) answered 403/);
});

import { Readable } from 'node:stream';
import { AwsClient } from 'aws4fetch';
import type { MediaPlace } from '@sangam/core/pipeline';

/** S3, or what speaks like it. */
export interface BucketSettings {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** For one call and its whole answer. */
const timeoutMs = 120_000;

/** A bucket as a place for media. Throws an `Error` that holds no key and no answer's words. */
export function openBucket({
  endpoint,
  bucket,
  region,
  accessKeyId,
  secretAccessKey,
}: BucketSettings): MediaPlace {
  // What failed is tried again by whoever asked, later.
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 0 });
  const call = async (method: string, key: string, init: RequestInit = {}): Promise<Response> =>
    client.fetch(`${endpoint}/${bucket}/${key}`, {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      ...init,
    });
  const refused = async (what: string, response: Response): Promise<Error> => {
    await response.body?.cancel();
    return new Error(
      `The bucket of media (MEDIA_S3_BUCKET) answered ${String(response.status)} when a medium was to be ${what}: see its ` +
        'rights and MEDIA_S3_REGION.',
    );
  };
  return {
    name: `bucket ${new URL(endpoint).host}/${bucket}`,
    async put(key, bytes, sha256) {
      const headers = { 'X-Amz-Content-Sha256': sha256 };
      const response = await call('PUT', key, { body: bytes, headers });
      if (!response.ok) throw await refused('kept', response);
      await response.body?.cancel();
    },
    async get(key, part) {
      const headers = part === undefined ? {} : { Range: `bytes=${String(part.start)}-${String(part.end)}` };
      const response = await call('GET', key, { headers });
      if (response.status === 404) {
        await response.body?.cancel();
        return undefined;
      }
      if (response.status !== (part === undefined ? 200 : 206) || response.body === null) {
        throw await refused('read', response);
      }
      return Readable.fromWeb(response.body);
    },
    async delete(key) {
      const response = await call('DELETE', key);
      if (!response.ok && response.status !== 404) throw await refused('deleted', response);
      await response.body?.cancel();
    },
  };
}

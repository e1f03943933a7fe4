import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream, openAsBlob } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileTypeFromFile } from 'file-type';

/** A file that came in, whole, for as long as it is looked at. */
export interface Incoming extends AsyncDisposable {
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  /** What its bytes show; undefined: nothing that is known. */
  readonly shownType: string | undefined;
  readonly head: Uint8Array;
  bytes(): Promise<Blob>;
}

const headBytes = 4100;

/** Takes a stream in without holding it in memory. Undefined: it is longer than `mostBytes`. */
export async function takeIn(stream: Readable, mostBytes: number): Promise<Incoming | undefined> {
  const file = path.join(tmpdir(), `sangam-${randomUUID()}`);
  const remove = (): Promise<void> => rm(file, { force: true });
  const hash = createHash('sha256');
  let size = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > mostBytes) {
        done(tooLong);
        return;
      }
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await pipeline(stream, counted, createWriteStream(file, { mode: 0o600, flags: 'wx' }));
    const shown = size === 0 ? undefined : await fileTypeFromFile(file);
    return {
      size,
      sha256: hash.digest('hex'),
      shownType: shown?.mime,
      head: await headOf(file),
      bytes: () => openAsBlob(file),
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    if (error === tooLong) return undefined;
    throw error;
  }
}

const tooLong = new Error('It is too long.');

async function headOf(file: string): Promise<Uint8Array> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
  return buffer.subarray(0, bytesRead);
}

import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { link, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { MediaPlace } from '@sangam/core/pipeline';

/** A folder of this machine as a place for media: one file each, by a random name, for this user alone. */
export async function openFolder(folder: string): Promise<MediaPlace> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const id = await idOf(folder);
  const fileOf = (key: string): string => path.join(folder, key);
  return {
    name: `folder ${id}`,
    async put(key, bytes) {
      // It gets its name when it is whole.
      const unfinished = path.join(folder, `.${key}.${randomUUID()}`);
      try {
        await pipeline(
          Readable.fromWeb(bytes.stream()),
          createWriteStream(unfinished, { mode: 0o600, flags: 'wx', flush: true }),
        );
        await rename(unfinished, fileOf(key));
      } catch (error) {
        await rm(unfinished, { force: true });
        throw error;
      }
    },
    async get(key, part) {
      const file = await open(fileOf(key)).catch(missing);
      return file === undefined ? undefined : createReadStream('', { fd: file, ...part });
    },
    async delete(key) {
      await rm(fileOf(key), { force: true });
    },
  };
}

/** Kept in the folder itself, so that it is known wherever it is mounted; drawn once, by whoever comes first. */
async function idOf(folder: string): Promise<string> {
  const file = path.join(folder, 'id');
  const drawn = randomUUID();
  const unfinished = path.join(folder, `.id.${drawn}`);
  const known = await readFile(file, 'utf8').catch(missing);
  if (known !== undefined) return known.trim();
  await writeFile(unfinished, `${drawn}\n`, { mode: 0o600 });
  try {
    await link(unfinished, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(unfinished, { force: true });
  }
  return (await readFile(file, 'utf8')).trim();
}

function missing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}

import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * A secret kept in a file only its owner may read. It is there whole or not at all, whatever happens while it is made; of
 * several processes one makes it. An empty file, as a full disk leaves one, holds none.
 */
export async function secretIn(file: string, make: () => string): Promise<string> {
  const kept = await read(file);
  if (kept !== '') return kept;
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${randomUUID()}`;
  try {
    await writeFile(fresh, make(), { flag: 'wx', mode: 0o600, flush: true });
    if ((await stat(file).catch(() => undefined))?.size === 0) await rm(file);
    await link(fresh, file).catch((error: unknown) => {
      if (!isCode(error, 'EEXIST')) throw error;
    });
    return await read(file);
  } finally {
    await rm(fresh, { force: true });
  }
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return '';
    throw error;
  });
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

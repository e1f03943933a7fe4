import { type FileHandle, open, rm } from 'node:fs/promises';

/**
 * A new file for secrets or customers' data, which nobody else may read. What stood under the name is gone before: a file
 * keeps the mode it was made with, and a link leads elsewhere.
 */
export async function openPrivateFile(file: string): Promise<FileHandle> {
  await rm(file, { force: true });
  return open(file, 'wx', 0o600);
}

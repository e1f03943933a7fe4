import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { openPrivateFile } from './database/index.ts';

/** Makes the folder where it is not. Throws an `Error` that says what to do where this user may not write in it. */
export async function mustBeWritable(dataDir: string): Promise<void> {
  const probe = path.join(dataDir, `.write-${String(process.pid)}`);
  try {
    await makeFolder(path.resolve(dataDir));
    await (await openPrivateFile(probe)).close();
    await rm(probe);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new Error(
      `DATA_DIR (${dataDir}) cannot be written to (${why}): name a folder this user may write in, or mend its rights.`,
      { cause: error },
    );
  }
}

/** Node's own recursive way never ends in a folder that is there and in which none can be made, such as /proc. */
async function makeFolder(folder: string): Promise<void> {
  if (existsSync(folder)) return;
  await makeFolder(path.dirname(folder));
  await mkdir(folder).catch((error: unknown) => {
    // Another process may have been as quick.
    if (!existsSync(folder)) throw error;
  });
}

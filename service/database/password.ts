import { randomBytes } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import { openPrivateFile } from './private-file.ts';

/** The database's password, made at the first start and kept in a file only its owner may read. */
export async function passwordIn(file: string): Promise<string> {
  const kept = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  });
  if (kept !== '') return kept;
  const password = randomBytes(24).toString('base64url');
  const handle = await openPrivateFile(`${file}.new`);
  await handle.writeFile(password);
  await handle.close();
  await rename(`${file}.new`, file);
  return password;
}

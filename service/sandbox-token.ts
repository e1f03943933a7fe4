import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** What opens the sandbox's own routes, kept in `sandbox/token` of the data folder for scripts to read. */
export interface SandboxToken {
  readonly file: string;
  readonly token: string;
  /** This start made it: it is shown once. */
  readonly made: boolean;
}

/** Two processes that share a data folder share the token: `wx`, so that one of them makes it. */
export async function sandboxToken(dataDir: string): Promise<SandboxToken> {
  const file = path.join(dataDir, 'sandbox', 'token');
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const made = await writeFile(file, randomBytes(24).toString('base64url'), { flag: 'wx', mode: 0o600 }).then(
    () => true,
    () => false,
  );
  return { file, made, token: await readFile(file, 'utf8') };
}

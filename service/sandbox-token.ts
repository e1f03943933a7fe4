import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { secretIn } from './secrets/secret-file.ts';

/** What opens the sandbox's own routes, kept in `sandbox/token` of the data folder for scripts to read. */
export interface SandboxToken {
  readonly file: string;
  readonly token: string;
  /** A start that succeeded has shown it: the next need not, for others read logs. */
  readonly isTold: boolean;
  markTold(): Promise<void>;
}

/** Two processes that share a data folder share the token. */
export async function sandboxToken(dataDir: string): Promise<SandboxToken> {
  const file = path.join(dataDir, 'sandbox', 'token');
  const told = `${file}-told`;
  const token = await secretIn(file, () => randomBytes(24).toString('base64url'));
  return {
    file,
    token,
    isTold: existsSync(told),
    markTold: () => writeFile(told, '', { mode: 0o600 }),
  };
}

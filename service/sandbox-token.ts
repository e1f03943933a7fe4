import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { secretIn } from './secret-file.ts';

/** What opens the sandbox's own routes, kept in `sandbox/token` of the data folder for scripts to read. */
export interface SandboxToken {
  readonly file: string;
  readonly token: string;
  /** This start made it: it is shown once. */
  readonly made: boolean;
}

/** Two processes that share a data folder share the token. */
export async function sandboxToken(dataDir: string): Promise<SandboxToken> {
  const file = path.join(dataDir, 'sandbox', 'token');
  const { secret, made } = await secretIn(file, () => randomBytes(24).toString('base64url'));
  return { file, made, token: secret };
}

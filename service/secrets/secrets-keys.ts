import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { openStore } from '@sangam/core/store';
import type { Config } from '../config.ts';
import { secretIn } from './secret-file.ts';
import { createSecretBox } from './secrets.ts';

/**
 * The keys of secrets at rest: those of the environment, or the one of the data folder, which is made there. Throws an
 * `Error` that says what to do where the folder holds no good one, or none and the database was used with one.
 */
export async function secretsKeysOf(
  { secretsKeys, dataDir }: Config,
  databaseUrl: string,
): Promise<readonly Buffer[]> {
  if (secretsKeys.length > 0) return secretsKeys;
  const file = path.join(dataDir, 'secrets.key');
  const fresh = randomBytes(32);
  // Looked for before the file is: another process that starts makes the file before it seals.
  const wasSealed = await holdsSealedOtherwise(databaseUrl, fresh);
  const secret = await secretIn(file, () => {
    if (!wasSealed) return fresh.toString('base64');
    throw new Error(
      `This database was used with a key, and there is none here: set SECRETS_KEY to it, or put ${file} back from a copy.`,
    );
  });
  const key = Buffer.from(secret, 'base64');
  if (key.length !== 32) {
    throw new Error(
      `${file} does not hold a key of 32 bytes in base64: put the right one back from a copy, or name it in SECRETS_KEY.`,
    );
  }
  return [key];
}

async function holdsSealedOtherwise(databaseUrl: string, key: Buffer): Promise<boolean> {
  const store = openStore(databaseUrl, { maxConnections: 1 });
  try {
    return (await store.workspacesSealedOtherwise(createSecretBox([key]).keyId)).length > 0;
  } finally {
    await store.close();
  }
}

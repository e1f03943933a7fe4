import { existsSync } from 'node:fs';
import path from 'node:path';
import { reachDatabase } from '@sangam/core/store';
import { type Config, readConfig } from './config.ts';
import { mustBeWritable } from './data-dir.ts';
import { openEmbeddedDatabase } from './database/index.ts';
import { envFiles } from './env-file.ts';

/** Runs a command of its own and ends the process: with 1 and one line where it failed. */
export async function runCommand(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

/** Works on the database the settings name, which the service may be using. `mayMake`: one may be made where none is. */
export async function onDatabase(
  work: (databaseUrl: string, config: Config) => Promise<void>,
  { mayMake = false }: { readonly mayMake?: boolean } = {},
): Promise<void> {
  const config = readConfig(process.env, envFiles());
  const folder = path.resolve(config.dataDir, 'postgres');
  if (config.databaseUrl === undefined && !mayMake && !existsSync(folder)) {
    throw new Error(
      `There is no database in ${folder}: set DATA_DIR or DATABASE_URL as the service has them.`,
    );
  }
  if (config.databaseUrl === undefined) await mustBeWritable(config.dataDir);
  const embedded = config.databaseUrl === undefined ? await openEmbeddedDatabase(config.dataDir) : undefined;
  const databaseUrl = config.databaseUrl ?? embedded?.url ?? '';
  try {
    await reachDatabase(databaseUrl, { patienceMs: 0, onAway: () => undefined });
    await work(databaseUrl, config);
  } finally {
    await embedded?.stopIfLast();
  }
}

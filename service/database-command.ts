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
    // What still waits for the database is left.
    process.exit(1);
  }
}

/**
 * Works on the database the settings name, which the service may be using. `mayMake`: one may be made where none is. Ctrl-C
 * aborts the work's signal, and leaves no database running that was started for it.
 */
export async function onDatabase(
  work: (databaseUrl: string, config: Config, signal: AbortSignal) => Promise<void>,
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
  const signal = untilSignalled();
  const embedded = config.databaseUrl === undefined ? await openEmbeddedDatabase(config.dataDir) : undefined;
  const databaseUrl = config.databaseUrl ?? embedded?.url ?? '';
  try {
    signal.throwIfAborted();
    await reachDatabase(databaseUrl, { patienceMs: 0, onAway: () => undefined });
    signal.throwIfAborted();
    await Promise.race([work(databaseUrl, config, signal), left(signal)]);
  } catch (error) {
    // What the work says then is that its connection is gone.
    signal.throwIfAborted();
    throw error;
  } finally {
    await embedded?.stopIfLast();
  }
}

/** What is under way gets so long to end by itself, and close its connections, once it is to. */
const endMs = 2_000;

/** Rejects some time after the signal, with its reason: work that waits, as for a lock at the database, is left. */
function left(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason as Error), endMs).unref());
  });
}

/** Aborted by the first of Ctrl-C and SIGTERM; npm and the wrapper pass on what the process has got already. */
function untilSignalled(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => controller.abort(new Error('Stopped before it was done: nothing of it stands.'));
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return controller.signal;
}

import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';

const waitForOthersMs = 60_000;
const busy = 5;

/**
 * Runs `work` while no other process runs any under the same file. The lock is the operating system's, taken through
 * SQLite: it ends with its holder, however that dies, so there is none to be found stale.
 */
export async function holding<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    const until = performance.now() + waitForOthersMs;
    while (!acquired(lock)) {
      if (performance.now() > until)
        throw new Error(
          `Another process has been starting or stopping the database for a minute; it holds ${file}.`,
        );
      await wait(25);
    }
    return await work();
  } finally {
    lock.close();
  }
}

function acquired(lock: DatabaseSync): boolean {
  try {
    lock.exec('begin exclusive');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === busy) return false;
    throw error;
  }
}

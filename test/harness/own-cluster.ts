import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { migrate } from '@sangam/core/store';
import { openEmbeddedDatabase } from '@sangam/service/database';
import { openDatabaseProxy } from './database-proxy.ts';
import type { TestDatabase } from './database.ts';

/** A PostgreSQL of one test's own, which may be killed. Its URL stays. */
export interface OwnCluster extends TestDatabase {
  /** Kills the server in the middle of anything, and starts it again. */
  killAndRestart(): Promise<void>;
}

// As for the whole run: killing processes is survived without, only a power cut is not.
const settings = { fsync: 'off', full_page_writes: 'off' };

export async function openOwnCluster(): Promise<OwnCluster> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sangam-cluster-'));
  let running = await openEmbeddedDatabase(folder, settings);
  await migrate(running.url);
  const proxy = await openDatabaseProxy(running.url);
  return {
    url: proxy.url,
    async killAndRestart() {
      const pidFile = path.join(folder, 'postgres/cluster/postmaster.pid');
      process.kill(Number((await readFile(pidFile, 'utf8')).split('\n')[0]), 'SIGKILL');
      running = await openEmbeddedDatabase(folder, settings);
      proxy.lead(running.url);
      proxy.cutAll();
    },
    async drop() {
      proxy.close();
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

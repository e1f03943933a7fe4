import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openEmbeddedDatabase } from '@sangam/service/database';
import type { TestProject } from 'vitest/node';
import { mustBeReached } from './given-database.ts';
import { dropTemplate, hasCitus } from './template.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The test run's PostgreSQL, as its superuser. */
    databaseUrl: string;
    /** It has Citus, and every test's database is a distributed one. */
    citus: boolean;
  }
}

/**
 * One PostgreSQL for the whole run, in a folder that goes with it; TEST_DATABASE_URL: one of yours, as its superuser, in which
 * databases are made and dropped. Where it has Citus every test's is a distributed one.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined) {
    await mustBeReached(given, 'TEST_DATABASE_URL', { superuser: true });
    project.provide('databaseUrl', given);
    project.provide('citus', await hasCitus(given));
    return () => dropTemplate(given);
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'sangam-test-'));
  // What one process compiled no other compiles again, be it a test's or a service a test starts. Node's own place for it.
  process.env['NODE_COMPILE_CACHE'] = path.join(tmpdir(), 'node-compile-cache');
  const clear = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    // A test run's database need not survive a power cut; killing processes is survived either way.
    const database = await openEmbeddedDatabase(folder, {
      fsync: 'off',
      full_page_writes: 'off',
      // Of several files at once, each with several processes.
      max_connections: '300',
    });
    project.provide('databaseUrl', database.url);
    project.provide('citus', false);
    return async () => {
      await database.stop();
      await clear();
    };
  } catch (error) {
    await clear();
    throw error;
  }
}

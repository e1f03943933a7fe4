import { randomBytes } from 'node:crypto';
import { migrate } from '@sangam/core/store';
import pg from 'pg';
import { inject } from 'vitest';

/** A database of one's own, empty but for the schema. */
export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

const template = 'sangam_template';
const templateLock = 4_211_001;

/** Clones the template, which the first test file to ask makes. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asSuperuser(async (client) => {
    await client.query('select pg_advisory_lock($1)', [templateLock]);
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [template]);
    if (rowCount === 0) {
      // It gets its name when it is whole: a failed migration leaves no half template to the next file.
      const unfinished = `${template}_${randomBytes(6).toString('hex')}`;
      await client.query(`create database ${unfinished}`);
      await migrate(urlOf(unfinished));
      await client.query(`alter database ${unfinished} rename to ${template}`);
    }
    await client.query(`create database ${name} template ${template} strategy file_copy`);
    await client.query('select pg_advisory_unlock($1)', [templateLock]);
  });
  return { url: urlOf(name), drop: () => drop(name) };
}

/** One in which nobody ever made a table. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const name = `empty_${randomBytes(6).toString('hex')}`;
  await asSuperuser((client) => client.query(`create database ${name}`).then(() => undefined));
  return { url: urlOf(name), drop: () => drop(name) };
}

const drop = (name: string): Promise<void> =>
  asSuperuser((client) => client.query(`drop database ${name} with (force)`).then(() => undefined));

async function asSuperuser(work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: inject('databaseUrl') });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function urlOf(database: string): string {
  const url = new URL(inject('databaseUrl'));
  url.pathname = `/${database}`;
  return url.href;
}

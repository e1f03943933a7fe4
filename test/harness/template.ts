import { randomBytes } from 'node:crypto';
import { distribute, migrate } from '@sangam/core/store';
import pg from 'pg';

/** The database that every test's is cloned from. */
const template = 'sangam_template';
const templateLock = 4_211_001;

export interface Server {
  readonly url: string;
  readonly citus: boolean;
}

export async function cloneTemplate(client: pg.Client, server: Server, name: string): Promise<void> {
  await client.query('select pg_advisory_lock($1)', [templateLock]);
  const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [template]);
  if (rowCount === 0) {
    // It gets its name when it is whole: a failed migration leaves no half template to the next file.
    const unfinished = `${template}_${randomBytes(6).toString('hex')}`;
    await client.query(`create database ${unfinished}`);
    await migrate(databaseAt(server.url, unfinished));
    if (server.citus) await distributeAt(client, server, unfinished);
    await client.query(`alter database ${unfinished} rename to ${template}`);
  }
  await client.query(`create database ${name} template ${template} strategy file_copy`);
  await client.query('select pg_advisory_unlock($1)', [templateLock]);
}

async function distributeAt(client: pg.Client, server: Server, name: string): Promise<void> {
  const url = databaseAt(server.url, name);
  await asSuperuser(url, (inside) => inside.query('create extension citus'));
  await distribute(url);
  // Citus looks after a database by a session of its own, and one with sessions is not cloned.
  await client.query(`alter database ${name} allow_connections false`);
  await client.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [
    name,
  ]);
}

export async function hasCitus(serverUrl: string): Promise<boolean> {
  const { rowCount } = await asSuperuser(serverUrl, (client) =>
    client.query("select 1 from pg_available_extensions where name = 'citus'"),
  );
  return rowCount === 1;
}

/** On a server that outlives the run: the next may be of another version. */
export async function dropTemplate(serverUrl: string): Promise<void> {
  await asSuperuser(serverUrl, (client) => client.query(`drop database if exists ${template}`));
}

export async function asSuperuser<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export function databaseAt(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

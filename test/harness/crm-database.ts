import { openStore, type Store } from '@sangam/core/store';
import pg from 'pg';
import { afterAll } from 'vitest';
import { createTestDatabase } from './database.ts';
import { until } from './until.ts';

/** What a CRM fixture stands on: an empty database, open to a process and to whoever asks what no part of the product would. */
export interface CrmDatabase {
  readonly url: string;
  readonly client: pg.Client;
  readonly store: Store;
  /** For the file's next fixture, once nothing of this one is under way. */
  giveBack(): Promise<void>;
}

/** Making a database and connections to it takes longer than most tests: a file's tests hand theirs on, emptied. */
const free: CrmDatabase[] = [];
const made: { close(): Promise<void> }[] = [];

afterAll(async () => {
  await Promise.all(made.map((one) => one.close()));
});

export async function takeCrmDatabase(): Promise<CrmDatabase> {
  const known = free.pop();
  if (known === undefined) return makeDatabase();
  await known.client.query(empty);
  return known;
}

async function makeDatabase(): Promise<CrmDatabase> {
  const database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const store = openStore(database.url);
  made.push({
    async close() {
      await store.close();
      await client.end();
      await database.drop();
    },
  });
  const opened: CrmDatabase = {
    url: database.url,
    client,
    store,
    async giveBack() {
      await until('the fixture to come to rest', () => {
        const { open, idle, waiting } = store.pool();
        return open === idle && waiting === 0;
      });
      free.push(opened);
    },
  };
  return opened;
}

/** Every row goes, and what a test has added to the schema. */
const empty = `
  do $$
  declare
    name text;
  begin
    set local session_replication_role = replica;
    for name in select oid::regprocedure from pg_proc where pronamespace = 'public'::regnamespace loop
      execute 'drop function ' || name || ' cascade';
    end loop;
    for name in
      select oid::regclass from pg_class
      where relnamespace = 'public'::regnamespace and relkind = 'r' and not starts_with(relname, 'kysely_')
    loop
      execute 'delete from ' || name;
    end loop;
  end $$`;

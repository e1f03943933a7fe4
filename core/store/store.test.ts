import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '@sangam/test';
import { openStore, directoryTables, sealedColumns, type Store } from './index.ts';

let database: TestDatabase;
let store: Store;
const mine = '00000000-0000-4000-8000-000000000001';
const theirs = '00000000-0000-4000-8000-000000000002';

beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore(database.url);
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

test('everything that is kept sealed is known, so that it is sealed anew when the key changes', async () => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query<{ place: string }>(`
    select table_name || '.' || column_name as place from information_schema.columns
    where table_schema = 'public' and data_type = 'bytea'
      and column_name ~ '(secret|token|erasure_key)' and column_name !~ '_hash$' order by 1`);
  await client.end();
  const known = sealedColumns.flatMap(({ table, columns }) => columns.map((column) => `${table}.${column}`));
  expect(rows.map(({ place }) => place)).toEqual(known.toSorted());
});

describe('a workspace’s tables', () => {
  test('have keys that start with workspace_id, but for the directory', async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query<{ table: string; first: string; kind: string }>(`
      select c.relname as "table", a.attname as first, i.relname as kind
      from pg_index x
      join pg_class c on c.oid = x.indrelid
      join pg_class i on i.oid = x.indexrelid
      join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
      join pg_attribute a on a.attrelid = c.oid and a.attnum = x.indkey[0]
      where c.relname not like 'kysely%' and c.relname <> 'migration_hashes'`);
    await client.end();
    expect(rows.length).toBeGreaterThan(20);
    const directory: readonly string[] = directoryTables;
    const wrong = rows.filter(({ table, first }) => !directory.includes(table) && first !== 'workspace_id');
    expect(wrong).toEqual([]);
  });

  test('are refused without their workspace, through the builder', async () => {
    await expect(
      store.transact(mine, (trx) => trx.selectFrom('contacts').selectAll().execute()),
    ).rejects.toMatchObject({ code: 'workspace_missing' });
    await expect(
      store.transact(mine, (trx) =>
        trx.selectFrom('contacts').selectAll().where('workspace_id', '=', theirs).execute(),
      ),
    ).rejects.toMatchObject({ code: 'workspace_missing' });
    await expect(
      store.transact(mine, (trx) => trx.deleteFrom('messages').where('wamid', '=', 'x').execute()),
    ).rejects.toMatchObject({ code: 'workspace_missing' });
  });

  test('are refused without their workspace, as raw SQL', async () => {
    await expect(
      store.transact(mine, (trx) => sql`select * from messages`.execute(trx)),
    ).rejects.toMatchObject({ code: 'workspace_missing' });
    await expect(
      store.transact(mine, (trx) => sql`select * from messages where workspace_id = ${theirs}`.execute(trx)),
    ).rejects.toMatchObject({ code: 'workspace_missing' });
  });

  test('are refused through the directory', async () => {
    await expect(store.directory.selectFrom('contacts').selectAll().execute()).rejects.toMatchObject({
      code: 'workspace_missing',
    });
  });

  test('open to a statement bound to the transaction’s workspace', async () => {
    const rows = await store.transact(mine, (trx) =>
      trx.selectFrom('contacts').selectAll().where('workspace_id', '=', mine).execute(),
    );
    expect(rows).toEqual([]);
  });
});

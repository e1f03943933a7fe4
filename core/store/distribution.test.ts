import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { createEmptyDatabase, type TestDatabase } from '@sangam/test';
import { mustBeAlone, planDistribution, spreadTables } from './distribution.ts';
import { directoryTables, distribute, migrate, workspaceTables } from './index.ts';
import { migrations } from './migrations/index.ts';
import { openDatabase } from './with-database.ts';

/** Where tables stand once the database is a distributed one (docs/scaling.md). */

const onCitus = inject('citus');
if (!onCitus) console.log('Skipped: that a Citus spreads the tables, for want of one (TEST_DATABASE_URL).');

let database: TestDatabase;
let db: Kysely<unknown>;

async function use(opened: Promise<TestDatabase>): Promise<void> {
  database = await opened;
  db = openDatabase(database.url);
}

afterEach(async () => {
  await db.destroy();
  await database.drop();
});

const run = (statement: string) => sql.raw(statement).execute(db);

describe('the plan', () => {
  beforeEach(async () => {
    await use(createEmptyDatabase());
    await migrate(database.url);
  });

  test('has a place for every table, and workspaces goes first', async () => {
    const { byWorkspace, onEveryNode, onCoordinator } = await planDistribution(db);
    expect(byWorkspace[0]).toBe('workspaces');
    expect(byWorkspace.toSorted()).toEqual(workspaceTables.toSorted());
    expect([...onEveryNode, 'directory_due'].toSorted()).toEqual(directoryTables.toSorted());
    expect(onCoordinator).toContain('directory_due');
  });

  test.each([
    ['with a key of its own', 'create table strays (stray_id uuid primary key, workspace_id uuid)'],
    ['without a key', 'create table strays (workspace_id uuid)'],
    [
      'with a unique index across workspaces',
      'create table strays (workspace_id uuid, stray_id uuid unique, primary key (workspace_id, stray_id))',
    ],
  ])('names a table %s', async (_name, statement) => {
    await run(statement);
    await expect(planDistribution(db)).rejects.toThrow(
      /^The table strays fits nowhere in a distributed database/,
    );
  });

  test.each([
    [
      'directory_strays',
      'create table directory_strays (workspace_id uuid references workspaces)',
      'workspaces',
    ],
    [
      'members',
      'alter table members add constraint strays foreign key (workspace_id, role, member_id) references directory_due (workspace_id, queue, target_id)',
      'directory_due',
    ],
  ])('names a foreign key that leads to another node: of %s', async (table, statement, other) => {
    await run(statement);
    await expect(planDistribution(db)).rejects.toThrow(`The table ${table} has a foreign key to ${other}`);
  });
});

test.runIf(!onCitus)('a PostgreSQL without Citus is told so, and nothing is made in it', async () => {
  await use(createEmptyDatabase());
  await expect(distribute(database.url)).rejects.toThrow(
    /^This PostgreSQL has no Citus.*install Citus 13\.2.*Nothing was changed\.$/,
  );
  const { rows } = await run("select 1 from pg_class where relnamespace = 'public'::regnamespace");
  expect(rows).toEqual([]);
});

describe('a database that holds somebody else’s table', () => {
  const tables = async (): Promise<unknown[]> => (await run('select * from pg_tables order by 1, 2')).rows;

  test('is told so before anything is made in it', async () => {
    await use(createEmptyDatabase());
    await run('create table orders (order_id uuid primary key)');
    const before = await tables();
    await expect(distribute(database.url)).rejects.toThrow(
      /not Sangam's: orders\..*set schema.*createdb.*Nothing was changed\.$/,
    );
    expect(await tables()).toEqual(before);
  });

  test('is told so where it would fit among ours', async () => {
    await use(createEmptyDatabase());
    await migrate(database.url);
    await run('create table orders (workspace_id uuid, order_id uuid, primary key (workspace_id, order_id))');
    await expect(mustBeAlone(db)).rejects.toThrow(/not Sangam's: orders\./);
    await run('create schema shop');
    await run('alter table orders set schema shop');
    await expect(mustBeAlone(db)).resolves.toBeUndefined();
  });

  test('is none for being a part of one of ours', async () => {
    await use(createEmptyDatabase());
    await run('create table occurrences (workspace_id uuid) partition by list (workspace_id)');
    await run('create table occurrences_of_some partition of occurrences default');
    await expect(mustBeAlone(db)).resolves.toBeUndefined();
  });

  test('is none for being of an earlier version', async () => {
    await use(createEmptyDatabase());
    const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
    for (const name of Object.keys(migrations)) {
      expect((await migrator.migrateTo(name)).error).toBeUndefined();
      await mustBeAlone(db);
    }
  });
});

describe.runIf(onCitus)('on a Citus', () => {
  beforeEach(() => use(createEmptyDatabase()));

  const placesNow = async (): Promise<Readonly<Record<string, string>>> => {
    const { rows } = await sql<{ name: string; place: string }>`
      select c.relname as name, case d.partmethod when 'h' then 'byWorkspace' else 'onEveryNode' end as place
      from pg_dist_partition d join pg_class c on c.oid = d.logicalrelid`.execute(db);
    return Object.fromEntries(rows.map(({ name, place }) => [name, place]));
  };
  const placesPlanned = async (): Promise<Readonly<Record<string, string>>> => {
    const { byWorkspace, onEveryNode } = await planDistribution(db);
    return Object.fromEntries([
      ...byWorkspace.map((name) => [name, 'byWorkspace']),
      ...onEveryNode.map((name) => [name, 'onEveryNode']),
    ]);
  };

  test('a database that does not use it yet is told so', async () => {
    await expect(distribute(database.url)).rejects.toThrow(/create extension citus.*Nothing was changed\.$/);
  });

  test('one whose nodes are not to hold anything is told so, and nothing is made in it', async () => {
    await run('create extension citus');
    await run("select citus_set_coordinator_host('localhost', current_setting('port')::int)");
    await expect(distribute(database.url)).rejects.toThrow(
      /^No node of this Citus is to hold data.*citus_add_node.*Nothing was changed\.$/,
    );
    const { rows } = await run("select 1 from pg_tables where schemaname = 'public'");
    expect(rows).toEqual([]);
  });

  test('a distributed one in which somebody made a table is told so before it is migrated', async () => {
    await run('create extension citus');
    await distribute(database.url);
    await run('create table orders (workspace_id uuid, order_id uuid, primary key (workspace_id, order_id))');
    await expect(migrate(database.url)).rejects.toThrow(/not Sangam's: orders\..*Nothing was changed\.$/);
  });

  test('what a database held is held by a distributed one, and doing it again changes nothing', async () => {
    await migrate(database.url);
    await run(`insert into workspaces (workspace_id, name, sandbox, created_at)
               select gen_random_uuid(), 'W' || n, false, n from generate_series(1, 50) n`);
    await run(
      'insert into contacts (workspace_id, contact_id, created_at) select workspace_id, gen_random_uuid(), 1 from workspaces',
    );
    await run(`insert into directory_channels (phone_number_id, waba_id, channel_id, workspace_id, app, portfolio, region)
               select created_at, 1, gen_random_uuid(), workspace_id, 'own', '1', 'IN' from workspaces`);
    await run(
      "insert into directory_due (workspace_id, queue, target_id, due_at) select workspace_id, 'sweep', workspace_id, 1 from workspaces",
    );
    const counts = `select (select count(*)::int from workspaces) as workspaces, (select count(*)::int from contacts) as contacts,
      (select count(*)::int from directory_channels) as channels, (select count(*)::int from directory_due) as due`;
    const { rows: before } = await run(counts);

    await run('create extension citus');
    const { spread, nodes } = await distribute(database.url);
    expect({ nodes, all: spread.length }).toEqual({
      nodes: 1,
      all: workspaceTables.length + directoryTables.length - 1,
    });
    expect(await placesNow()).toEqual(await placesPlanned());
    expect((await run(counts)).rows).toEqual(before);
    expect((await distribute(database.url)).spread).toEqual([]);
    expect((await run(counts)).rows).toEqual(before);
  });

  test('one that was distributed takes every later migration, and what is new in it is spread', async () => {
    const migrateTo = async (some: Readonly<Record<string, Migration>>): Promise<void> => {
      const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(some) } });
      expect((await migrator.migrateToLatest()).error).toBeUndefined();
    };
    await migrateTo(Object.fromEntries(Object.entries(migrations).filter(([name]) => name <= '0052~')));
    await run('create extension citus');
    await spreadTables(db);
    const later: Migration = {
      async up(trx) {
        for (const statement of [
          `create table notes (workspace_id uuid not null, note_id uuid not null, text text not null,
             constraint notes_text_check check (text <> ''), primary key (workspace_id, note_id))`,
          `insert into notes (workspace_id, note_id, text) select workspace_id, workspace_id, name from workspaces`,
          'create index notes_by_text on notes (workspace_id, text)',
          'alter table workspaces add column named_at bigint not null default 0',
          'update workspaces set named_at = created_at + 1',
          'alter table workspaces add constraint workspaces_named_check check (named_at >= 0)',
          'alter table alerts drop column message',
          'alter table directory_channels add column named_at bigint not null default 0',
        ]) {
          await sql.raw(statement).execute(trx);
        }
      },
    };
    await migrate(database.url);
    expect(await placesNow()).toEqual(await placesPlanned());
    await migrateTo({ ...migrations, '9999-later': later });
    expect(await spreadTables(db)).toContain('notes');
    expect(await placesNow()).toEqual(await placesPlanned());
    const { rows } = await run(
      'select n.text, w.named_at::int as at from notes n join workspaces w using (workspace_id)',
    );
    expect(rows).toEqual([{ text: 'Sangam service', at: 1 }]);
  });
});

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Kysely, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';
import { distributedTables, mustBeAlone, spreadTables } from './distribution.ts';
import { migrations } from './migrations/index.ts';
import { withDatabase } from './with-database.ts';

/**
 * Brings the database up to date, a distributed one also on its other nodes. Two processes at once are safe: Kysely's
 * migrator takes a lock. Throws an `Error` that says what to do where the database is of a newer version, or of migrations
 * other than ours of the same name.
 */
export function migrate(url: string): Promise<void> {
  return withDatabase(url, async (db) => {
    const hashes = await hashesOfMigrations();
    await mustBeOurs(db, hashes);
    if ((await distributedTables(db)) !== undefined) await mustBeAlone(db);
    const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined) throw isTaken(error) ? notAlone(error) : error;
    await rememberHashes(db, hashes);
    // What a migration made stands on the coordinator alone until it is spread, and nothing would tell.
    if ((await distributedTables(db)) !== undefined) await spreadTables(db);
  });
}

/** Throws an `Error` that says what to do where the database is not as `migrate` leaves it. Changes nothing. */
export function mustBeMigrated(url: string): Promise<void> {
  return withDatabase(url, async (db) => {
    const hashes = await hashesOfMigrations();
    const applied = await mustBeOurs(db, hashes);
    if (applied.length < hashes.size) {
      throw new Error(
        'The database is not of this version of Sangam yet: start Sangam once, with the same settings.',
      );
    }
  });
}

const duplicateTable = '42P07';

function isTaken(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && error.code === duplicateTable;
}

function notAlone(error: pg.DatabaseError): Error {
  return new Error(
    `DATABASE_URL names a database that others use: ${error.message}. Give Sangam a database of its own (createdb NAME).`,
    { cause: error },
  );
}

/** Any number, the same in every process: two that start at once would both make the table. */
const hashesLock = 730_151_043;

/** Name of a migration → SHA-256 of its file. */
async function hashesOfMigrations(): Promise<ReadonlyMap<string, string>> {
  return new Map(
    await Promise.all(
      Object.keys(migrations).map(async (name) => {
        const source = await readFile(new URL(`./migrations/${name}.ts`, import.meta.url), 'utf8');
        // Git may check a file out with other line ends.
        const hash = createHash('sha256').update(source.replaceAll('\r\n', '\n')).digest('hex');
        return [name, hash] as const;
      }),
    ),
  );
}

/** The names of the migrations it has had. */
async function mustBeOurs(
  db: Kysely<unknown>,
  hashes: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  const { rows: applied } = (await exists(db, 'kysely_migration'))
    ? await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
    : { rows: [] };
  const unknown = applied.find(({ name }) => !hashes.has(name));
  if (unknown !== undefined) {
    throw new Error(
      `The database was made by a newer version of Sangam: it holds the migration ${unknown.name}, which this version ` +
        'does not know. Start that version, or restore a backup that this one made.',
    );
  }
  const { rows: known } = (await exists(db, 'migration_hashes'))
    ? await sql<{ name: string; hash: string }>`select name, hash from migration_hashes`.execute(db)
    : { rows: [] };
  const changed = known.find(({ name, hash }) => hashes.get(name) !== hash);
  if (changed !== undefined) {
    throw new Error(
      `The migration ${changed.name} was changed after this database had applied it. Start the version that made the ` +
        'database, or put that file back as it was and write what is new as another migration.',
    );
  }
  return applied.map(({ name }) => name);
}

async function exists(db: Kysely<unknown>, table: string): Promise<boolean> {
  const { rows } = await sql<{ there: boolean }>`select to_regclass(${table}) is not null as there`.execute(
    db,
  );
  return rows[0]?.there === true;
}

/** Stands beside Kysely's own table, which keeps names and times alone. */
async function rememberHashes(db: Kysely<unknown>, hashes: ReadonlyMap<string, string>): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(${hashesLock})`.execute(trx);
    await sql`
      create table if not exists migration_hashes (name text primary key, hash text not null)`.execute(trx);
    await sql`
      insert into migration_hashes (name, hash)
      select * from unnest(${[...hashes.keys()]}::text[], ${[...hashes.values()]}::text[])
      on conflict (name) do nothing`.execute(trx);
  });
}

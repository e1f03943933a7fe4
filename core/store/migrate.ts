import { Kysely, PostgresDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';
import { foundation } from './migrations/0001-foundation.ts';
import { crmRecords } from './migrations/0002-crm-records.ts';
import { corrections } from './migrations/0007-corrections.ts';

const migrations = {
  '0001-foundation': foundation,
  '0002-crm-records': crmRecords,
  '0007-corrections': corrections,
};

/** Brings the database up to date. Two processes at once are safe: Kysely's migrator takes a lock. */
export async function migrate(url: string): Promise<void> {
  const db = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 1 }) }),
  });
  try {
    const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined) throw error;
  } finally {
    await db.destroy();
  }
}

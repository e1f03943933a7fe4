import { Kysely, PostgresDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';
import { foundation } from './migrations/0001-foundation.ts';
import { crmRecords } from './migrations/0002-crm-records.ts';
import { timelineDue } from './migrations/0003-timeline-due.ts';
import { outcomes } from './migrations/0004-outcomes.ts';
import { changesIn } from './migrations/0005-changes-in.ts';
import { whatsappReading } from './migrations/0006-whatsapp-reading.ts';
import { corrections } from './migrations/0007-corrections.ts';
import { silentAccounts } from './migrations/0008-silent-accounts.ts';

const migrations = {
  '0001-foundation': foundation,
  '0002-crm-records': crmRecords,
  '0003-timeline-due': timelineDue,
  '0004-outcomes': outcomes,
  '0005-changes-in': changesIn,
  '0006-whatsapp-reading': whatsappReading,
  '0007-corrections': corrections,
  '0008-silent-accounts': silentAccounts,
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

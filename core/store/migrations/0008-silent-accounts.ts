import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Since when an account has not answered, and why. */
export const silentAccounts: Migration = {
  async up(db) {
    await sql`alter table crm_connections add column failing_since bigint, add column last_failure text`.execute(
      db,
    );
  },
};

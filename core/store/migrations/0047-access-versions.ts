import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A call that failed after a person let the account be called anew no longer blocks it. */
export const accessVersions: Migration = {
  async up(db) {
    await sql.raw('alter table crm_connections add column access_version int not null default 0').execute(db);
  },
};

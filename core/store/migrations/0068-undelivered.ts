import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Until when it is known what an account's own automation could not deliver. */
export const undelivered: Migration = {
  async up(db) {
    await sql.raw(`alter table crm_scan_states add column undelivered_until bigint`).execute(db);
  },
};

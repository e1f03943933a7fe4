import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Who polls an account, and until when nobody else does. */
export const pollLeases: Migration = {
  async up(db) {
    for (const statement of [
      `alter table crm_scan_states add column poll_lease uuid`,
      `alter table crm_scan_states add column poll_leased_until bigint`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

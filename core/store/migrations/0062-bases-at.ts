import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** When what is known of a record was read: a look that leaves it as it is sees the record later. */
export const basesAt: Migration = {
  async up(db) {
    for (const statement of [
      `alter table crm_records add column base_at bigint not null default 0`,
      `update crm_records set base_at = read_at`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

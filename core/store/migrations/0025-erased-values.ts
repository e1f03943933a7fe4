import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Of records that are others' too: what of somebody erased still stands there that we wrote, known by its hash alone. */
export const erasedValues: Migration = {
  async up(db) {
    await sql.raw(`alter table crm_records add column erased_values bytea`).execute(db);
  },
};

import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What stood on an erased person's record is known by hashes: where that went into another, it is no change of anybody's. */
export const erasedBases: Migration = {
  async up(db) {
    await sql.raw('alter table crm_records add column erased_base bytea').execute(db);
  },
};

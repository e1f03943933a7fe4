import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** When somebody a record told of was erased: what is told late of before then, and nobody in the CRM did, was about them. */
export const erasedAt: Migration = {
  async up(db) {
    await sql.raw('alter table crm_records add column erased_at bigint').execute(db);
  },
};

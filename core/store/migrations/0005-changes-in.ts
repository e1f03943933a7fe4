import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What a look at a CRM can tell, and what it cannot. Times in milliseconds, as in 0001. */
export const changesIn: Migration = {
  async up(db) {
    for (const statement of [
      // A write nobody answered may still take effect.
      `alter table crm_writes add column answered boolean not null default true`,
      // A look finds a change, and not when it was made.
      `alter table occurrences add column looked boolean not null default false`,
      // The vendor's time of what was seen, and of a deletion it told that nobody has looked at yet.
      `alter table crm_records add column changed_at bigint, add column doubted_at bigint`,
      // Where a poll goes on is told in other words: it begins anew where the last one ended.
      `update crm_connections set poll_cursor = null where poll_cursor is not null`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

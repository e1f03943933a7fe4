import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The traces of events travel with what they cause, and open dead letters are counted without those set aside. */
export const seenByOps: Migration = {
  async up(db) {
    for (const statement of [
      `alter table inbox add column traceparent text`,
      `alter table dirty_records add column traceparents text[]`,
      `alter table timeline_entries add column traceparents text[]`,
      `create index dead_letters_open on dead_letters (workspace_id, dead_letter_id) where set_aside_at is null`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

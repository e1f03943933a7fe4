import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Timeline entries: when they fell due, tries of one alone, and the look for what was never written. */
export const timelineDue: Migration = {
  async up(db) {
    for (const statement of [
      // The version in which an entry fell due: what was due before is not counted anew.
      `alter table timeline_entries add column due_version integer not null default 1`,
      `alter table timeline_entries add column attempts integer not null default 0`,
      // Nowhere shown and not due: their contact had no record when they were looked at.
      `create index timeline_entries_homeless on timeline_entries (workspace_id, contact_id, connection_id)
      where due_at is null and record_id is null and written_hash is null`,
      // How far the look for such entries of contacts that have a record has come.
      `alter table window_sweeps add column entries_from uuid`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

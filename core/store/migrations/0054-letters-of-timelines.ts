import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A dead letter says by itself whether it is about a timeline, not by how its reason begins. */
export const lettersOfTimelines: Migration = {
  async up(db) {
    for (const statement of [
      `alter table dead_letters add column about_timeline boolean not null default false`,
      `update dead_letters set about_timeline = true where connection_id is not null and reason like 'timeline%'`,
      `drop index dead_letters_by_contact`,
      `create unique index dead_letters_by_contact
      on dead_letters (workspace_id, connection_id, contact_id, about_timeline, (coalesce(record_id, '')))`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

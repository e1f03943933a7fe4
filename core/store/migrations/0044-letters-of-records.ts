import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A dead letter says which record it is about: another record of the same person that is written ends it no more. */
export const lettersOfRecords: Migration = {
  async up(db) {
    for (const statement of [
      `alter table dead_letters add column record_id text`,
      `drop index dead_letters_by_contact`,
      `create unique index dead_letters_by_contact
      on dead_letters (workspace_id, connection_id, contact_id, (reason like 'timeline%'), (coalesce(record_id, '')))`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

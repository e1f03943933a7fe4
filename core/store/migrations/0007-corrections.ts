import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Dead letters say where they truly come from, and those nothing can replay can be set aside. */
export const corrections: Migration = {
  async up(db) {
    for (const statement of [
      `alter table dead_letters drop constraint dead_letters_source_check`,
      `alter table dead_letters add constraint dead_letters_source_check check (source in ('whatsapp', 'crm', 'us'))`,
      `alter table dead_letters
      add column set_aside_at bigint,
      add column set_aside_by uuid,
      add column set_aside_why text`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

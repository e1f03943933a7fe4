import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A create is known for one, and under which id, also once its record has a name. */
export const createsInJournal: Migration = {
  async up(db) {
    for (const statement of [
      `alter table crm_writes add column under_key text`,
      `update crm_writes set under_key = substr(record_id, 5), answered = false where starts_with(record_id, 'new:')`,
      `create index crm_writes_unanswered_creates on crm_writes (workspace_id, connection_id, under_key)
      where under_key is not null and not answered`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

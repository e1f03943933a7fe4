import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** An entry that changes while it is being written rests after that, as long as what changed asks for. */
export const entryRests: Migration = {
  async up(db) {
    await sql.raw(`alter table timeline_entries add column rest_ms bigint`).execute(db);
  },
};

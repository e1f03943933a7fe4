import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Of creates of erased people that nobody answered: what the record they may have made says, known by its hashes alone. */
export const erasedTries: Migration = {
  async up(db) {
    await sql
      .raw(
        `create table erased_tries (
      workspace_id uuid not null,
      connection_id uuid not null,
      key_hash bytea not null,
      written bytea not null,
      erased_at bigint not null,
      primary key (workspace_id, connection_id, key_hash)
    )`,
      )
      .execute(db);
  },
};

import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A number belongs to who proves it; a channel that let it go, or lost it, stays with what it received. */
export const provenNumbers: Migration = {
  async up(db) {
    for (const statement of [
      `alter table directory_channels add column proven boolean not null default false`,
      `alter table directory_channels add column released_at bigint`,
      `alter table directory_channels drop constraint directory_channels_pkey`,
      `alter table directory_channels add constraint directory_channels_pkey primary key (channel_id)`,
      `alter table directory_channels drop constraint directory_channels_channel_id_key`,
      `create unique index directory_channels_by_number on directory_channels (phone_number_id)
       where released_at is null`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

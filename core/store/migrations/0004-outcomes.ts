import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What one item of a write may come to, and which of a person's records goes first. Times in milliseconds. */
export const outcomes: Migration = {
  async up(db) {
    for (const statement of [
      // The mark's version that asked for a read, so that a read ends it: 0 = none does. `not_before`: until then a
      // create nobody answered may still be made, and nothing hurries it.
      `alter table dirty_records
      add column reread_version integer not null default 0,
      add column not_before bigint not null default 0`,
      `update dirty_records set reread_version = version where reread`,
      `alter table dirty_records drop column reread`,

      // Of a person's records the lowest rank goes first, then the phone field people look at first, then the oldest.
      // `refused`: values the CRM did not take, so that they are not sent with every message.
      `alter table crm_records
      add column rank smallint,
      add column created_at bigint,
      add column refused bytea not null default '{}'`,
      `alter table crm_phones add column place smallint not null default 0`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

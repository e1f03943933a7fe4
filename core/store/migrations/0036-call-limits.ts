import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Beside calls in any time, what an account's calls spend of a day, and how many are under way at once. */
export const callLimits: Migration = {
  async up(db) {
    for (const statement of [
      `alter table crm_limits alter column filled_until set default 0`,
      `alter table crm_limits add column spent float8 not null default 0`,
      `alter table crm_limits add column tokens float8`,
      `alter table crm_limits add column renewed_at float8 not null default 0`,
      `alter table crm_limits add column under_way float8[] not null default '{}'`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

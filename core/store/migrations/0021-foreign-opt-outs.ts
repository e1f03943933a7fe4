import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * 0013 took every foreign letter of before it for an opt-out, kept whole for good. Whether one is, is left open here, and
 * looked at by the sweep, which can read it; until then it is kept.
 */
export const foreignOptOuts: Migration = {
  async up(db) {
    for (const statement of [
      `alter table dead_letters alter column opt_out drop not null`,
      `update dead_letters d set opt_out = null
       where d.reason = 'foreign channel' and d.opt_out and d.payload is not null and not exists (
         select 1 from suppression s where s.workspace_id = d.workspace_id and s.event_key = d.event_key)`,
      `create index dead_letters_in_doubt on dead_letters (workspace_id, dead_letter_id) where opt_out is null`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

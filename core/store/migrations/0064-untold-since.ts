import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Since when polls find changes of which no webhook told. */
export const untoldSince: Migration = {
  async up(db) {
    for (const statement of [
      `alter table crm_scan_states add column untold_since bigint`,
      // An alert that stands open ends as those that come.
      `update crm_scan_states s set untold_since = a.raised_at from alerts a
       where a.workspace_id = s.workspace_id and a.connection_id = s.connection_id and a.kind = 'webhooks silent'
         and a.closed_at is null`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

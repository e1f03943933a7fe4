import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * What falls due when: a row a queue and target, so that nobody looks at a workspace that has nothing to do. What waits
 * already is entered by the first start (`due-found.ts`).
 */
export const dueList: Migration = {
  async up(db) {
    for (const statement of [
      `create table directory_due (
         workspace_id uuid not null,
         queue text not null,
         target_id uuid not null,
         due_at bigint not null,
         primary key (workspace_id, queue, target_id)
       ) with (fillfactor = 70)`,
      `create index directory_due_by_time on directory_due (due_at)`,
      // Marks that may be taken at once, which most are, cost nothing here.
      `create index dirty_records_waiting on dirty_records (workspace_id, connection_id, due_at)
       where held is null and due_at > 0`,
      `alter table window_sweeps add column entries_at bigint not null default 0`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * When what is known of a record was read: a look that leaves it as it is sees the record later. And whether what a merged
 * record held is known of where it lives on, which until now a read after the merge stood for.
 */
export const basesAt: Migration = {
  async up(db) {
    for (const statement of [
      `alter table crm_records add column base_at bigint not null default 0`,
      `alter table crm_records add column taken_over boolean not null default false`,
      `update crm_records set base_at = read_at`,
      `update crm_records m set taken_over = true from crm_records r
       where m.gone = 'merged' and r.workspace_id = m.workspace_id and r.connection_id = m.connection_id
         and r.record_id = m.moved_to and r.agreed and r.read_at > m.gone_at + 60000`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

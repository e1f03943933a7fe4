import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Polls look for deleted records that were restored, and what was merged into a record says what it took over. */
export const endedRecords: Migration = {
  async up(db) {
    await sql`
      create index crm_records_deleted on crm_records (workspace_id, connection_id, gone_at)
      where gone = 'deleted'`.execute(db);
    await sql`
      create index crm_records_merged on crm_records (workspace_id, connection_id, moved_to)
      where moved_to is not null`.execute(db);
    // A phone field may hold several numbers.
    await sql`alter table crm_phones add column part smallint not null default 0`.execute(db);
    await sql`
      alter table crm_phones drop constraint crm_phones_pkey,
      add primary key (workspace_id, record_id, connection_id, field, part)`.execute(db);
  },
};

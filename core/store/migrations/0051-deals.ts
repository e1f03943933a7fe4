import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Deals of people's records as last seen, so that a look can tell what changed. */
export const deals: Migration = {
  async up(db) {
    for (const statement of [
      `create table crm_deals (
         workspace_id uuid not null,
         connection_id uuid not null,
         deal_id text not null,
         record_id text not null,
         seen bytea not null,
         changed_at bigint not null,
         primary key (workspace_id, connection_id, deal_id)
       )`,
      `create index crm_deals_by_record on crm_deals (workspace_id, connection_id, record_id)`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Webhooks a CRM sends only while they are asked for: since when, until when, where to, and when to ask anew. */
export const webhooksAskedFor: Migration = {
  async up(db) {
    for (const statement of [
      `alter table crm_scan_states add column webhooks_since bigint`,
      `alter table crm_scan_states add column webhooks_until bigint`,
      `alter table crm_scan_states add column webhooks_url text`,
      `alter table crm_scan_states add column ask_webhooks_at bigint default 0`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

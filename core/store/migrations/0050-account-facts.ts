import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What is so of one account of a CRM alone, and how often that came to be known anew. */
export const accountFacts: Migration = {
  async up(db) {
    for (const statement of [
      'alter table crm_connections add column account_facts bytea',
      'alter table crm_connections add column facts_version int not null default 0',
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

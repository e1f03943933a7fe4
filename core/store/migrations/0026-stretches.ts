import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * A phone is one person's for a time: what is remembered of erased people, and whom a member joined, say for which. Until now
 * the one held from ever until they were erased, the other for the time of the decision.
 */
export const stretches: Migration = {
  async up(db) {
    for (const statement of [
      `alter table erased_identities rename column erased_at to until`,
      `alter table erased_identities add column since bigint not null default 0`,
      `alter table erased_identities alter column since drop default`,
      `alter table erased_identities drop constraint erased_identities_pkey`,
      `alter table erased_identities add primary key (workspace_id, hash, since)`,
      `alter table identity_evidence add column a_at bigint`,
      `alter table identity_evidence add column b_at bigint`,
      `update identity_evidence set a_at = at, b_at = at where kind = 'joined'`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

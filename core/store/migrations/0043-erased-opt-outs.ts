import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * The opt-out on a phone of somebody erased, for who gets that phone one day, and by what that is told from who comes back;
 * and that whoever was erased had lifted the one they took over, for who has it already.
 */
export const erasedOptOuts: Migration = {
  async up(db) {
    for (const statement of [
      `create table erased_opt_outs (
      workspace_id uuid not null,
      hash bytea not null,
      since bigint not null,
      purpose text not null check (purpose in ('marketing', 'everything')),
      effective_at bigint not null,
      rank smallint not null,
      method text not null,
      primary key (workspace_id, hash, purpose)
    )`,
      `alter table identities add column lifted boolean not null default false`,
      `alter table erased_identities add column gave_up boolean not null default false`,
      `alter table erased_identities add column scopes text[] not null default '{}'`,
      `alter table erased_identities add column bsuids bytea[] not null default '{}'`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * How an account was connected, what its tokens are renewed with beside a refresh token, and where the vendor says it is.
 */
export const waysToConnect: Migration = {
  async up(db) {
    for (const statement of [
      `alter table crm_connections add column auth_kind text not null default 'keys'`,
      `alter table crm_connections add column secret bytea`,
      `alter table crm_connections add column api_base text`,
      `update crm_connections set auth_kind = 'oauth' where refresh_token is not null`,
      `alter table crm_connections add constraint crm_connections_auth_kind_check
         check (auth_kind in ('keys', 'oauth', 'mint'))`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

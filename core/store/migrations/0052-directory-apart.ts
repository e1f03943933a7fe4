import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** On a distributed database the directory stands on every node, and may not point at what stands on one. */
export const directoryApart: Migration = {
  async up(db) {
    for (const table of ['directory_channels', 'directory_sessions', 'directory_accounts']) {
      await sql.raw(`alter table ${table} drop constraint ${table}_workspace_id_fkey`).execute(db);
    }
  },
};

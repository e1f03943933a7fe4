import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * The field's words for what is stored: a primary record was a home, what a scan saw was looked at, and the policy of a mapped
 * field was its owner, as decisions and mappings say in their JSON.
 */
export const words: Migration = {
  async up(db) {
    for (const statement of [
      `alter table crm_links rename column home to is_primary`,
      `alter table links_before_joins rename column home to is_primary`,
      `alter table occurrences rename column looked to scanned`,
      inJson('decisions', 'subject', 'home', 'primary'),
      `update alerts set kind = 'work failing' where kind = 'turns failing'`,
      inJson('crm_connections', 'mapping', 'owner', 'policy'),
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

/** A quote within a text is escaped, so that only a name stands between quotes before a colon. */
function inJson(table: string, column: string, from: string, to: string): string {
  return `update ${table}
    set ${column} = convert_to(replace(convert_from(${column}, 'UTF8'), '"${from}":', '"${to}":'), 'UTF8')
    where position('"${from}":' in convert_from(${column}, 'UTF8')) > 0`;
}

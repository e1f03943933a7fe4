import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** When what an alert says was last seen; what the audit of earlier versions says in its words of today. */
export const alertsSeen: Migration = {
  async up(db) {
    for (const statement of [
      `alter table alerts add column seen_at bigint`,
      `update audit set subject = trim(subject || substr(action, 9)), action = 'set mode' where action like 'set mode %'`,
      `update audit set action = 'accept conflict' where action = 'accepted conflict'`,
      `update audit set action = 'dismiss conflict' where action = 'dismissed conflict'`,
      `update audit set subject = trim(subject || substr(action, 7)), action = 'unpark field'
       where action like 'unpark %' and action <> 'unpark field'`,
      `update audit set action = 'undo decision' where action like 'undo %'`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

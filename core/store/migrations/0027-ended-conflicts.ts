import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * A conflict that nobody decided, since nothing was left to decide, is `ended`; until now it was said to be accepted. And an
 * index goes that the sweep over all timeline entries does not use.
 */
export const endedConflicts: Migration = {
  async up(db) {
    for (const statement of [
      `alter table conflicts drop constraint conflicts_state_check`,
      `alter table conflicts add constraint conflicts_state_check
         check (state in ('open', 'accepted', 'dismissed', 'ended'))`,
      `drop index conflicts_open`,
      `create unique index conflicts_open on conflicts (workspace_id, kind, subject)
         where state in ('open', 'dismissed')`,
      `update conflicts set state = 'ended'
       where state = 'accepted' and position(' Closed by itself: ' in explanation) > 0`,
      `drop index timeline_entries_homeless`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

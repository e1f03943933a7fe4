import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Every list of the API has an order that an index gives, however it is narrowed. */
export const lists: Migration = {
  async up(db) {
    for (const statement of [
      `create index alerts_closed on alerts (workspace_id, (closed_at is null), alert_id)`,
      `create index conflicts_by_state on conflicts (workspace_id, state, conflict_id)`,
      `create index crm_phones_unreadable on crm_phones (workspace_id, connection_id, record_id, field, part)
      where phone is null`,
      `create index dead_letters_by_reason on dead_letters (workspace_id, reason, dead_letter_id)`,
      `create index dead_letters_set_aside on dead_letters (workspace_id, dead_letter_id)
      where set_aside_at is not null`,
      `create index audit_by_time on audit (workspace_id, at, audit_id)`,
      `create index audit_by_action on audit (workspace_id, action, at, audit_id)`,
      // Whom members decided about stands in their decisions; the audit holds no phone.
      `update audit set subject = '' where action in ('join', 'hand over')`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * What is kept for a time only says since when it is here, in an order it can be swept in. What was here before counts as
 * received today.
 */
export const retention: Migration = {
  async up(db) {
    const today = String(Date.now());
    for (const statement of [
      `alter table event_keys add column received_at bigint not null default ${today}`,
      `alter table event_keys alter column received_at drop default`,
      // By day: equal entries of an index share their key, and a million events a day cost it a few bytes each.
      `create index event_keys_by_day on event_keys (workspace_id, (received_at / 86400000))`,
      `alter table kept_events add column received_at bigint not null default ${today}`,
      `alter table kept_events alter column received_at drop default`,
      `create index kept_events_by_receipt on kept_events (workspace_id, received_at)`,
      `create index if not exists audit_by_time on audit (workspace_id, at)`,
      // A person's opt-out that could not be applied: it is kept whole until it is.
      `alter table dead_letters add column opt_out boolean not null default false`,
      `alter table dead_letters add column contents_swept_at bigint`,
      // Whether a foreign one is an opt-out nobody has looked yet.
      `update dead_letters d set opt_out = true
       where d.reason = 'foreign channel' or exists (
         select 1 from suppression s where s.workspace_id = d.workspace_id and s.event_key = d.event_key)`,
      `create index dead_letters_with_contents on dead_letters (workspace_id, parked_at)
       where payload is not null and not opt_out`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

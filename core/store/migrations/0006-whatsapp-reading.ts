import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What reading WhatsApp rightly needs: where an ad brought somebody, names from sign-ups, kept events to be listed. */
export const whatsappReading: Migration = {
  async up(db) {
    for (const statement of [
      `alter table contacts add column from_ad_at bigint`,
      // First messages of one instant are ordered by how much they say before their key.
      `update contacts set from_ad_at = case when first_message_from_ad then first_message_at end,
                           first_message_key = '\\x02'::bytea || first_message_key
      where first_message_at is not null`,
      `alter table contacts drop column first_message_from_ad`,
      `alter table consent_entries add column profile_name text, add column username text`,
      `create index kept_events_by_time on kept_events (workspace_id, at, event_key, content_hash)`,
      `create index kept_events_by_kind on kept_events (workspace_id, what, at, event_key, content_hash)`,
      // One alert of a kind for each template, number or account it is about.
      `alter table alerts add column subject text not null default ''`,
      `drop index alerts_open`,
      `create unique index alerts_open on alerts (workspace_id, kind, coalesce(connection_id, workspace_id), subject)
      where closed_at is null`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

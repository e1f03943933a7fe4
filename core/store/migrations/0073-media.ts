import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Media that people send and are sent: what is known of each, where its bytes lie, and which bytes are to go. */
export const media: Migration = {
  async up(db) {
    for (const statement of [
      `create table media (
        workspace_id uuid not null,
        media_id uuid not null,
        direction text not null,
        channel_id uuid,
        wamid text,
        provider_id text,
        kind text not null,
        claimed_type text,
        said_sha256 text,
        filename text,
        mime_type text,
        size bigint,
        sha256 text,
        place text,
        key uuid,
        state text not null,
        reason text,
        due_at bigint,
        attempts integer not null default 0,
        lease uuid,
        created_at bigint not null,
        constraint media_direction_check check (direction in ('in', 'out')),
        constraint media_state_check check (state in ('waiting', 'kept', 'gone', 'refused')),
        primary key (workspace_id, media_id)
      )`,
      `create unique index media_by_message on media (workspace_id, channel_id, wamid) where wamid is not null`,
      `create index media_due on media (workspace_id, channel_id, due_at) where due_at is not null`,
      // A medium is uploaded by each number it is sent from.
      `create table media_uploads (
        workspace_id uuid not null,
        media_id uuid not null,
        channel_id uuid not null,
        provider_id text not null,
        uploaded_at bigint not null,
        primary key (workspace_id, media_id, channel_id)
      )`,
      // Whose bytes they were is not known here.
      `create table media_deletions (
        workspace_id uuid not null,
        place text not null,
        key uuid not null,
        due_at bigint not null,
        primary key (workspace_id, place, key)
      )`,
      `create index media_deletions_due on media_deletions (workspace_id, due_at)`,
      `alter table sends add column media_id uuid`,
      `alter table sends add column medium_renewed boolean not null default false`,
      `create index sends_by_medium on sends (workspace_id, media_id) where media_id is not null`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

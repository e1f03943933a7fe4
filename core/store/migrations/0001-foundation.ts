import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The workspace that keeps what no business owns, such as webhooks of numbers nobody has connected. */
const serviceWorkspaceId = '00000000-0000-0000-0000-000000000000';

/**
 * Every key starts with `workspace_id`, except in the directory. Times are milliseconds since the epoch
 * (`bigint`), taken from the source or from our clock, never from the database.
 */
export const foundation: Migration = {
  async up(db) {
    for (const statement of [
      `create table workspaces (
      workspace_id uuid primary key,
      name text not null,
      sandbox boolean not null,
      created_at bigint not null
    )`,
      `insert into workspaces (workspace_id, name, sandbox, created_at)
      values ('${serviceWorkspaceId}', 'Sangam service', false, 0)`,
      `create table members (
      workspace_id uuid not null references workspaces,
      member_id uuid not null,
      email text not null,
      role text not null check (role in ('admin', 'rep', 'read-only')),
      created_at bigint not null,
      primary key (workspace_id, member_id),
      unique (workspace_id, email)
    )`,
      `create table audit (
      workspace_id uuid not null references workspaces,
      audit_id uuid not null,
      member_id uuid not null,
      action text not null,
      subject text not null,
      at bigint not null,
      primary key (workspace_id, audit_id)
    )`,

      // The directory: all that is read before a workspace is known.
      `create table directory_channels (
      phone_number_id text primary key,
      waba_id text not null,
      channel_id uuid not null unique,
      workspace_id uuid not null references workspaces,
      app text not null check (app in ('service', 'own')),
      portfolio text not null,
      region text not null,
      opt_word_languages text[] not null default '{en}'
    )`,
      `create index directory_channels_by_waba on directory_channels (waba_id)`,
      `create table directory_sessions (
      token_hash bytea primary key,
      kind text not null check (kind in ('link', 'session')),
      workspace_id uuid not null references workspaces,
      member_id uuid not null,
      expires_at bigint not null
    )`,

      `create table channels (
      workspace_id uuid not null references workspaces,
      channel_id uuid not null,
      provider text not null,
      phone_number_id text not null,
      waba_id text not null,
      display_phone_number text not null,
      app_secret bytea,
      previous_app_secret bytea,
      previous_app_secret_until bigint,
      verify_token bytea,
      access_token bytea,
      created_at bigint not null,
      primary key (workspace_id, channel_id)
    )`,

      // Receive. Keys are kept for ever, payloads until applied.
      `create table event_keys (
      workspace_id uuid not null,
      event_key bytea not null,
      content_hash bytea not null,
      primary key (workspace_id, event_key, content_hash)
    )`,
      `create table inbox (
      workspace_id uuid not null,
      lane smallint not null,
      received_at bigint not null,
      event_key bytea not null,
      content_hash bytea not null,
      channel_id uuid,
      payload bytea not null,
      primary key (workspace_id, lane, received_at, event_key, content_hash)
    )`,
      `create table suppression (
      workspace_id uuid not null,
      value text not null,
      event_key bytea not null,
      at bigint not null,
      primary key (workspace_id, value, event_key)
    )`,
      `create index suppression_by_event on suppression (workspace_id, event_key)`,
      `create table dead_letters (
      workspace_id uuid not null,
      dead_letter_id uuid not null,
      reason text not null,
      explanation text not null,
      source text not null check (source in ('whatsapp', 'crm')),
      signer text,
      lane smallint,
      event_key bytea,
      content_hash bytea,
      channel_id uuid,
      connection_id uuid,
      contact_id uuid,
      payload bytea,
      received_at bigint not null,
      parked_at bigint not null,
      primary key (workspace_id, dead_letter_id)
    )`,
      `create unique index dead_letters_by_event on dead_letters (workspace_id, event_key, content_hash)`,
      `create unique index dead_letters_by_contact on dead_letters (workspace_id, connection_id, contact_id)`,
      `create table kept_events (
      workspace_id uuid not null,
      event_key bytea not null,
      content_hash bytea not null,
      what text not null,
      channel_id uuid,
      at bigint not null,
      payload bytea not null,
      primary key (workspace_id, event_key, content_hash)
    )`,

      // Identity: evidence is append-only, identities are the view computed from it.
      `create table identity_evidence (
      workspace_id uuid not null,
      kind text not null check (kind in ('pair', 'same', 'phone_change', 'spelling')),
      a text not null,
      b text not null,
      occurrence bigint not null,
      at bigint not null,
      primary key (workspace_id, kind, a, b, occurrence)
    )`,
      `create index identity_evidence_by_a on identity_evidence (workspace_id, a)`,
      `create index identity_evidence_by_b on identity_evidence (workspace_id, b)`,
      `create table identities (
      workspace_id uuid not null,
      value text not null,
      since bigint not null,
      contact_id uuid,
      primary key (workspace_id, value, since)
    )`,
      `create index identities_by_contact on identities (workspace_id, contact_id)`,

      `create table contacts (
      workspace_id uuid not null,
      contact_id uuid not null,
      merged_into uuid,
      profile_name text,
      profile_name_at bigint,
      profile_name_key bytea,
      username text,
      username_at bigint,
      username_key bytea,
      first_message text,
      first_message_at bigint,
      first_message_key bytea,
      first_message_from_ad boolean,
      last_activity_at bigint,
      created_at bigint not null,
      primary key (workspace_id, contact_id)
    )`,
      `create table conversations (
      workspace_id uuid not null,
      contact_id uuid not null,
      channel_id uuid not null,
      last_inbound_at bigint,
      last_outbound_at bigint,
      window_closes_at bigint,
      primary key (workspace_id, contact_id, channel_id)
    )`,
      `create index conversations_by_window_end on conversations (workspace_id, window_closes_at)`,

      // A message of nobody we know yet waits without a contact.
      `create table messages (
      workspace_id uuid not null,
      channel_id uuid not null,
      wamid text not null,
      contact_id uuid,
      origin text not null,
      direction text not null check (direction in ('in', 'out')),
      type text,
      at bigint not null,
      event_key bytea not null,
      content_hash bytea not null,
      content bytea,
      phone text,
      bsuid_key text,
      accepted_at bigint,
      sent_at bigint,
      failed_at bigint,
      delivered_at bigint,
      read_at bigint,
      played_at bigint,
      error_code integer,
      primary key (workspace_id, channel_id, wamid)
    )`,
      `create index messages_by_contact on messages (workspace_id, contact_id, at)`,
      `create index messages_waiting_by_phone on messages (workspace_id, phone) where contact_id is null`,
      `create index messages_waiting_by_bsuid on messages (workspace_id, bsuid_key) where contact_id is null`,
      `create table message_contents (
      workspace_id uuid not null,
      channel_id uuid not null,
      wamid text not null,
      event_key bytea not null,
      content_hash bytea not null,
      contact_id uuid,
      origin text not null,
      direction text not null,
      type text,
      at bigint not null,
      content bytea not null,
      phone text,
      bsuid_key text,
      primary key (workspace_id, channel_id, wamid, event_key, content_hash)
    )`,
      `create index message_contents_by_contact on message_contents (workspace_id, contact_id)`,

      `create table consent_entries (
      workspace_id uuid not null,
      event_key bytea not null,
      content_hash bytea not null,
      contact_id uuid,
      purpose text not null check (purpose in ('marketing', 'everything')),
      action text not null check (action in ('grant', 'withdrawal')),
      effective_at bigint not null,
      recorded_at bigint not null,
      rank smallint not null,
      method text not null,
      source text not null,
      channel_id uuid,
      phone text,
      bsuid_key text,
      primary key (workspace_id, event_key, content_hash)
    )`,
      `create index consent_entries_by_contact on consent_entries (workspace_id, contact_id)`,
      `create index consent_entries_waiting_by_phone on consent_entries (workspace_id, phone) where contact_id is null`,
      `create index consent_entries_waiting_by_bsuid on consent_entries (workspace_id, bsuid_key) where contact_id is null`,
      `create table tag_changes (
      workspace_id uuid not null,
      event_key bytea not null,
      content_hash bytea not null,
      tag text not null,
      action text not null check (action in ('add', 'remove')),
      contact_id uuid not null,
      at bigint not null,
      phone text,
      bsuid_key text,
      primary key (workspace_id, event_key, content_hash, tag)
    )`,
      `create index tag_changes_by_contact on tag_changes (workspace_id, contact_id)`,

      // The way out.
      `create table crm_connections (
      workspace_id uuid not null references workspaces,
      connection_id uuid not null,
      crm text not null,
      access_token bytea,
      blocked_reason text,
      failed_attempts integer not null default 0,
      next_call_at bigint not null default 0,
      created_at bigint not null,
      primary key (workspace_id, connection_id)
    )`,
      `create table crm_links (
      workspace_id uuid not null,
      connection_id uuid not null,
      contact_id uuid not null,
      record_id text not null,
      written_as uuid not null,
      base bytea not null,
      created_at bigint not null,
      primary key (workspace_id, connection_id, contact_id, record_id)
    )`,
      `create table dirty_contacts (
      workspace_id uuid not null,
      connection_id uuid not null,
      contact_id uuid not null,
      version integer not null default 1,
      marked_at bigint not null,
      lease uuid,
      leased_until bigint,
      primary key (workspace_id, connection_id, contact_id)
    )`,
      `create index dirty_contacts_by_time on dirty_contacts (workspace_id, connection_id, marked_at)`,
      `create table window_sweeps (
      workspace_id uuid primary key,
      swept_until bigint not null
    )`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

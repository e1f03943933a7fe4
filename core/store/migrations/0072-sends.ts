import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What leaves: sends and their attempts, what stands at a channel's gates, templates and media. */
export const sends: Migration = {
  async up(db) {
    for (const statement of [
      // A number that was connected before anything could leave says nothing about whether it may.
      `create table channel_states (
        workspace_id uuid not null,
        channel_id uuid not null,
        mode text not null default 'shadow',
        test_phones text[] not null default '{}',
        blocked_reason text,
        marketing_blocked_reason text,
        failed_attempts integer not null default 0,
        next_call_at bigint not null default 0,
        slowed_until bigint not null default 0,
        throughput integer not null default 80,
        slowed integer not null default 0,
        slowed_at bigint not null default 0,
        filled_until double precision not null default 0,
        daily_limit integer,
        constraint channel_states_mode_check check (mode in ('shadow', 'test', 'live')),
        primary key (workspace_id, channel_id)
      )`,
      `insert into channel_states (workspace_id, channel_id, mode)
       select c.workspace_id, c.channel_id, case when w.sandbox then 'live' else 'shadow' end
       from channels c join workspaces w on w.workspace_id = c.workspace_id`,
      `create table pauses (
        workspace_id uuid not null,
        scope text not null,
        subject text not null,
        paused_at bigint not null,
        paused_by text not null,
        constraint pauses_scope_check check (scope in ('workspace', 'channel', 'rule')),
        primary key (workspace_id, scope, subject)
      )`,
      `create table sending_settings (
        workspace_id uuid primary key,
        settings bytea not null
      )`,
      `create table sends (
        workspace_id uuid not null,
        send_id uuid not null,
        client_id text not null,
        request_hash bytea not null,
        channel_id uuid not null,
        contact_id uuid,
        phone text,
        bsuid_key text,
        sender_kind text not null,
        sender text not null,
        category text not null,
        template_name text,
        template_language text,
        content bytea not null,
        leaves bytea,
        shown text,
        state text not null,
        reason text,
        explanation text,
        error_code integer,
        priority smallint not null,
        attempts integer not null default 0,
        capped_at bigint,
        as_marketing boolean not null default false,
        asked_at bigint not null,
        tried_at bigint,
        expires_at bigint not null,
        due_at bigint,
        lease uuid,
        wamid text,
        changed_at bigint not null,
        constraint sends_sender_check check (sender_kind in ('member', 'rule')),
        constraint sends_category_check check (category in ('service', 'utility', 'authentication', 'marketing')),
        constraint sends_state_check check (state in ('held', 'queued', 'claimed', 'dispatched', 'unknown', 'accepted', 'sent',
          'delivered', 'read', 'failed', 'refused', 'unconfirmed')),
        primary key (workspace_id, send_id)
      )`,
      `create unique index sends_by_client on sends (workspace_id, client_id)`,
      `create index sends_due on sends (workspace_id, channel_id, priority, due_at) where due_at is not null`,
      `create index sends_waiting_by_contact on sends (workspace_id, contact_id) where state in ('held', 'queued')`,
      `create index sends_by_contact on sends (workspace_id, contact_id, send_id)`,
      `create index sends_by_phone on sends (workspace_id, phone) where contact_id is null`,
      `create index sends_waiting_by_template on sends (workspace_id, template_name) where state in ('held', 'queued')`,
      `create index sends_by_time on sends (workspace_id, asked_at)`,
      // Its id comes back in each status (docs/vendors/whatsapp.md §3.3).
      `create table send_attempts (
        workspace_id uuid not null,
        attempt_id uuid not null,
        send_id uuid not null,
        channel_id uuid not null,
        number integer not null,
        began_at bigint not null,
        ended_at bigint,
        outcome text,
        error_code integer,
        details text,
        wamid text,
        constraint send_attempts_outcome_check check (outcome in ('accepted', 'refused', 'unknown', 'not begun')),
        primary key (workspace_id, attempt_id)
      )`,
      `create index send_attempts_by_send on send_attempts (workspace_id, send_id)`,
      `create index send_attempts_by_wamid on send_attempts (workspace_id, wamid) where wamid is not null`,
      `create index send_attempts_by_time on send_attempts (workspace_id, began_at)`,
      // One person at one number of ours, by the id messages go to.
      `create table gates (
        workspace_id uuid not null,
        channel_id uuid not null,
        address text not null,
        rest_until bigint not null default 0,
        rests integer not null default 0,
        filled_until double precision not null default 0,
        unreachable integer not null default 0,
        unreachable_at bigint,
        window_denied_at bigint,
        outside_at bigint,
        primary key (workspace_id, channel_id, address)
      )`,
      `create index gates_outside on gates (workspace_id, channel_id, outside_at) where outside_at is not null`,
      `create table templates (
        workspace_id uuid not null,
        waba_id text not null,
        name text not null,
        language text not null,
        template_id text not null,
        category text not null,
        status text not null,
        quality text not null,
        definition bytea not null,
        stale boolean not null default false,
        paused_until bigint,
        pauses integer not null default 0,
        synced_at bigint not null,
        primary key (workspace_id, waba_id, name, language)
      )`,
      `alter table conversations add column free_entry_until bigint`,
      `alter table dead_letters add column send_id uuid`,
      `create unique index dead_letters_by_send on dead_letters (workspace_id, send_id) where send_id is not null`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Records instead of contacts on the way out, and the way in from CRMs. Times in milliseconds, as in 0001.
 *
 * After the workspace keys name what tells rows apart, the connection later: a planner that knows nothing of a new
 * workspace yet takes an index by how much of it is named, and never walks through a whole connection for one row.
 */
export const crmRecords: Migration = {
  async up(db) {
    for (const statement of [
      // The directory: which connection a CRM's account belongs to.
      `create table directory_accounts (
      crm text not null,
      account text not null,
      workspace_id uuid not null references workspaces,
      connection_id uuid not null unique,
      primary key (crm, account)
    )`,

      // The first number of a business says in which country it writes phones.
      `alter table directory_channels add column created_at bigint not null default 0`,
      `update directory_channels d set created_at = c.created_at from channels c
      where c.workspace_id = d.workspace_id and c.channel_id = d.channel_id`,
      `create index directory_channels_by_workspace on directory_channels (workspace_id, created_at, channel_id)`,
      `alter table directory_sessions drop constraint directory_sessions_kind_check,
      add constraint directory_sessions_kind_check check (kind in ('link', 'session', 'oauth state'))`,

      `alter table members add column phone text`,
      // Keys the hashes of erased people; sealed.
      `alter table workspaces add column erasure_key bytea`,

      // A message known by its statuses alone: an answer in the service window, or a template.
      `alter table messages add column free_form boolean not null default false`,

      // What members decide about who is who.
      `alter table identity_evidence drop constraint identity_evidence_kind_check`,
      `alter table identity_evidence add constraint identity_evidence_kind_check
      check (kind in ('pair', 'same', 'phone_change', 'joined', 'hand_over', 'spelling'))`,

      `alter table crm_connections
      add column account text,
      add column mode text not null default 'shadow' check (mode in ('shadow', 'test', 'live')),
      add column test_phones text[] not null default '{}',
      add column settings bytea not null default '{}',
      add column mapping bytea,
      add column parked_fields bytea not null default '{}',
      add column refresh_token bytea,
      add column token_expires_at bigint,
      add column refresh_lease uuid,
      add column refresh_leased_until bigint,
      add column webhook_secret bytea,
      add column previous_webhook_secret bytea,
      add column previous_webhook_secret_until bigint,
      add column disconnected_at bigint,
      add column indexed_at bigint,
      add column indexed_region text,
      add column polled_until bigint,
      add column next_poll_at bigint not null default 0,
      add column poll_cursor text,
      add column owner_turns integer not null default 0,
      add column rush_released_until bigint not null default 0,
      add column last_webhook_at bigint`,
      // What was connected before connections had a mode was written to.
      `update crm_connections set mode = 'live'`,

      // Records of a CRM as both sides last agreed on them.
      `create table crm_records (
      workspace_id uuid not null,
      connection_id uuid not null,
      record_id text not null,
      key_contact_id text,
      base bytea not null default '{}',
      ours text[] not null default '{}',
      agreed boolean not null default false,
      read_at bigint not null,
      gone text check (gone in ('deleted', 'merged', 'erased')),
      gone_at bigint,
      moved_to text,
      primary key (workspace_id, record_id, connection_id)
    )`,
      `insert into crm_records (workspace_id, connection_id, record_id, key_contact_id, base, agreed, read_at)
      select workspace_id, connection_id, record_id, min(written_as::text), (array_agg(base))[1], true, max(created_at)
      from crm_links group by workspace_id, connection_id, record_id`,
      `create table crm_phones (
      workspace_id uuid not null,
      connection_id uuid not null,
      record_id text not null,
      field text not null,
      typed text not null,
      phone text,
      unreadable text,
      primary key (workspace_id, record_id, connection_id, field)
    )`,
      `create index crm_phones_by_phone on crm_phones (workspace_id, phone, connection_id)`,

      `alter table crm_links
      add column home boolean not null default true,
      add column decided_by text not null default 'created',
      add column parted_at bigint`,
      // One home a contact and connection: the oldest link; the others get opt-outs only.
      `update crm_links l set home = false
      where exists (select 1 from crm_links older
                    where older.workspace_id = l.workspace_id and older.connection_id = l.connection_id
                      and older.contact_id = l.contact_id
                      and (older.created_at, older.record_id) < (l.created_at, l.record_id))`,
      `alter table crm_links drop column written_as, drop column base`,
      `create index crm_links_by_record on crm_links (workspace_id, record_id, connection_id)`,

      // What is to be brought in step: a record, or a contact that has none yet.
      `create table dirty_records (
      workspace_id uuid not null,
      connection_id uuid not null,
      subject text not null,
      contact_id uuid,
      record_id text,
      priority smallint not null,
      version integer not null default 1,
      marked_at bigint not null,
      reread boolean not null default false,
      held text,
      due_at bigint not null default 0,
      tried boolean not null default false,
      attempts integer not null default 0,
      lease uuid,
      leased_until bigint,
      primary key (workspace_id, subject, connection_id)
    ) with (fillfactor = 70)`,
      `create index dirty_records_by_turn on dirty_records (workspace_id, connection_id, priority, marked_at)
      where held is null`,
      `insert into dirty_records (workspace_id, connection_id, subject, contact_id, record_id, priority, marked_at, tried)
      select d.workspace_id, d.connection_id, coalesce('record:' || l.record_id, 'contact:' || d.contact_id),
             case when l.record_id is null then d.contact_id end, l.record_id, 2, min(d.marked_at), bool_or(d.lease is not null)
      from dirty_contacts d
      left join crm_links l using (workspace_id, connection_id, contact_id)
      group by d.workspace_id, d.connection_id, d.contact_id, l.record_id`,
      `drop table dirty_contacts`,

      // Our own writes of the last minutes, by which their echoes are known.
      `create table crm_writes (
      workspace_id uuid not null,
      connection_id uuid not null,
      record_id text collate "C" not null,
      write_id uuid not null,
      at bigint not null,
      written bytea not null,
      primary key (workspace_id, record_id, connection_id, write_id)
    )`,
      `create index crm_writes_by_time on crm_writes (workspace_id, at)`,

      // Decisions, made once: a record created for a contact, and who owns it.
      `create table crm_creations (
      workspace_id uuid not null,
      connection_id uuid not null,
      contact_id uuid not null,
      key_contact_id uuid not null,
      owner_id text,
      decided_at bigint not null,
      primary key (workspace_id, contact_id, connection_id)
    )`,

      // What happened to fields in a CRM, each time once.
      `create table occurrences (
      workspace_id uuid not null,
      connection_id uuid not null,
      record_id text not null,
      field text not null,
      value text not null,
      changed_at bigint not null,
      changed_by text,
      seen_at bigint not null,
      primary key (workspace_id, record_id, connection_id, field, changed_at, value)
    )`,
      `create index occurrences_by_time on occurrences (workspace_id, connection_id, seen_at)`,

      // What records show of conversations; \`due_at\` null: nothing to write.
      `create table timeline_entries (
      workspace_id uuid not null,
      connection_id uuid not null,
      contact_id uuid not null,
      channel_id uuid not null,
      part text not null,
      entry_key text not null,
      record_id text,
      entry_id text,
      written_at bigint,
      written_hash bytea,
      version integer not null default 1,
      due_at bigint,
      marked_at bigint not null,
      tried boolean not null default false,
      twin_check boolean not null default false,
      lease uuid,
      leased_until bigint,
      primary key (workspace_id, contact_id, connection_id, channel_id, part)
    ) with (fillfactor = 70)`,
      `create index timeline_entries_due on timeline_entries (workspace_id, connection_id, due_at) where due_at is not null`,
      `create unique index timeline_entries_by_key on timeline_entries (workspace_id, entry_key)`,

      // A record and its timeline are refused each for themselves.
      `drop index dead_letters_by_contact`,
      `create unique index dead_letters_by_contact
      on dead_letters (workspace_id, connection_id, contact_id, (reason like 'timeline%'))`,

      // What a person has to look at.
      `create table conflicts (
      workspace_id uuid not null,
      conflict_id uuid not null,
      connection_id uuid,
      kind text not null,
      subject text not null,
      contact_id uuid,
      record_ids text[] not null default '{}',
      explanation text not null,
      state text not null default 'open' check (state in ('open', 'accepted', 'dismissed')),
      opened_at bigint not null,
      closed_at bigint,
      primary key (workspace_id, conflict_id)
    )`,
      `create unique index conflicts_open on conflicts (workspace_id, kind, subject) where state <> 'accepted'`,
      `create table alerts (
      workspace_id uuid not null,
      alert_id uuid not null,
      connection_id uuid,
      kind text not null,
      message text not null,
      raised_at bigint not null,
      closed_at bigint,
      primary key (workspace_id, alert_id)
    )`,
      `create unique index alerts_open on alerts (workspace_id, kind, coalesce(connection_id, workspace_id))
      where closed_at is null`,
      // What a person decided by hand, so that it can be undone.
      `create table decisions (
      workspace_id uuid not null,
      decision_id uuid not null,
      kind text not null,
      subject bytea not null,
      member_id uuid not null,
      at bigint not null,
      undone_at bigint,
      primary key (workspace_id, decision_id)
    )`,

      // One look through a whole CRM account, and what it found.
      `create table checks (
      workspace_id uuid not null,
      connection_id uuid not null,
      check_id uuid not null,
      state text not null check (state in ('running', 'done', 'stopped')),
      cursor text,
      records integer not null default 0,
      region text not null,
      started_at bigint not null,
      finished_at bigint,
      next_at bigint not null default 0,
      problem text,
      lease uuid,
      leased_until bigint,
      report bytea,
      primary key (workspace_id, check_id)
    )`,
      `create unique index checks_running on checks (workspace_id, connection_id) where state = 'running'`,

      // Limits of CRM accounts, kept in common by all processes.
      `create table crm_limits (
      workspace_id uuid not null,
      connection_id uuid not null,
      name text not null,
      filled_until double precision not null,
      primary key (workspace_id, connection_id, name)
    )`,

      // What happened in each quarter of an hour, for the statement of a day in any time zone. Several rows a count, so
      // that processes do not wait for each other. `connection_id` is the workspace's id where no connection is meant.
      `create table counts (
      workspace_id uuid not null,
      quarter bigint not null,
      connection_id uuid not null,
      name text not null,
      slot smallint not null,
      count bigint not null,
      primary key (workspace_id, quarter, connection_id, name, slot)
    )`,

      // Erased people: keyed hashes of what they were known by, and what was left where we do not rule.
      `create table erased_identities (
      workspace_id uuid not null,
      hash bytea not null,
      erased_at bigint not null,
      primary key (workspace_id, hash)
    )`,
      `create table erasures (
      workspace_id uuid not null,
      erasure_id uuid not null,
      asked_by text not null,
      erased_at bigint not null,
      remains bytea not null,
      primary key (workspace_id, erasure_id)
    )`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

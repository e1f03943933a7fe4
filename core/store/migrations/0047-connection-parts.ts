import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

const credentials = `auth_kind, access_token, refresh_token, secret, token_expires_at, api_base, refresh_lease,
  refresh_leased_until, webhook_secret, previous_webhook_secret, previous_webhook_secret_until`;
const callState = `blocked_reason, timeline_blocked_reason, failed_attempts, next_call_at, failing_since, last_failure`;
const scanState = `indexed_at, indexed_region, polled_until, next_poll_at, poll_cursor, last_webhook_at`;

/**
 * What opens an account, how its calls fare and how far it was scanned stand beside what an admin decides of it: each is
 * written by others, and more often.
 */
export const connectionParts: Migration = {
  async up(db) {
    const moved = (table: string, columns: string): string =>
      `insert into ${table} (workspace_id, connection_id, ${columns})
       select workspace_id, connection_id, ${columns} from crm_connections`;
    for (const statement of [
      `create table crm_credentials (
        workspace_id uuid not null,
        connection_id uuid not null,
        auth_kind text not null default 'keys',
        access_token bytea,
        refresh_token bytea,
        secret bytea,
        token_expires_at bigint,
        api_base text,
        refresh_lease uuid,
        refresh_leased_until bigint,
        webhook_secret bytea,
        previous_webhook_secret bytea,
        previous_webhook_secret_until bigint,
        constraint crm_credentials_auth_kind_check check (auth_kind in ('keys', 'oauth', 'mint')),
        primary key (workspace_id, connection_id)
      )`,
      `create table crm_call_states (
        workspace_id uuid not null,
        connection_id uuid not null,
        access_version integer not null default 0,
        blocked_reason text,
        timeline_blocked_reason text,
        failed_attempts integer not null default 0,
        next_call_at bigint not null default 0,
        failing_since bigint,
        last_failure text,
        primary key (workspace_id, connection_id)
      )`,
      `create table crm_scan_states (
        workspace_id uuid not null,
        connection_id uuid not null,
        indexed_at bigint,
        indexed_region text,
        polled_until bigint,
        next_poll_at bigint not null default 0,
        poll_cursor text,
        last_webhook_at bigint,
        primary key (workspace_id, connection_id)
      )`,
      moved('crm_credentials', credentials),
      moved('crm_call_states', callState),
      moved('crm_scan_states', scanState),
      ...[credentials, callState, scanState]
        .flatMap((columns) => columns.split(','))
        .map((column) => `alter table crm_connections drop column ${column.trim()}`),
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};

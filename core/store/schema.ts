import type { ColumnType } from 'kysely';

/**
 * The tables, as migrations/ makes them. `…_at`, `at`, `since` and `…_until` are milliseconds since the epoch.
 * Ids are UUID strings, keys and hashes are bytes.
 */
export interface Database {
  workspaces: {
    workspace_id: string;
    name: string;
    sandbox: boolean;
    created_at: number;
  };
  members: {
    workspace_id: string;
    member_id: string;
    email: string;
    role: MemberRole;
    created_at: number;
  };
  audit: {
    workspace_id: string;
    audit_id: string;
    member_id: string;
    action: string;
    subject: string;
    at: number;
  };
  directory_channels: {
    phone_number_id: string;
    waba_id: string;
    channel_id: string;
    workspace_id: string;
    app: 'service' | 'own';
    /** What scopes a BSUID: the Meta business portfolio, or the WABA while the portfolio is unknown. */
    portfolio: string;
    /** ISO 3166 alpha-2 by which typed numbers are read. */
    region: string;
    opt_word_languages: ColumnType<string[], string[] | undefined>;
  };
  directory_sessions: {
    token_hash: Buffer;
    kind: 'link' | 'session';
    workspace_id: string;
    member_id: string;
    expires_at: number;
  };
  channels: {
    workspace_id: string;
    channel_id: string;
    provider: string;
    phone_number_id: string;
    waba_id: string;
    display_phone_number: string;
    app_secret: Buffer | null;
    previous_app_secret: Buffer | null;
    previous_app_secret_until: number | null;
    verify_token: Buffer | null;
    access_token: Buffer | null;
    created_at: number;
  };
  event_keys: { workspace_id: string; event_key: Buffer; content_hash: Buffer };
  inbox: {
    workspace_id: string;
    lane: number;
    received_at: number;
    event_key: Buffer;
    content_hash: Buffer;
    channel_id: string | null;
    payload: Buffer;
  };
  suppression: { workspace_id: string; value: string; event_key: Buffer; at: number };
  dead_letters: {
    workspace_id: string;
    dead_letter_id: string;
    reason: string;
    explanation: string;
    source: 'whatsapp' | 'crm';
    signer: string | null;
    lane: number | null;
    event_key: Buffer | null;
    content_hash: Buffer | null;
    channel_id: string | null;
    connection_id: string | null;
    contact_id: string | null;
    payload: Buffer | null;
    received_at: number;
    parked_at: number;
  };
  kept_events: {
    workspace_id: string;
    event_key: Buffer;
    content_hash: Buffer;
    what: string;
    channel_id: string | null;
    at: number;
    payload: Buffer;
  };
  identity_evidence: {
    workspace_id: string;
    kind: 'pair' | 'same' | 'phone_change' | 'spelling';
    a: string;
    b: string;
    occurrence: number;
    at: number;
  };
  /** Which contact an id stands for from `since` on; null while the person it stands for has never written. */
  identities: { workspace_id: string; value: string; since: number; contact_id: string | null };
  contacts: {
    workspace_id: string;
    contact_id: string;
    merged_into: string | null;
    profile_name: string | null;
    profile_name_at: number | null;
    profile_name_key: Buffer | null;
    username: string | null;
    username_at: number | null;
    username_key: Buffer | null;
    first_message: string | null;
    first_message_at: number | null;
    first_message_key: Buffer | null;
    first_message_from_ad: boolean | null;
    last_activity_at: number | null;
    created_at: number;
  };
  conversations: {
    workspace_id: string;
    contact_id: string;
    channel_id: string;
    last_inbound_at: number | null;
    last_outbound_at: number | null;
    window_closes_at: number | null;
  };
  messages: MessageColumns & {
    /** Undefined content: we know of the message only by its statuses. */
    content: Buffer | null;
    accepted_at: number | null;
    sent_at: number | null;
    failed_at: number | null;
    delivered_at: number | null;
    read_at: number | null;
    played_at: number | null;
    error_code: number | null;
  };
  message_contents: MessageColumns & { content: Buffer };
  consent_entries: {
    workspace_id: string;
    event_key: Buffer;
    content_hash: Buffer;
    contact_id: string | null;
    purpose: 'marketing' | 'everything';
    action: 'grant' | 'withdrawal';
    effective_at: number;
    recorded_at: number;
    rank: number;
    method: string;
    source: string;
    channel_id: string | null;
    phone: string | null;
    bsuid_key: string | null;
  };
  tag_changes: {
    workspace_id: string;
    event_key: Buffer;
    content_hash: Buffer;
    tag: string;
    action: 'add' | 'remove';
    contact_id: string;
    at: number;
    phone: string | null;
    bsuid_key: string | null;
  };
  crm_connections: {
    workspace_id: string;
    connection_id: string;
    crm: string;
    access_token: Buffer | null;
    blocked_reason: string | null;
    failed_attempts: ColumnType<number, number | undefined>;
    next_call_at: ColumnType<number, number | undefined>;
    created_at: number;
  };
  crm_links: {
    workspace_id: string;
    connection_id: string;
    contact_id: string;
    record_id: string;
    /** The contact id the record carries in its unique field; differs from `contact_id` after contacts were joined. */
    written_as: string;
    /** JSON of what we last wrote into fields that others may change too. */
    base: Buffer;
    created_at: number;
  };
  dirty_contacts: {
    workspace_id: string;
    connection_id: string;
    contact_id: string;
    version: ColumnType<number, number | undefined>;
    marked_at: number;
    lease: string | null;
    leased_until: number | null;
  };
  window_sweeps: { workspace_id: string; swept_until: number };
}

interface MessageColumns {
  workspace_id: string;
  channel_id: string;
  wamid: string;
  contact_id: string | null;
  origin: MessageOrigin;
  direction: 'in' | 'out';
  type: string | null;
  at: number;
  event_key: Buffer;
  content_hash: Buffer;
  phone: string | null;
  bsuid_key: string | null;
}

/** Who wrote a message, and how we know. `other tool` = only its statuses reached us. */
export type MessageOrigin = 'customer' | 'phone app' | 'meta agent' | 'history' | 'other tool';

export type MemberRole = 'admin' | 'rep' | 'read-only';

/** Read before a workspace is known; every other table's key starts with `workspace_id`. */
export const directoryTables = ['directory_channels', 'directory_sessions'] as const;

export const workspaceTables = [
  'workspaces',
  'members',
  'audit',
  'channels',
  'event_keys',
  'inbox',
  'suppression',
  'dead_letters',
  'kept_events',
  'identity_evidence',
  'identities',
  'contacts',
  'conversations',
  'messages',
  'message_contents',
  'consent_entries',
  'tag_changes',
  'crm_connections',
  'crm_links',
  'dirty_contacts',
  'window_sweeps',
] as const satisfies readonly (keyof Database)[];

/** Keeps what no business owns, such as webhooks of numbers nobody has connected. */
export const serviceWorkspaceId = '00000000-0000-0000-0000-000000000000';

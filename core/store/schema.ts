import type { ColumnType, Generated, Selectable } from 'kysely';
import type { AccountAlertKind, MediaKind, TemplateCategory } from '../whatsapp/index.ts';

/**
 * The tables, as migrations/ makes them. `…_at`, `at`, `since` and `…_until` are milliseconds since the epoch.
 * Ids are UUID strings, keys and hashes are bytes.
 */
export interface Database {
  workspaces: {
    workspace_id: string;
    name: string;
    sandbox: boolean;
    /** Keys the hashes of erased people; sealed. */
    erasure_key: Buffer | null;
    created_at: number;
  };
  members: {
    workspace_id: string;
    member_id: string;
    email: string;
    role: MemberRole;
    /** E.164: their own number never becomes a lead. */
    phone: ColumnType<string | null, string | null | undefined>;
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
    /** Meta showed the number to the token they gave: it is theirs. */
    proven: ColumnType<boolean, boolean | undefined>;
    /** Since then the number is another's, or nobody's; what came before stays here. */
    released_at: ColumnType<number | null, number | null | undefined>;
    created_at: ColumnType<number, number | undefined>;
  };
  directory_sessions: {
    token_hash: Buffer;
    /** `oauth state`: a member sent to a CRM to agree, who has to come back. */
    kind: 'link' | 'session' | 'oauth state';
    workspace_id: string;
    member_id: string;
    expires_at: number;
  };
  directory_accounts: { crm: string; account: string; workspace_id: string; connection_id: string };
  /** When a queue has to be looked at for a target: a connection, or the workspace itself. No row: nothing waits. */
  directory_due: { workspace_id: string; queue: string; target_id: string; due_at: number };
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
  /** How a channel may be sent by, and how its calls fare. */
  channel_states: {
    workspace_id: string;
    channel_id: string;
    mode: ColumnType<ConnectionMode, ConnectionMode | undefined>;
    /** E.164; in test only these people are sent to. */
    test_phones: ColumnType<string[], string[] | undefined>;
    /** Why nothing is sent until an admin acts; of marketing alone: the next. */
    blocked_reason: string | null;
    marketing_blocked_reason: string | null;
    failed_attempts: ColumnType<number, number | undefined>;
    next_call_at: ColumnType<number, number | undefined>;
    /** Meta asks to be left alone until then: an answer to a call that was under way does not end it. */
    slowed_until: ColumnType<number, number | undefined>;
    /** Messages a second. */
    throughput: ColumnType<number, number | undefined>;
    /** How often Meta asked for half of it, and when last. */
    slowed: ColumnType<number, number | undefined>;
    slowed_at: ColumnType<number, number | undefined>;
    /** Milliseconds, with fractions: those already let through fill the throughput up to this instant. */
    filled_until: ColumnType<number, number | undefined>;
    /** Most people in 24 hours outside their windows, as Meta told it; null: it did not. */
    daily_limit: number | null;
  };
  /** What nothing leaves of until it is let go again. */
  pauses: {
    workspace_id: string;
    scope: PauseScope;
    /** Of a channel or rule its id; empty: the workspace. */
    subject: string;
    paused_at: number;
    paused_by: string;
  };
  /** JSON of `SendingSettings`; no row: the defaults. */
  sending_settings: { workspace_id: string; settings: Buffer };
  sends: {
    workspace_id: string;
    send_id: string;
    /** Of whoever asks: the same id is the same send. */
    client_id: string;
    request_hash: Buffer;
    channel_id: string;
    /** Null: nobody is known by that phone yet. */
    contact_id: string | null;
    /** The one that was asked for, where no contact was; else where it went. */
    phone: string | null;
    bsuid_key: string | null;
    sender_kind: SenderKind;
    /** Which member or rule. */
    sender: string;
    category: SendCategory;
    template_name: string | null;
    template_language: string | null;
    /** JSON of what was asked for. */
    content: Buffer;
    /** JSON of what leaves, its values resolved; null: it was not claimed yet. */
    leaves: Buffer | null;
    /** What the person reads of it. */
    shown: string | null;
    state: SendState;
    /** Why it is in this state, in a word or two; `explanation` in a sentence. */
    reason: string | null;
    explanation: string | null;
    error_code: number | null;
    /** Which of what is due goes first; the last is what waits for a word of WhatsApp. */
    priority: number;
    attempts: ColumnType<number, number | undefined>;
    /** When WhatsApp held it back to limit marketing: it is tried once more, and no more. */
    capped_at: number | null;
    /** By the endpoint for marketing messages. */
    as_marketing: ColumnType<boolean, boolean | undefined>;
    asked_at: number;
    /** When it was first tried. */
    tried_at: number | null;
    expires_at: number;
    /** When somebody has to look at it next; null: nothing is left to do. */
    due_at: number | null;
    lease: string | null;
    wamid: string | null;
    changed_at: number;
    /** The medium of ours it names. */
    media_id: ColumnType<string | null, string | null | undefined>;
    /** It failed once for its medium, which was uploaded anew. */
    medium_renewed: ColumnType<boolean, boolean | undefined>;
  };
  send_attempts: {
    workspace_id: string;
    /** What WhatsApp says in each status: random. */
    attempt_id: string;
    send_id: string;
    channel_id: string;
    number: number;
    began_at: number;
    ended_at: number | null;
    /** Null: it is under way. */
    outcome: AttemptOutcome | null;
    error_code: number | null;
    details: string | null;
    wamid: string | null;
  };
  gates: {
    workspace_id: string;
    channel_id: string;
    /** Canonical phone, or BSUID key. */
    address: string;
    /** WhatsApp wants no more for them before; `rests`: so often in a row. */
    rest_until: ColumnType<number, number | undefined>;
    rests: ColumnType<number, number | undefined>;
    /** As in `channel_states`, of what one person takes. */
    filled_until: ColumnType<number, number | undefined>;
    /** How often in a row WhatsApp could not reach them, and when last. */
    unreachable: ColumnType<number, number | undefined>;
    unreachable_at: number | null;
    /** WhatsApp said then that their window is closed. */
    window_denied_at: number | null;
    /** When they were last sent something outside their window. */
    outside_at: number | null;
  };
  /** A picture, film, voice message, document or sticker, either way. */
  media: {
    workspace_id: string;
    media_id: string;
    direction: 'in' | 'out';
    /** Of one that came: the number it came to, and its message. */
    channel_id: string | null;
    wamid: string | null;
    provider_id: string | null;
    kind: MediaKind;
    /** What its message said of it; the hash in hex. */
    claimed_type: string | null;
    said_sha256: string | null;
    filename: string | null;
    /** What its bytes are. */
    mime_type: string | null;
    size: number | null;
    sha256: string | null;
    /** The folder or bucket its bytes lie in or are about to, and their name there. */
    place: string | null;
    key: string | null;
    state: MediaState;
    /** Why there is nothing, or nothing yet. */
    reason: string | null;
    due_at: number | null;
    attempts: ColumnType<number, number | undefined>;
    lease: string | null;
    created_at: number;
  };
  /** The provider's id of a medium of ours, good for 30 days and for one number. */
  media_uploads: {
    workspace_id: string;
    media_id: string;
    channel_id: string;
    provider_id: string;
    uploaded_at: number;
  };
  /** Bytes that are to go, since whoever they were of was erased. */
  media_deletions: { workspace_id: string; place: string; key: string; due_at: number };
  templates: {
    workspace_id: string;
    waba_id: string;
    name: string;
    language: string;
    template_id: string;
    category: TemplateCategory;
    /** As the provider says it, in lower case. */
    status: string;
    quality: string;
    /** JSON of `Template`. */
    definition: Buffer;
    /** WhatsApp told something of it since it was asked for. */
    stale: ColumnType<boolean, boolean | undefined>;
    paused_until: number | null;
    /** How often it was paused: the second time is longer. */
    pauses: ColumnType<number, number | undefined>;
    synced_at: number;
  };
  event_keys: { workspace_id: string; event_key: Buffer; content_hash: Buffer; received_at: number };
  inbox: {
    workspace_id: string;
    lane: number;
    received_at: number;
    event_key: Buffer;
    content_hash: Buffer;
    channel_id: string | null;
    payload: Buffer;
    /** W3C trace context of the webhook that brought it, while tracing is on. */
    traceparent: ColumnType<string | null, string | null | undefined>;
  };
  suppression: { workspace_id: string; value: string; event_key: Buffer; at: number };
  dead_letters: {
    workspace_id: string;
    dead_letter_id: string;
    reason: string;
    explanation: string;
    source: LetterSource;
    signer: string | null;
    lane: number | null;
    event_key: Buffer | null;
    content_hash: Buffer | null;
    channel_id: string | null;
    connection_id: string | null;
    contact_id: string | null;
    /** An entry of theirs was not written, not their record. */
    about_timeline: ColumnType<boolean, boolean | undefined>;
    /** What could not be sent. */
    send_id: ColumnType<string | null, string | null | undefined>;
    /** Which record of theirs was not written. */
    record_id: ColumnType<string | null, string | null | undefined>;
    payload: Buffer | null;
    received_at: number;
    parked_at: number;
    /** Somebody's opt-out: it is kept whole until it is applied. Null: nobody has looked yet. */
    opt_out: ColumnType<boolean | null, boolean | undefined>;
    /** Its contents have had their time. */
    contents_swept_at: ColumnType<number | null, number | null | undefined>;
    /** Nothing can replay it, and somebody said that it may rest. */
    set_aside_at: ColumnType<number | null, number | null | undefined>;
    set_aside_by: ColumnType<string | null, string | null | undefined>;
    set_aside_why: ColumnType<string | null, string | null | undefined>;
  };
  kept_events: {
    workspace_id: string;
    event_key: Buffer;
    content_hash: Buffer;
    what: string;
    channel_id: string | null;
    /** The source's time. */
    at: number;
    received_at: number;
    payload: Buffer;
  };
  identity_evidence: {
    workspace_id: string;
    kind: 'pair' | 'same' | 'phone_change' | 'joined' | 'hand_over' | 'spelling';
    a: string;
    b: string;
    occurrence: number;
    at: number;
    /** When `a` was the one's and `b` the other's; of what a member joined alone. */
    a_at: number | null;
    b_at: number | null;
  };
  /** Which contact an id stands for from `since` on; null while the person it stands for has never written. */
  identities: {
    workspace_id: string;
    value: string;
    since: number;
    contact_id: string | null;
    /** Who had it was erased, and had no opt-out in force at the end: none goes on with it from before. */
    lifted: ColumnType<boolean, boolean | undefined>;
  };
  contacts: {
    workspace_id: string;
    contact_id: string;
    merged_into: string | null;
    /** Whom its first event showed, and when: it is that person's, whatever turns out. Null: not known any more. */
    founded_by: string | null;
    founded_at: number | null;
    profile_name: string | null;
    profile_name_at: number | null;
    profile_name_key: Buffer | null;
    username: string | null;
    username_at: number | null;
    username_key: Buffer | null;
    first_message: string | null;
    first_message_at: number | null;
    first_message_key: Buffer | null;
    from_ad_at: number | null;
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
    /** Until then WhatsApp counts them as come from an ad: everything is free. */
    free_entry_until: ColumnType<number | null, number | null | undefined>;
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
    free_form: ColumnType<boolean, boolean | undefined>;
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
    /** How the person is called, where no message says it. */
    profile_name: ColumnType<string | null, string | null | undefined>;
    username: ColumnType<string | null, string | null | undefined>;
    /** Where it shows no id: the contact it was said of, which may have been joined into another. */
    said_of: ColumnType<string | null, string | null | undefined>;
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
    /** As of `consent_entries`. */
    said_of: ColumnType<string | null, string | null | undefined>;
  };
  crm_connections: {
    workspace_id: string;
    connection_id: string;
    crm: string;
    /** The vendor's id of the account; null until it is known. */
    account: string | null;
    mode: ColumnType<ConnectionMode, ConnectionMode | undefined>;
    /** E.164; while in test, only these people are written. */
    test_phones: ColumnType<string[], string[] | undefined>;
    /** JSON of `ConnectionSettings`. */
    settings: ColumnType<Buffer, Buffer | undefined>;
    /** JSON of `FieldMapping[]`; null: the connector's default. */
    mapping: Buffer | null;
    /** JSON: CRM field → when and why it was parked. */
    parked_fields: ColumnType<Buffer, Buffer | undefined>;
    /** JSON of what is known of this account alone (`AccountFacts`); null: nothing. */
    account_facts: Buffer | null;
    facts_version: ColumnType<number, number | undefined>;
    disconnected_at: number | null;
    /** Turns taken of a round robin of owners. */
    owner_turns: ColumnType<number, number | undefined>;
    /** Until then an admin lets everybody in, however many they are. */
    rush_released_until: ColumnType<number, number | undefined>;
    created_at: number;
  };
  /** What opens an account; sealed where it is secret. */
  crm_credentials: {
    workspace_id: string;
    connection_id: string;
    auth_kind: ColumnType<AuthKind, AuthKind | undefined>;
    access_token: Buffer | null;
    /** Of OAuth. */
    refresh_token: Buffer | null;
    /** JSON of what tokens are renewed with beside a refresh token or, where they are minted, in place of one. */
    secret: Buffer | null;
    /** Null: it does not expire, or nobody said when. */
    token_expires_at: number | null;
    /** Where the vendor says the account is; null: all of its accounts are at one address. */
    api_base: string | null;
    refresh_lease: string | null;
    refresh_leased_until: number | null;
    /** Of an app of their own; null: the service's app signs. */
    webhook_secret: Buffer | null;
    previous_webhook_secret: Buffer | null;
    previous_webhook_secret_until: number | null;
  };
  /** How calls to an account fare, and whether they may be made. */
  crm_call_states: {
    workspace_id: string;
    connection_id: string;
    /** Counts how often a person opened the account, lifted its block or let it go. */
    access_version: ColumnType<number, number | undefined>;
    blocked_reason: string | null;
    /** Why timelines are not written until an admin acts; records are. */
    timeline_blocked_reason: ColumnType<string | null, string | null | undefined>;
    failed_attempts: ColumnType<number, number | undefined>;
    next_call_at: ColumnType<number, number | undefined>;
    /** While calls fail: when the first of them did, and what the last one said. */
    failing_since: number | null;
    last_failure: string | null;
  };
  /** How far an account was scanned. */
  crm_scan_states: {
    workspace_id: string;
    connection_id: string;
    /** When a scan of the whole account ended: from then on a miss in the phone index means nobody. */
    indexed_at: number | null;
    /** By which the phones of that look were read; empty: none was known. */
    indexed_region: string | null;
    /** Changes in the CRM are known up to here. */
    polled_until: number | null;
    next_poll_at: ColumnType<number, number | undefined>;
    poll_cursor: string | null;
    poll_lease: string | null;
    poll_leased_until: number | null;
    last_webhook_at: number | null;
    /** Where webhooks have to be asked for: since when and until when the account sends them, and where to. */
    webhooks_since: number | null;
    webhooks_until: number | null;
    webhooks_url: string | null;
    /** Null: this account needs no asking. */
    ask_webhooks_at: ColumnType<number | null, number | null | undefined>;
    /** Since when polls find changes of which no webhook told; null: one told of all, or of some later. */
    untold_since: number | null;
    /** What the account's own automation could not deliver is known up to here. */
    undelivered_until: number | null;
  };
  crm_records: {
    workspace_id: string;
    connection_id: string;
    record_id: string;
    /** What stands in our unique field. */
    key_contact_id: string | null;
    /** JSON of the values both sides last agreed on: CRM field → the vendor's form. */
    base: ColumnType<Buffer, Buffer | undefined>;
    /** JSON: CRM field → hashes of values of erased people that we wrote and that may still stand there. */
    erased_values: ColumnType<Buffer | null, Buffer | null | undefined>;
    /** JSON: CRM field → hashes of what stood on it, was written there or told of it when somebody it told of was erased. */
    erased_base: ColumnType<Buffer | null, Buffer | null | undefined>;
    /** When the last of the people it told of who were erased was. */
    erased_at: ColumnType<number | null, number | null | undefined>;
    /** Fields of the base whose value we wrote: still ours to correct while it stands. */
    ours: ColumnType<string[], string[] | undefined>;
    /** Both sides agreed on the base; else it is only what a scan of the account found. */
    agreed: ColumnType<boolean, boolean | undefined>;
    /** Last seen. */
    read_at: number;
    /** When the base was read, or agreed on. */
    base_at: ColumnType<number, number | undefined>;
    gone: 'deleted' | 'merged' | 'erased' | null;
    gone_at: number | null;
    /** Of a merged record: where it lives on. */
    moved_to: string | null;
    /** Of a merged record: where it lives on, what it held is part of the base. */
    taken_over: ColumnType<boolean, boolean | undefined>;
    /** The vendor's time of the record's last change, as far as it was seen. */
    changed_at: ColumnType<number | null, number | null | undefined>;
    /** The vendor told of its deletion then, and nobody has looked since. */
    doubted_at: ColumnType<number | null, number | null | undefined>;
    /** Among records of one person the lowest is primary; null: not told, as 0. */
    rank: number | null;
    /** The vendor's time of its making; null: not told. */
    created_at: number | null;
    /** JSON of values the CRM did not take: CRM field → the vendor's form. */
    refused: ColumnType<Buffer, Buffer | undefined>;
  };
  crm_phones: {
    workspace_id: string;
    connection_id: string;
    record_id: string;
    field: string;
    /** Of several numbers in one field: which. */
    part: ColumnType<number, number | undefined>;
    /** As it stands in the CRM. */
    typed: string;
    /** Canonical E.164; null: it cannot be read, and `unreadable` says why. */
    phone: string | null;
    unreadable: string | null;
    /** The field's place among those that hold phones, the one people look at first is 0. */
    place: ColumnType<number, number | undefined>;
  };
  crm_links: {
    workspace_id: string;
    connection_id: string;
    contact_id: string;
    record_id: string;
    /** The contact's own record, which takes fields and timeline; the others take its opt-out only. */
    is_primary: ColumnType<boolean, boolean | undefined>;
    decided_by: ColumnType<LinkReason, LinkReason | undefined>;
    /** A person said this record is not theirs: never linked again by itself. */
    parted_at: number | null;
    created_at: number;
  };
  /** Of contacts that are joined, into others or with others: the links each had by itself, to go back to. */
  links_before_joins: {
    workspace_id: string;
    connection_id: string;
    contact_id: string;
    record_id: string;
    is_primary: boolean;
    decided_by: LinkReason;
    parted_at: number | null;
    created_at: number;
  };
  dirty_records: {
    workspace_id: string;
    connection_id: string;
    /** `record:<id>`, `contact:<id>` for a contact that has no record yet, `twins:<id>` to look for a record made twice. */
    subject: string;
    contact_id: string | null;
    record_id: string | null;
    priority: number;
    version: ColumnType<number, number | undefined>;
    marked_at: number;
    /** The version whose mark asked for a read, as somebody changed it in the CRM; 0: none did. */
    reread_version: ColumnType<number, number | undefined>;
    /** Why it waits for a person. */
    held: string | null;
    due_at: ColumnType<number, number | undefined>;
    /** Until then a create nobody answered may still be made: no mark hurries it. */
    not_before: ColumnType<number, number | undefined>;
    /** A write was tried and nobody knows how it ended. */
    tried: ColumnType<boolean, boolean | undefined>;
    attempts: ColumnType<number, number | undefined>;
    lease: string | null;
    leased_until: number | null;
    /** Of the events that marked it, while tracing is on. */
    traceparents: ColumnType<string[] | null, undefined>;
  };
  crm_writes: {
    workspace_id: string;
    connection_id: string;
    record_id: string;
    write_id: string;
    at: number;
    /** JSON of what was written and whose echo has not come yet. */
    written: Buffer;
    /** Of a create: what the new record is to hold in our unique field. */
    under_key: ColumnType<string | null, string | null | undefined>;
    /** False: its call ended without an answer, so it may still take effect. */
    answered: ColumnType<boolean, boolean | undefined>;
  };
  crm_creations: {
    workspace_id: string;
    connection_id: string;
    contact_id: string;
    /** What the new record holds in our unique field: another than the contact's id once a deleted record keeps that. */
    key_contact_id: string;
    owner_id: string | null;
    decided_at: number;
  };
  crm_deals: {
    workspace_id: string;
    connection_id: string;
    deal_id: string;
    /** The person's. */
    record_id: string;
    /** JSON of the followed fields, as they were last seen. */
    seen: Buffer;
    changed_at: number;
  };
  occurrences: {
    workspace_id: string;
    connection_id: string;
    record_id: string;
    field: string;
    value: string;
    changed_at: number;
    changed_by: string | null;
    seen_at: number;
    /** A look found it: it was made at `changed_at` or before. */
    scanned: ColumnType<boolean, boolean | undefined>;
  };
  timeline_entries: {
    workspace_id: string;
    connection_id: string;
    contact_id: string;
    channel_id: string;
    /** `YYYY-MM-DD` of a conversation-day, or a message's wamid. */
    part: string;
    /** The marker by which the entry is found in the CRM. */
    entry_key: string;
    record_id: string | null;
    entry_id: string | null;
    written_at: number | null;
    written_hash: Buffer | null;
    version: ColumnType<number, number | undefined>;
    /** Null: nothing to write. */
    due_at: number | null;
    /** The version in which it fell due. */
    due_version: ColumnType<number, number | undefined>;
    marked_at: number;
    /** Of what changed since it was leased: how long it rests, at least, between that write and the next; null: nothing did. */
    rest_ms: number | null;
    tried: ColumnType<boolean, boolean | undefined>;
    /** How often the CRM asked for another time. */
    attempts: ColumnType<number, number | undefined>;
    /** Its outcome was once unknown: to be looked at once more, for a twin. */
    twin_check: ColumnType<boolean, boolean | undefined>;
    lease: string | null;
    leased_until: number | null;
    /** Of the events it is to show, while tracing is on. */
    traceparents: ColumnType<string[] | null, undefined>;
  };
  conflicts: {
    workspace_id: string;
    conflict_id: string;
    connection_id: string | null;
    kind: ConflictKind;
    /** What it is about, in a form that is the same each time it is found. */
    subject: string;
    contact_id: string | null;
    record_ids: ColumnType<string[], string[] | undefined>;
    explanation: string;
    state: ColumnType<'open' | 'accepted' | 'dismissed' | 'ended', 'open' | undefined>;
    opened_at: number;
    closed_at: number | null;
  };
  alerts: {
    workspace_id: string;
    alert_id: string;
    connection_id: string | null;
    kind: AlertKind;
    /** Which of several it is about, as a template; empty: the kind says it. */
    subject: ColumnType<string, string | undefined>;
    message: string;
    raised_at: number;
    seen_at: ColumnType<number | null, number | null | undefined>;
    closed_at: number | null;
  };
  decisions: {
    workspace_id: string;
    decision_id: string;
    kind: DecisionKind;
    /** JSON of what was decided, enough to undo it. */
    subject: Buffer;
    member_id: string;
    at: number;
    undone_at: number | null;
  };
  checks: {
    workspace_id: string;
    connection_id: string;
    check_id: string;
    state: 'running' | 'done' | 'stopped';
    /** By which it reads phones; empty: none is known. */
    region: string;
    cursor: string | null;
    records: ColumnType<number, number | undefined>;
    started_at: number;
    finished_at: number | null;
    next_at: ColumnType<number, number | undefined>;
    problem: string | null;
    lease: string | null;
    leased_until: number | null;
    /** JSON of what it found. */
    report: Buffer | null;
  };
  crm_limits: {
    workspace_id: string;
    connection_id: string;
    name: string;
    /** Of calls in any time. Milliseconds, with fractions: those already let through fill the limit up to this instant. */
    filled_until: Generated<number>;
    /** Of a budget: tokens since it was last renewed. */
    spent: Generated<number>;
    /** How large the vendor says it is; null: it never did. */
    tokens: number | null;
    /** Milliseconds: from then on nothing of it is spent. */
    renewed_at: Generated<number>;
    /** Of calls under way: until when each counts at most, milliseconds. */
    under_way: Generated<number[]>;
  };
  counts: {
    workspace_id: string;
    /** Start of a quarter of an hour, milliseconds. */
    quarter: number;
    /** The workspace's id where no connection is meant. */
    connection_id: string;
    name: string;
    slot: number;
    count: number;
  };
  /** While an id was theirs, both ends included; one that was nobody else's is theirs until they were erased. */
  erased_identities: {
    workspace_id: string;
    hash: Buffer;
    since: number;
    until: number;
    /** Of a phone: they had given it up, so that it is somebody else's whoever has it. */
    gave_up: boolean;
    /** Of a phone: in which they had BSUIDs, and the hashes of those. Another one there is somebody else's. */
    scopes: string[];
    bsuids: Buffer[];
  };
  /** The opt-out on a phone of somebody erased, for who has it next. */
  erased_opt_outs: {
    workspace_id: string;
    /** As in `erased_identities`. */
    hash: Buffer;
    since: number;
    purpose: 'marketing' | 'everything';
    effective_at: number;
    rank: number;
    method: string;
  };
  /** Creates of erased people that nobody answered. */
  erased_tries: {
    workspace_id: string;
    connection_id: string;
    /** Of what the record they may have made holds in our unique field. */
    key_hash: Buffer;
    /** JSON: CRM field → hashes of what they were to write there. */
    written: Buffer;
    erased_at: number;
  };
  erasures: {
    workspace_id: string;
    erasure_id: string;
    /** `member <id>` or what the CRM said. */
    asked_by: string;
    erased_at: number;
    /** JSON of what was left where we do not rule. */
    remains: Buffer;
  };
  window_sweeps: {
    workspace_id: string;
    swept_until: number;
    /** The contact up to which entries never written were looked at; null: none yet. */
    entries_from: ColumnType<string | null, undefined, string | null>;
    /** When the next part of them is looked at. */
    entries_at: ColumnType<number, number | undefined>;
  };
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

/** What a pause is of. */
export type PauseScope = 'workspace' | 'channel' | 'rule';

/** docs/design.md §1, send. */
export const sendStates = [
  'held',
  'queued',
  'claimed',
  'dispatched',
  'unknown',
  'accepted',
  'sent',
  'delivered',
  'read',
  'failed',
  'refused',
  'unconfirmed',
] as const;
export type SendState = (typeof sendStates)[number];
export type SenderKind = 'member' | 'rule';
/** `service`: an answer in the service window; else a template's. */
export type SendCategory = 'service' | TemplateCategory;
/** `not begun`: something stood in its way in the last moment. */
export type AttemptOutcome = 'accepted' | 'refused' | 'unknown' | 'not begun';

/** Who wrote a message, and how we know. `other tool` = only its statuses reached us. */
export type MessageOrigin = 'customer' | 'sangam' | 'phone app' | 'meta agent' | 'history' | 'other tool';

/** docs/design.md §1: computes and shows, writes nothing; writes listed phones only; writes. */
/** `keys`: what was typed in goes with every call. `mint`: tokens are got with it, as often as they end. */
export type AuthKind = 'keys' | 'oauth' | 'mint';
export type ConnectionMode = 'shadow' | 'test' | 'live';

/**
 * `two records`: one person has several, as contacts that turned out to be one, or a record made in the CRM just before
 * ours. `opt-out cleared`: somebody cleared in the CRM what the person themself asked for. `taken by another record`: a
 * value only one record may hold.
 */
export type ConflictKind = 'two records' | 'opt-out cleared' | 'taken by another record';

/** What a person has to act on; of WhatsApp's own as `AccountAlertKind` tells. */
export type AlertKind =
  | AccountAlertKind
  | 'account not answering'
  | 'channel marketing stopped'
  | 'channel stopped'
  | 'connection blocked'
  | 'fields missing'
  | 'media elsewhere'
  | 'number taken over'
  | 'opt-out not applied'
  | 'rush of new records'
  | 'sends unconfirmed'
  | 'settings cut'
  | 'timeline blocked'
  | 'webhooks ended'
  | 'webhooks silent'
  | 'webhooks undelivered'
  | 'work failing';

/** Its bytes are to come, here, gone at the provider, or not taken. */
export type MediaState = 'waiting' | 'kept' | 'gone' | 'refused';

export type DecisionKind = 'relink' | 'unlink' | 'join' | 'hand over' | 'conflict';

/** Whose word a dead letter holds: WhatsApp's, a CRM's, or one of our own members'. */
export type LetterSource = 'whatsapp' | 'crm' | 'us';

/** A channel as it is found by what a webhook names. */
export type ChannelRow = Selectable<Database['directory_channels']>;

/** Why a contact is tied to a record. */
export type LinkReason = 'created' | 'our id' | 'phone' | 'member' | 'merge';

export type MemberRole = 'admin' | 'rep' | 'read-only';

/** Read before a workspace is known; every other table's key starts with `workspace_id`. */
export const directoryTables = [
  'directory_channels',
  'directory_sessions',
  'directory_accounts',
  'directory_due',
] as const;

/**
 * Of a distributed database these stand on its coordinator, to which every process connects: the due list, which all read
 * twice a second and write with what they mark, and what migrations remember.
 */
export const coordinatorTables = [
  'directory_due',
  'kysely_migration',
  'kysely_migration_lock',
  'migration_hashes',
] as const;

export const workspaceTables = [
  'workspaces',
  'members',
  'audit',
  'channels',
  'channel_states',
  'pauses',
  'sending_settings',
  'sends',
  'send_attempts',
  'gates',
  'templates',
  'media',
  'media_uploads',
  'media_deletions',
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
  'crm_credentials',
  'crm_call_states',
  'crm_scan_states',
  'crm_records',
  'crm_phones',
  'crm_links',
  'links_before_joins',
  'dirty_records',
  'crm_writes',
  'crm_creations',
  'crm_deals',
  'occurrences',
  'timeline_entries',
  'conflicts',
  'alerts',
  'decisions',
  'checks',
  'crm_limits',
  'counts',
  'erased_identities',
  'erased_opt_outs',
  'erased_tries',
  'erasures',
  'window_sweeps',
] as const satisfies readonly (keyof Database)[];

/** Keeps what no business owns, such as webhooks of numbers nobody has connected. */
export const serviceWorkspaceId = '00000000-0000-0000-0000-000000000000';

/** Everything that is kept sealed. A test finds what the schema holds and this list does not. */
export const sealedColumns = [
  { table: 'workspaces', key: 'workspace_id', columns: ['erasure_key'] },
  {
    table: 'channels',
    key: 'channel_id',
    columns: ['app_secret', 'previous_app_secret', 'verify_token', 'access_token'],
  },
  {
    table: 'crm_credentials',
    key: 'connection_id',
    columns: ['access_token', 'refresh_token', 'secret', 'webhook_secret', 'previous_webhook_secret'],
  },
] as const;

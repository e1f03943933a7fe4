/**
 * What a WhatsApp webhook says, in our words. `split` cuts a body into `WebhookEvent`s at receive time,
 * `parse` reads one of them at apply time. Sources: docs/vendors/whatsapp.md §1 and §2.
 */

import type { Identities } from '../identity/index.ts';

/** Lanes in the order they are served: a STOP waits behind nothing, a customer never behind a million statuses. */
export const lanes = { stop: 0, inbound: 1, crm: 2, status: 3, history: 4 } as const;
export type Lane = (typeof lanes)[keyof typeof lanes];

/**
 * One event as it was cut out of a webhook body: the smallest JSON that still holds all it says.
 * Stored as bytes; `parse` is the only reader.
 */
export interface WebhookSlice {
  readonly field: string;
  readonly part: SlicePart;
  readonly wabaId?: string;
  readonly phoneNumberId?: string;
  /** Unix seconds Meta put on the entry. */
  readonly entryTime?: number;
  /** The `contacts[]` element that belongs to this item, if any. */
  readonly contact?: unknown;
  /** The channel's own number in canonical form, where the item shows it as its `from` or `to`. */
  readonly business?: string;
  /** History only: the thread's id and chunk metadata. */
  readonly history?: unknown;
  /** The item itself: one message, status, echo, preference, or the whole `value` for other fields. */
  readonly item: unknown;
}

/** Which of Meta's arrays the item came from. `value` = a field we keep whole. */
export type SlicePart =
  | 'message'
  | 'status'
  /** A message we sent: ours, not WhatsApp's word. */
  | 'sent'
  | 'echo'
  | 'standby_message'
  | 'standby_status'
  | 'standby_echo'
  | 'history_message'
  | 'preference'
  | 'user_id_update'
  | 'contact_sync'
  | 'errors'
  | 'value';

/** A slice with what receive has to know about it without parsing. */
export interface WebhookEvent {
  /** Stable and readable, unique per thing that happened on a phone number: `message:<wamid>`, `status:<wamid>:read`, … */
  readonly key: string;
  readonly lane: Lane;
  readonly slice: WebhookSlice;
}

interface ParsedBase {
  /** The source's own time, milliseconds; undefined when it gave none that can be read. */
  readonly at: number | undefined;
  readonly identities: Identities;
}

export interface Referral {
  readonly sourceType?: string;
  readonly sourceId?: string;
  readonly sourceUrl?: string;
  readonly headline?: string;
  readonly ctwaClid?: string;
}

/** The answers of a submitted WhatsApp Flow. `answers` is whatever JSON arrived, an object or not. */
export interface FlowAnswer {
  readonly name?: string;
  readonly flowToken?: string;
  readonly answers: unknown;
}

export interface OrderItem {
  /** The business's own id of the product. */
  readonly product?: string;
  readonly quantity?: string;
  /** Of one piece. */
  readonly price?: string;
  readonly currency?: string;
}

export interface Location {
  readonly name?: string;
  readonly address?: string;
  readonly latitude?: string;
  readonly longitude?: string;
}

export interface ContactCard {
  readonly name?: string;
  /** As they were written. */
  readonly phones: readonly string[];
  /** Their own, which we had asked for. */
  readonly own: boolean;
}

export interface CallPermission {
  readonly given: boolean;
  /** Milliseconds; undefined: without end. */
  readonly until?: number;
}

/** What a message holds, whoever wrote it. */
export interface MessageContent {
  /** Meta's type; inferred from the body's key when the payload left it out. */
  readonly type: string;
  /** The words a person reads: text body, caption, button title, list title, order text. Whole, unescaped. */
  readonly text?: string;
  /** Payload of a template quick reply or id of an interactive reply. */
  readonly buttonPayload?: string;
  /** wamid this message quotes. */
  readonly replyTo?: string;
  /** The business's own id of the product it asks about. */
  readonly aboutProduct?: string;
  /** Name of the template it was made from. */
  readonly template?: string;
  readonly reaction?: { readonly to: string; readonly emoji?: string };
  readonly media?: {
    readonly id?: string;
    readonly mimeType?: string;
    readonly filename?: string;
    /** Hex. */
    readonly sha256?: string;
  };
  readonly flowAnswer?: FlowAnswer;
  readonly orderItems?: readonly OrderItem[];
  readonly location?: Location;
  readonly cards?: readonly ContactCard[];
  readonly callPermission?: CallPermission;
  /** How they chose to pay, and for what. */
  readonly payment?: { readonly method?: string; readonly reference?: string };
  readonly referral?: Referral;
  /** wamid of the message this one edits or takes back. */
  readonly edits?: string;
  readonly revokes?: string;
  readonly errors?: readonly VendorError[];
}

export interface VendorError {
  /** Zero where none can be read. */
  readonly code: number;
  readonly title?: string;
  readonly details?: string;
}

/** A customer wrote. */
export interface InboundMessage extends ParsedBase, MessageContent {
  readonly kind: 'message';
  readonly wamid: string;
  readonly profileName?: string;
  /** Meta's Business Agent is answering; we only watch. */
  readonly standby: boolean;
}

export const messageStatuses = ['accepted', 'sent', 'failed', 'delivered', 'read', 'played'] as const;
export type MessageStatus = (typeof messageStatuses)[number];

/** A message of the business changed state. `identities` are the recipient's. */
interface StatusChange extends ParsedBase {
  readonly kind: 'status';
  readonly wamid: string;
  readonly status: MessageStatus;
  readonly errors: readonly VendorError[];
  readonly opaque?: string;
  /** They came from an ad: until then everything is free, milliseconds. docs/vendors/whatsapp.md §3.7. */
  readonly freeEntryUntil?: number;
  readonly pricing?: { readonly category?: string; readonly type?: string; readonly model?: string };
}

/** The business wrote: by us, on its phone app, or as Meta's agent. `identities` are the recipient's. */
export interface Echo extends ParsedBase, MessageContent {
  readonly kind: 'echo';
  readonly wamid: string;
  readonly origin: 'sangam' | 'phone app' | 'meta agent';
  /** Of ours: who sent it, as people call them. */
  readonly sender?: string;
}

/**
 * One message of an imported history. `identities` are the customer's; none where a medium of the business follows a
 * placeholder, which names them.
 */
export interface HistoryMessage extends ParsedBase, MessageContent {
  readonly kind: 'history';
  readonly wamid: string;
  readonly direction: 'in' | 'out';
  readonly status?: MessageStatus;
}

/** The person used WhatsApp's own controls for marketing messages. */
interface PreferenceChange extends ParsedBase {
  readonly kind: 'preference';
  readonly value: 'stop' | 'resume' | 'signup';
  readonly signupId?: string;
  readonly profileName?: string;
}

/** A person's ids changed: `before` and `identities` (after) are the same person. */
export interface IdentityChange extends ParsedBase {
  readonly kind: 'identity_change';
  readonly before: Identities;
  /** BSUIDs of theirs of which the event does not tell whether they are from before or after. */
  readonly beside?: Identities;
}

/** Understood as something nothing applies (yet): kept and acknowledged. */
export interface KeptEvent {
  readonly kind: 'kept';
  readonly at: number | undefined;
  /** Field, then type where there is one: `account_update`, `messages/group`, `status/deleted`. */
  readonly what: string;
}

export type ParsedEvent =
  InboundMessage | StatusChange | Echo | HistoryMessage | PreferenceChange | IdentityChange | KeptEvent;

/** Why a slice could not be read, in words for the person who looks at the dead letter. */
export interface Unreadable {
  readonly kind: 'unreadable';
  readonly reason: 'no_identity' | 'no_message_id' | 'malformed';
  readonly explanation: string;
}

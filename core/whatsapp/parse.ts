import { z } from 'zod';
import type { Identities } from '../identity/index.ts';
import { errorsOf, readContent } from './content.ts';
import {
  type Echo,
  type IdentityChange,
  type KeptEvent,
  messageStatuses,
  type MessageStatus,
  type ParsedEvent,
  type Unreadable,
  type WebhookSlice,
} from './event.ts';
import { comparableId, identitiesFrom, isSomebody, ofContact, timeOf } from './identities.ts';
import {
  type ContactPayload,
  contactSchema,
  contentSchema,
  historySchema,
  type MessagePayload,
  messageSchema,
  preferenceSchema,
  statusSchema,
  userIdUpdateSchema,
} from './schemas.ts';
import { identityChange, isIdentityChange } from './system-message.ts';

/** Reads one slice. Total: what cannot be read says why, and never throws. */
export function parseSlice(slice: WebhookSlice): ParsedEvent | Unreadable {
  switch (slice.part) {
    case 'message':
    case 'standby_message':
      return parseMessage(slice);
    case 'status':
    case 'standby_status':
      return parseStatus(slice);
    case 'sent':
      return parseSent(slice);
    case 'echo':
      return parseEcho(slice, 'phone app');
    case 'standby_echo':
      return parseEcho(slice, 'meta agent');
    case 'history_message':
      return parseHistory(slice);
    case 'preference':
      return parsePreference(slice);
    case 'user_id_update':
      return parseUserIdUpdate(slice);
    case 'contact_sync':
    case 'errors':
    case 'value':
      return kept(slice, undefined);
    default:
      return malformed('The stored event is not a part of a WhatsApp webhook.');
  }
}

function parseMessage(slice: WebhookSlice): ParsedEvent | Unreadable {
  const message = messageSchema.safeParse(slice.item).data;
  if (message === undefined) return malformed('The message is not an object.');
  const at = timeOf(message.timestamp);
  const content = readContent(message);
  if (message.group_id !== undefined) return kept(slice, at, 'group');
  // Who only opened the chat has said nothing; but an ad may be what brought them.
  if (content.type === 'request_welcome' && content.referral === undefined) {
    return kept(slice, at, content.type);
  }
  const contact = contactOf(slice);
  const identities = senderOf(message, contact);
  if (content.type === 'system') {
    if (message.system === undefined || !isIdentityChange(message.system.type)) {
      return kept(slice, at, message.system?.type ?? 'system');
    }
    return provenOr(identityChange(message.system, identities, contact, at), () =>
      kept(slice, at, message.system?.type ?? 'user_changed_number'),
    );
  }
  if (message.id === undefined) return noMessageId();
  if (!isSomebody(identities)) return noIdentity();
  const profileName = contact?.profile?.name;
  return {
    kind: 'message',
    wamid: message.id,
    at,
    identities,
    standby: slice.part === 'standby_message',
    ...content,
    ...(profileName === undefined || profileName === '' ? {} : { profileName }),
  };
}

/**
 * The sender. A phone they shared of themselves, asked by us, stands beside their BSUID
 * (docs/vendors/whatsapp.md §2.6).
 */
function senderOf(message: MessagePayload, contact: ContactPayload | undefined): Identities {
  const known = ofContact(contact);
  const shared = message.contacts
    ?.filter(({ origin }) => origin === 'contact_request')
    .flatMap(({ phones }) => phones ?? [])
    // Without its plus a phone may lack its country, and would be another's.
    .flatMap(({ wa_id: waId, phone }) => [waId, phone?.startsWith('+') ? phone : undefined]);
  return identitiesFrom({
    phone: [message.from, known.phone, ...(shared ?? [])],
    bsuid: [message.from_user_id, known.bsuid],
    parent: [message.from_parent_user_id, known.parent],
    username: known.username,
  });
}

const statusNames: ReadonlySet<string> = new Set(messageStatuses);

function isStatus(status: string | undefined): status is MessageStatus {
  return status !== undefined && statusNames.has(status);
}

function parseStatus(slice: WebhookSlice): ParsedEvent | Unreadable {
  const status = statusSchema.safeParse(slice.item).data;
  if (status === undefined) return malformed('The status is not an object.');
  const at = timeOf(status.timestamp);
  if (status.recipient_type === 'group') return kept(slice, at, 'group');
  if (status.type === 'payment') return kept(slice, at, 'payment');
  if (!isStatus(status.status)) return kept(slice, at, status.status ?? 'unnamed');
  if (status.id === undefined) return noMessageId();
  const contact = ofContact(contactOf(slice));
  const { pricing, conversation } = status;
  const freeEntryUntil =
    conversation?.origin?.type === 'referral_conversion'
      ? timeOf(conversation.expiration_timestamp)
      : undefined;
  return {
    kind: 'status',
    wamid: status.id,
    status: status.status,
    at,
    identities: identitiesFrom({
      phone: [status.recipient_id, contact.phone],
      bsuid: [status.recipient_user_id, contact.bsuid],
      parent: [status.recipient_parent_user_id, contact.parent],
      username: contact.username,
    }),
    errors: errorsOf(status.errors),
    ...(status.biz_opaque_callback_data === undefined ? {} : { opaque: status.biz_opaque_callback_data }),
    ...(freeEntryUntil === undefined ? {} : { freeEntryUntil }),
    ...(pricing === undefined
      ? {}
      : {
          pricing: {
            ...(pricing.category === undefined ? {} : { category: pricing.category }),
            ...(pricing.type === undefined ? {} : { type: pricing.type }),
            ...(pricing.pricing_model === undefined ? {} : { model: pricing.pricing_model }),
          },
        }),
  };
}

const sentSchema = z.looseObject({ sender: z.string() });

function parseSent(slice: WebhookSlice): ParsedEvent | Unreadable {
  const sent = parseEcho(slice, 'sangam');
  const named = sentSchema.safeParse(slice.item).data;
  return sent.kind === 'echo' && named !== undefined ? { ...sent, sender: named.sender } : sent;
}

function parseEcho(slice: WebhookSlice, origin: Echo['origin']): ParsedEvent | Unreadable {
  const echo = messageSchema.safeParse(slice.item).data;
  if (echo === undefined) return malformed('The echo is not an object.');
  if (echo.id === undefined) return noMessageId();
  // Meta's agent shows the send's body one level down; the recipient stands there too (docs/vendors/whatsapp.md §1.5).
  const sent = messageSchema.safeParse(echo.message).data;
  const contact = ofContact(contactOf(slice));
  const isSwapped = isBusiness(echo.to, slice);
  const identities = identitiesFrom({
    // Some payloads have from and to swapped: the contact Meta names is the customer.
    phone: [contact.phone, isSwapped ? echo.from : echo.to, sent?.to].filter((id) => !isBusiness(id, slice)),
    bsuid: [echo.to_user_id, contact.bsuid],
    parent: [echo.to_parent_user_id, contact.parent],
    username: contact.username,
  });
  if (!isSomebody(identities)) return noIdentity();
  return {
    kind: 'echo',
    wamid: echo.id,
    origin,
    at: timeOf(echo.timestamp),
    identities,
    ...readContent(sent === undefined ? echo : { ...sent, template: sent.template ?? echo.template }),
  };
}

/** What `history_context.status` says, in the words of statuses. docs/vendors/whatsapp.md §1.9. */
const historyStatuses: Readonly<Record<string, MessageStatus>> = {
  SENT: 'sent',
  DELIVERED: 'delivered',
  READ: 'read',
  PLAYED: 'played',
  ERROR: 'failed',
};

function parseHistory(slice: WebhookSlice): ParsedEvent | Unreadable {
  const message = messageSchema.safeParse(slice.item).data;
  if (message === undefined) return malformed('The history message is not an object.');
  const at = timeOf(message.timestamp);
  if (message.group_id !== undefined) return kept(slice, at, 'group');
  if (message.id === undefined) return noMessageId();
  const contact = ofContact(contactOf(slice));
  const threadId = historySchema.safeParse(slice.history).data?.threadId;
  const ofThread = identitiesFrom({ phone: [threadId], bsuid: [threadId], parent: [] });
  const writer = identitiesFrom({ phone: [message.from], bsuid: [message.from_user_id], parent: [] });
  const inbound =
    threadId === undefined
      ? !isBusiness(message.from, slice) && (message.to === undefined || isBusiness(message.to, slice))
      : (writer.phone ?? writer.bsuid) === (ofThread.phone ?? ofThread.bsuid);
  const identities = identitiesFrom({
    phone: [threadId, contact.phone, inbound ? message.from : message.to],
    bsuid: [inbound ? message.from_user_id : message.to_user_id, contact.bsuid, threadId],
    parent: [inbound ? message.from_parent_user_id : message.to_parent_user_id, contact.parent],
    username: contact.username,
  });
  // A medium the business sent follows a placeholder of the same id, whose thread names the person.
  const isNamedElsewhere = !inbound && threadId === undefined && isBusiness(message.from, slice);
  if (!isSomebody(identities) && !isNamedElsewhere) return noIdentity();
  const status = inbound ? undefined : historyStatuses[message.history_context?.status?.toUpperCase() ?? ''];
  return {
    kind: 'history',
    wamid: message.id,
    direction: inbound ? 'in' : 'out',
    at,
    identities,
    ...(status === undefined ? {} : { status }),
    ...readContent(message),
  };
}

const marketing = 'marketing_messages';
const preferenceValues = ['stop', 'resume', 'signup'] as const;

function parsePreference(slice: WebhookSlice): ParsedEvent | Unreadable {
  const preference = preferenceSchema.safeParse(slice.item).data;
  if (preference === undefined) return malformed('The preference is not an object.');
  const at = timeOf(preference.timestamp);
  const said = preference.value?.trim().toLowerCase();
  const value = preferenceValues.find((known) => known === said);
  const isMarketing = (preference.category ?? marketing).toLowerCase() === marketing;
  // Whoever stops any kind of messages wants no marketing; only a grant has to name it.
  if (value === undefined || (!isMarketing && value !== 'stop')) {
    return kept(slice, at, `${preference.category ?? ''}/${preference.value ?? ''}`);
  }
  const contact = contactOf(slice);
  const known = ofContact(contact);
  const identities = identitiesFrom({
    phone: [preference.wa_id, known.phone],
    bsuid: [preference.user_id, known.bsuid],
    parent: [preference.parent_user_id, known.parent],
    username: known.username,
  });
  if (!isSomebody(identities)) return noIdentity();
  const profileName = contact?.profile?.name;
  return {
    kind: 'preference',
    value,
    at,
    identities,
    ...(preference.signup_id === undefined ? {} : { signupId: preference.signup_id }),
    ...(profileName === undefined || profileName === '' ? {} : { profileName }),
  };
}

/** The form BSPs still forward, docs/vendors/whatsapp.md §2.7. The phone it shows is the one after the change. */
function parseUserIdUpdate(slice: WebhookSlice): ParsedEvent | Unreadable {
  const update = userIdUpdateSchema.safeParse(slice.item).data;
  if (update === undefined) return malformed('The id update is not an object.');
  const identities = identitiesFrom({
    phone: [update.wa_id],
    bsuid: [update.user_id?.current],
    parent: [update.parent_user_id?.current],
  });
  if (!isSomebody(identities)) return noIdentity();
  const at = timeOf(update.timestamp);
  const before = identitiesFrom({
    phone: [],
    bsuid: [update.user_id?.previous],
    parent: [update.parent_user_id?.previous],
  });
  return provenOr({ kind: 'identity_change', at, identities, before }, () => kept(slice, at));
}

/** A change that does not show who the person was proves nothing: kept, for somebody to see. */
function provenOr(change: IdentityChange | Unreadable, keep: () => KeptEvent): ParsedEvent | Unreadable {
  return change.kind === 'identity_change' && !isSomebody(change.before) ? keep() : change;
}

function isBusiness(id: string | undefined, { business }: WebhookSlice): boolean {
  return id !== undefined && business !== undefined && comparableId(id) === business;
}

function contactOf(slice: WebhookSlice): ContactPayload | undefined {
  return contactSchema.safeParse(slice.contact).data;
}

function kept(slice: WebhookSlice, at: number | undefined, detail?: string): KeptEvent {
  const entryTime = slice.entryTime === undefined ? undefined : timeOf(String(slice.entryTime));
  const type = detail ?? contentSchema.safeParse(slice.item).data?.type;
  const what = slice.part === 'value' ? slice.field : `${slice.field}/${slice.part}`;
  return { kind: 'kept', at: at ?? entryTime, what: type === undefined ? what : `${what}/${type}` };
}

function malformed(explanation: string): Unreadable {
  return { kind: 'unreadable', reason: 'malformed', explanation };
}

function noMessageId(): Unreadable {
  return {
    kind: 'unreadable',
    reason: 'no_message_id',
    explanation: 'WhatsApp sent no message id, so a repeat of it could not be told apart.',
  };
}

function noIdentity(): Unreadable {
  return {
    kind: 'unreadable',
    reason: 'no_identity',
    explanation: 'It shows neither a phone number nor a BSUID, so nobody can be found it belongs to.',
  };
}

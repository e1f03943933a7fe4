import { hash } from 'node:crypto';
import { type Lane, lanes, type SlicePart, type WebhookEvent, type WebhookSlice } from './event.ts';
import { comparableId } from './identities.ts';
import { read } from './read.ts';

/**
 * Cuts a webhook body into the events it holds, over all four of Meta's array levels (docs/vendors/whatsapp.md §1.3).
 * Total and lenient: whatever is not understood becomes an event of its own, so that nothing acknowledged is dropped.
 */
export function splitWebhook(body: unknown): WebhookEvent[] {
  const events: WebhookEvent[] = [];
  const entries = read(body, 'entry');
  if (!Array.isArray(entries)) {
    if (body !== null && body !== undefined)
      events.push(whole({ field: 'unknown', part: 'value', item: body }));
    return events;
  }
  for (const entry of entries) {
    const changes = read(entry, 'changes');
    if (!Array.isArray(changes)) {
      events.push(whole({ field: 'unknown', part: 'value', ...accountOf(entry), item: entry }));
      continue;
    }
    for (const change of changes) events.push(...splitChange(entry, change));
  }
  return events;
}

type Frame = Omit<WebhookSlice, 'part' | 'item' | 'contact' | 'history'>;

function splitChange(entry: unknown, change: unknown): WebhookEvent[] {
  const value = read(change, 'value');
  const phoneNumberId = textOf(read(read(value, 'metadata'), 'phone_number_id'));
  const frame: Frame = {
    field: textOf(read(change, 'field')) ?? 'unknown',
    ...accountOf(entry),
    ...(phoneNumberId === undefined ? {} : { phoneNumberId }),
  };
  const own = ownNumberIn(value);
  const contacts = listOf(read(value, 'contacts'));
  const events: WebhookEvent[] = [];
  for (const list of listsOf(value, frame.field)) {
    const items = listOf(read(list.source, list.key));
    const others = (list.contacts ?? contacts).filter((contact) => !showsOwn(contact, ['wa_id'], own));
    const isLone = others.length === 1 && new Set(items.map(senderOf)).size === 1;
    for (const item of items) {
      const contact = list.people ? contactOf(item, others, own, isLone) : undefined;
      const part = showsOwn(item, ['from'], own) ? echoOf(list.part) : list.part;
      const slice = {
        ...frame,
        part,
        ...(contact === undefined ? {} : { contact }),
        ...(own !== undefined && showsOwn(item, ['from', 'to'], own) ? { business: own } : {}),
        item,
      };
      events.push({ key: keyOf(slice), lane: laneOf[part], slice });
    }
  }
  events.push(...splitHistory(value, frame));
  const errors = listOf(read(value, 'errors'));
  if (errors.length > 0) events.push(whole({ ...frame, part: 'errors', item: errors }));
  const rest = events.length === 0 ? (value === undefined ? change : value) : leftOver(value);
  if (rest !== undefined) events.push(whole({ ...frame, part: 'value', item: rest }));
  return events;
}

/** The channel's own number. */
function ownNumberIn(value: unknown): string | undefined {
  const shown = textOf(read(read(value, 'metadata'), 'display_phone_number'));
  const own = shown === undefined ? undefined : comparableId(shown);
  return own?.startsWith('+') === true ? own : undefined;
}

function showsOwn(item: unknown, keys: readonly string[], own: string | undefined): boolean {
  return own !== undefined && idsOf(item, keys).includes(own);
}

/** Who wrote an item, by the ids it shows itself. */
function senderOf(item: unknown): string {
  return idsOf(item, ['from', 'from_user_id']).join(' ');
}

/** What the business sent itself comes among the customers' messages from some providers: it is an echo. */
function echoOf(part: SlicePart): SlicePart {
  if (part === 'message') return 'echo';
  return part === 'standby_message' ? 'standby_echo' : part;
}

const listKeys: ReadonlySet<string> = new Set([
  'messages',
  'statuses',
  'message_echoes',
  'user_preferences',
  'user_id_update',
  'state_sync',
  'history',
  'contacts',
  'errors',
]);

/** What holds something and stands beside the lists that were understood: kept, so that nothing new is lost. */
function leftOver(value: unknown): unknown {
  const rest: [string, unknown][] = [];
  for (const [key, held] of Object.entries(value ?? {})) {
    if (typeof held !== 'object' || held === null || Object.keys(held).length === 0) continue;
    if (key === 'metadata' || (listKeys.has(key) && Array.isArray(held))) continue;
    if (key === 'standby' && leftOver(held) === undefined) continue;
    rest.push([key, held]);
  }
  return rest.length === 0 ? undefined : Object.fromEntries(rest);
}

interface List {
  readonly source: unknown;
  readonly key: string;
  readonly part: SlicePart;
  /** Its items are about a person of `contacts`. */
  readonly people: boolean;
  readonly contacts?: readonly unknown[];
}

/** Where in a value items stand. History's are one level deeper and read by `splitHistory`. */
function listsOf(value: unknown, field: string): List[] {
  const standby = read(value, 'standby');
  const standbyContacts = listOf(read(standby, 'contacts'));
  return [
    // The media of a history arrive later as plain messages on the field `history` (docs/vendors/whatsapp.md §1.9).
    {
      source: value,
      key: 'messages',
      part: field === 'history' ? 'history_message' : 'message',
      people: true,
    },
    { source: value, key: 'statuses', part: 'status', people: true },
    { source: value, key: 'message_echoes', part: 'echo', people: true },
    { source: value, key: 'user_preferences', part: 'preference', people: true },
    { source: value, key: 'user_id_update', part: 'user_id_update', people: true },
    { source: value, key: 'state_sync', part: 'contact_sync', people: false },
    { source: standby, key: 'messages', part: 'standby_message', people: true, contacts: standbyContacts },
    { source: standby, key: 'statuses', part: 'standby_status', people: true, contacts: standbyContacts },
    { source: standby, key: 'message_echoes', part: 'standby_echo', people: true, contacts: standbyContacts },
  ];
}

function splitHistory(value: unknown, frame: Frame): WebhookEvent[] {
  const events: WebhookEvent[] = [];
  for (const chunk of listOf(read(value, 'history'))) {
    const threads = listOf(read(chunk, 'threads'));
    for (const thread of threads) {
      const history = { threadId: read(thread, 'id'), metadata: read(chunk, 'metadata') };
      for (const item of listOf(read(thread, 'messages'))) {
        const slice: WebhookSlice = { ...frame, part: 'history_message', history, item };
        events.push({ key: keyOf(slice), lane: lanes.history, slice });
      }
    }
    if (threads.length === 0) events.push(whole({ ...frame, part: 'value', item: chunk }));
  }
  return events;
}

const laneOf: Readonly<Record<SlicePart, Lane>> = {
  message: lanes.inbound,
  standby_message: lanes.inbound,
  preference: lanes.inbound,
  user_id_update: lanes.inbound,
  status: lanes.status,
  standby_status: lanes.status,
  echo: lanes.status,
  sent: lanes.inbound,
  standby_echo: lanes.status,
  errors: lanes.status,
  value: lanes.status,
  contact_sync: lanes.history,
  history_message: lanes.history,
};

/** What happened, by name: the same for every delivery of it. */
function keyOf(slice: WebhookSlice): string {
  const { part, item } = slice;
  const id = textOf(read(item, 'id'));
  switch (part) {
    case 'message':
    case 'standby_message':
      return id === undefined ? digestKey(slice) : `message:${id}`;
    case 'echo':
    case 'standby_echo':
      return id === undefined ? digestKey(slice) : `echo:${id}`;
    case 'history_message':
      return id === undefined ? digestKey(slice) : `history:${id}`;
    case 'status':
    case 'standby_status': {
      const status = textOf(read(item, 'status'));
      const participant = textOf(
        read(item, 'recipient_participant_id') ?? read(item, 'recipient_participant_user_id'),
      );
      if (id === undefined || status === undefined) return digestKey(slice);
      return participant === undefined ? `status:${id}:${status}` : `status:${id}:${status}:${participant}`;
    }
    case 'preference': {
      const who = textOf(read(item, 'user_id')) ?? textOf(read(item, 'wa_id'));
      const value = textOf(read(item, 'value'));
      const at = textOf(read(item, 'timestamp'));
      if (who === undefined || value === undefined || at === undefined) return digestKey(slice);
      return `preference:${who}:${value}:${at}`;
    }
    case 'user_id_update': {
      const ids = read(item, 'user_id');
      const previous = textOf(read(ids, 'previous'));
      const current = textOf(read(ids, 'current'));
      if (previous === undefined || current === undefined) return digestKey(slice);
      return `user_id_update:${previous}:${current}`;
    }
    default:
      return digestKey(slice);
  }
}

function digestKey({ field, part, item, entryTime }: WebhookSlice): string {
  const name = part === 'value' || part === 'errors' ? field : part;
  const digest = hash('sha256', JSON.stringify(item) ?? '', 'hex').slice(0, 32);
  // A template may be paused twice, in the same words: when it was tells them apart.
  return part === 'value' && entryTime !== undefined
    ? `${name}:${digest}:${String(entryTime)}`
    : `${name}:${digest}`;
}

function whole(slice: WebhookSlice): WebhookEvent {
  return { key: digestKey(slice), lane: laneOf[slice.part], slice };
}

/**
 * The `contacts[]` element an item is about: named by one of its ids, or alone and not contradicting it. `isLone`: the
 * only contact beside the messages of one sender, whose `wa_id` "may not always match" (Meta): theirs, unless its BSUID
 * is another's.
 */
function contactOf(
  item: unknown,
  contacts: readonly unknown[],
  own: string | undefined,
  isLone: boolean,
): unknown {
  const ids = idsOf(item, [
    'from',
    'wa_id',
    'recipient_id',
    'to',
    'from_user_id',
    'user_id',
    'recipient_user_id',
    'to_user_id',
  ]).filter((id) => id !== own);
  for (const contact of contacts) {
    if (idsOf(contact, ['user_id', 'wa_id']).some((id) => ids.includes(id))) return contact;
  }
  const [only, ...others] = contacts;
  if (only === undefined || others.length > 0) return undefined;
  const known = idsOf(only, ['user_id', 'wa_id']);
  if (isLone && senderOf(item) !== '') {
    return ids.some(isBsuid) && known.some(isBsuid) ? undefined : only;
  }
  const kinds = new Set(ids.map(isBsuid));
  return known.some((id) => kinds.has(isBsuid(id))) ? undefined : only;
}

/** Told by its shape: a BSUID may stand in a phone's place, docs/vendors/whatsapp.md §2.3. */
function isBsuid(id: string): boolean {
  return /^[A-Z]{2}\./.test(id);
}

/** In the form ids are compared in: one subscriber may be written in several ways. */
function idsOf(item: unknown, keys: readonly string[]): string[] {
  return keys.flatMap((key) => {
    const id = textOf(read(item, key));
    return id === undefined ? [] : [comparableId(id)];
  });
}

function accountOf(entry: unknown): Pick<WebhookSlice, 'wabaId' | 'entryTime'> {
  const wabaId = textOf(read(entry, 'id'));
  const entryTime = read(entry, 'time');
  return {
    ...(wabaId === undefined ? {} : { wabaId }),
    ...(typeof entryTime === 'number' ? { entryTime } : {}),
  };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Ids come as strings, now and then as numbers; an empty one is none. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

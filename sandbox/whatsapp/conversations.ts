import { z } from 'zod';
import type { Append, JournalPart } from '../journal.ts';
import type { Shown } from './judgement.ts';
import type { Pricing } from './pricing.ts';
import { createPeople, type People, type Person } from './people.ts';

export const messageStatuses = [
  'received',
  'accepted',
  'sent',
  'delivered',
  'read',
  'played',
  'failed',
] as const;
type StoredStatus = (typeof messageStatuses)[number];

/** A message as both ends remember it. */
export interface StoredMessage {
  readonly wamid: string;
  /** From the business's point of view. */
  readonly direction: 'in' | 'out';
  readonly type: string;
  /** The words a person reads; '' where there are none. */
  readonly body: string;
  readonly status: StoredStatus;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly phone?: string | undefined;
  readonly userId?: string | undefined;
  readonly shown?: Shown | undefined;
  /** Of the business: what its statuses repeat. */
  readonly sent?: SentFacts | undefined;
  /** Of a customer: they came by an ad or a page's button. */
  readonly isReferred?: boolean | undefined;
}

export interface SentFacts {
  /** Which of the ids it was sent to. */
  readonly to: 'phone' | 'userId';
  readonly opaque?: string | undefined;
  readonly pricing?: Pricing | undefined;
  readonly conversation?: object | undefined;
}

/** docs/vendors/whatsapp.md §3.7. */
const windowMs = 24 * 3_600_000;
const freeEntryMs = 72 * 3_600_000;

type Ids = Pick<Person, 'phone' | 'userId'>;

export interface Conversations {
  readonly journal: JournalPart;
  readonly people: Pick<People, 'find'>;
  see(person: Person): Person;
  move(from: Ids, to: Ids): void;
  /** Keeps the first message of its id. */
  record(message: StoredMessage): void;
  get(wamid: string): StoredMessage | undefined;
  /** A status never falls back, whatever order they come in; `failed` is the end. docs/vendors/whatsapp.md §1.3. */
  setStatus(wamid: string, status: StoredStatus): void;
  /** In the order they came. */
  messagesOf(ids: Ids): StoredMessage[];
  /** Within 24 hours of what this person last wrote. `at`: milliseconds since the Unix epoch. */
  isWindowOpen(ids: Ids, at: number): boolean;
  /** Of a person who came by an ad and is answered within 24 hours: until when a message sent at this time is free. */
  freeEntryUntil(ids: Ids, at: number): number | undefined;
  /** Free-form messages in the month of this time. */
  serviceMessages(at: number): number;
  /** The business is seen typing to them until then, or until it has written. */
  showTyping(ids: Ids, until: number): void;
  isTyping(ids: Ids, at: number): boolean;
}

const personSchema = z.object({
  phone: z.string().optional(),
  userId: z.string().optional(),
  parentUserId: z.string().optional(),
  name: z.string().optional(),
  username: z.string().optional(),
  onWhatsapp: z.boolean().optional(),
  stopsMarketing: z.boolean().optional(),
});

const entrySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('person'), person: personSchema }),
  z.object({ kind: z.literal('moved'), from: personSchema, to: personSchema }),
  z.object({
    kind: z.literal('message'),
    message: z.object({
      wamid: z.string(),
      direction: z.enum(['in', 'out']),
      type: z.string(),
      body: z.string(),
      status: z.enum(messageStatuses),
      at: z.number(),
      phone: z.string().optional(),
      userId: z.string().optional(),
      shown: z.custom<Shown>().optional(),
      sent: z.custom<SentFacts>().optional(),
      isReferred: z.boolean().optional(),
    }),
  }),
  z.object({ kind: z.literal('status'), wamid: z.string(), status: z.enum(messageStatuses) }),
]);

export function createConversations(append: Append): Conversations {
  const people = createPeople();
  const messages = new Map<string, StoredMessage>();
  const byPerson = new Map<string, string[]>();
  const lastInbound = new Map<string, number>();
  const lastReferral = new Map<string, number>();
  const freeUntil = new Map<string, number>();
  const typingUntil = new Map<string, number>();
  const serviceByMonth = new Map<string, number>();

  const noteInbound = (key: string, { at, isReferred }: StoredMessage): void => {
    lastInbound.set(key, Math.max(at, lastInbound.get(key) ?? 0));
    if (isReferred === true) lastReferral.set(key, Math.max(at, lastReferral.get(key) ?? 0));
  };

  const noteOutbound = (key: string, { at }: StoredMessage): void => {
    typingUntil.delete(key);
    const referredAt = lastReferral.get(key);
    if (referredAt === undefined) return;
    lastReferral.delete(key);
    if (at - referredAt < windowMs) freeUntil.set(key, at + freeEntryMs);
  };

  const keep = (message: StoredMessage): void => {
    messages.set(message.wamid, message);
    for (const key of keysOf(message)) {
      const wamids = byPerson.get(key);
      if (wamids === undefined) byPerson.set(key, [message.wamid]);
      else wamids.push(message.wamid);
      if (message.direction === 'in') noteInbound(key, message);
      else noteOutbound(key, message);
    }
    if (message.sent?.pricing?.category === 'service') {
      const month = monthOf(message.at);
      serviceByMonth.set(month, (serviceByMonth.get(month) ?? 0) + 1);
    }
  };

  const climb = (wamid: string, status: StoredStatus): boolean => {
    const message = messages.get(wamid);
    if (message === undefined || rank(status) <= rank(message.status)) return false;
    messages.set(wamid, { ...message, status });
    return true;
  };

  /** A person's messages stand under each id they were seen with. */
  const allIds = (ids: Ids): Ids => {
    const person = people.find(ids);
    return { phone: ids.phone ?? person?.phone, userId: ids.userId ?? person?.userId };
  };

  const latest = (times: ReadonlyMap<string, number>, ids: Ids): number | undefined => {
    const found = keysOf(allIds(ids)).flatMap((key) => times.get(key) ?? []);
    return found.length === 0 ? undefined : Math.max(...found);
  };

  return {
    people,
    see(person) {
      const before = people.find(person);
      const seen = people.see(person);
      if (before === undefined || JSON.stringify(before) !== JSON.stringify(seen))
        append({ kind: 'person', person: seen });
      return seen;
    },
    move(from, to) {
      people.move(from, to);
      append({ kind: 'moved', from, to });
    },
    record(message) {
      if (messages.has(message.wamid)) return;
      keep(message);
      append({ kind: 'message', message });
    },
    get: (wamid) => messages.get(wamid),
    setStatus(wamid, status) {
      if (climb(wamid, status)) append({ kind: 'status', wamid, status });
    },
    messagesOf(ids) {
      const wamids = new Set(keysOf(allIds(ids)).flatMap((key) => byPerson.get(key) ?? []));
      return [...wamids].flatMap((wamid) => messages.get(wamid) ?? []).toSorted((a, b) => a.at - b.at);
    },
    isWindowOpen(ids, at) {
      const last = latest(lastInbound, ids);
      return last !== undefined && at - last < windowMs;
    },
    freeEntryUntil(ids, at) {
      const referredAt = latest(lastReferral, ids);
      if (referredAt !== undefined && at - referredAt < windowMs) return at + freeEntryMs;
      const until = latest(freeUntil, ids);
      return until !== undefined && until > at ? until : undefined;
    },
    serviceMessages: (at) => serviceByMonth.get(monthOf(at)) ?? 0,
    showTyping(ids, until) {
      for (const key of keysOf(allIds(ids))) typingUntil.set(key, until);
    },
    isTyping: (ids, at) => (latest(typingUntil, ids) ?? 0) > at,
    journal: {
      name: 'conversations',
      replay(line) {
        const entry = entrySchema.parse(line);
        switch (entry.kind) {
          case 'person':
            people.see(entry.person);
            break;
          case 'moved':
            people.move(entry.from, entry.to);
            break;
          case 'message':
            keep(entry.message);
            break;
          case 'status':
            climb(entry.wamid, entry.status);
            break;
        }
      },
      *snapshot() {
        for (const person of people.all()) yield { kind: 'person', person };
        for (const message of messages.values()) yield { kind: 'message', message };
      },
    },
  };
}

function keysOf({ phone, userId }: Ids): string[] {
  return [phone === undefined ? [] : `phone:${phone}`, userId === undefined ? [] : `user:${userId}`].flat();
}

/** A business counts by months of its own time zone; here UTC. */
function monthOf(at: number): string {
  return new Date(at).toISOString().slice(0, 7);
}

function rank(status: StoredStatus): number {
  return messageStatuses.indexOf(status);
}

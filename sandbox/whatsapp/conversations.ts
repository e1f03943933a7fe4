import { z } from 'zod';
import type { Append, JournalPart } from '../journal.ts';
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
}

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
  /** When this person last wrote; milliseconds since the Unix epoch. */
  lastInboundAt(ids: Ids): number | undefined;
}

const personSchema = z.object({
  phone: z.string().optional(),
  userId: z.string().optional(),
  parentUserId: z.string().optional(),
  name: z.string().optional(),
  username: z.string().optional(),
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
    }),
  }),
  z.object({ kind: z.literal('status'), wamid: z.string(), status: z.enum(messageStatuses) }),
]);

export function createConversations(append: Append): Conversations {
  const people = createPeople();
  const messages = new Map<string, StoredMessage>();
  const byPerson = new Map<string, string[]>();
  const lastInbound = new Map<string, number>();

  const keep = (message: StoredMessage): void => {
    messages.set(message.wamid, message);
    for (const key of keysOf(message)) {
      const wamids = byPerson.get(key);
      if (wamids === undefined) byPerson.set(key, [message.wamid]);
      else wamids.push(message.wamid);
      if (message.direction === 'in') lastInbound.set(key, Math.max(message.at, lastInbound.get(key) ?? 0));
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
    lastInboundAt(ids) {
      const times = keysOf(allIds(ids)).flatMap((key) => lastInbound.get(key) ?? []);
      return times.length === 0 ? undefined : Math.max(...times);
    },
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

function rank(status: StoredStatus): number {
  return messageStatuses.indexOf(status);
}

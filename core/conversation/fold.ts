import type { MessageStatus } from '../whatsapp/index.ts';

/**
 * What a contact's messages add up to. Every value here is a join: folding the same messages in any order, any
 * number of times, in any batches, gives the same result (promise 1, the merge law).
 */

/** A value with the time and event that brought it, by which two of them are ordered. */
interface Stamped<Value> {
  readonly value: Value;
  /** Milliseconds. */
  readonly at: number;
  /** Hex of the event key and content hash: the last word between equal times. */
  readonly key: string;
}

export interface FirstMessage {
  readonly text: string;
  /** How little it says, 0 to 255: of two of one instant the lesser was first. */
  readonly poorness: number;
}

export interface ContactJoins {
  readonly profileName?: Stamped<string>;
  readonly username?: Stamped<string>;
  readonly firstMessage?: Stamped<string>;
  /** When a click-to-WhatsApp ad or post first brought them. */
  readonly fromAdAt?: number;
  readonly lastActivityAt?: number;
}

/** A contact on one channel. */
export interface ConversationJoins {
  readonly lastInboundAt?: number;
  readonly lastOutboundAt?: number;
  readonly windowClosesAt?: number;
}

/** What one message contributes. */
export interface MessageFact {
  readonly channelId: string;
  readonly at: number;
  readonly key: string;
  readonly direction: 'in' | 'out';
  /** The customer wrote it to us now: not an echo, not imported history. */
  readonly live: boolean;
  readonly opensWindow: boolean;
  readonly profileName?: string;
  readonly username?: string;
  readonly firstMessage?: FirstMessage;
  /** It came from a click-to-WhatsApp ad or post. */
  readonly fromAd: boolean;
  /** They wrote nothing, they only opened the chat: no part of the conversation. */
  readonly silent: boolean;
}

/** Hours a business may answer freely after a customer's message. docs/vendors/whatsapp.md §3.7. */
const serviceWindowMs = 24 * 60 * 60 * 1000;

export function contactJoins(fact: MessageFact): ContactJoins {
  const { at, key, firstMessage } = fact;
  return {
    lastActivityAt: at,
    ...nameJoins(fact),
    ...(firstMessage === undefined
      ? {}
      : { firstMessage: { value: firstMessage.text, at, key: firstMessageKey(firstMessage, key) } }),
    ...(fact.fromAd ? { fromAdAt: at } : {}),
  };
}

/** What an event says of how a person is called. */
export function nameJoins(
  told: Pick<MessageFact, 'at' | 'key' | 'profileName' | 'username'>,
): Pick<ContactJoins, 'profileName' | 'username'> {
  const stamp = (value: string): Stamped<string> => ({ value, at: told.at, key: told.key });
  return {
    ...(told.profileName === undefined ? {} : { profileName: stamp(told.profileName) }),
    ...(told.username === undefined ? {} : { username: stamp(told.username) }),
  };
}

/** Orders messages of one instant: what says more was first, and only then the key decides. */
export function firstMessageKey({ poorness }: FirstMessage, key: string): string {
  return poorness.toString(16).padStart(2, '0') + key;
}

export function conversationJoins(fact: MessageFact): ConversationJoins {
  if (fact.direction === 'out') return { lastOutboundAt: fact.at };
  return {
    lastInboundAt: fact.at,
    ...(fact.opensWindow ? { windowClosesAt: fact.at + serviceWindowMs } : {}),
  };
}

export function mergeContactJoins(x: ContactJoins, y: ContactJoins): ContactJoins {
  return defined({
    profileName: pick(x.profileName, y.profileName, later),
    username: pick(x.username, y.username, later),
    firstMessage: pick(x.firstMessage, y.firstMessage, earlier),
    fromAdAt: pick(x.fromAdAt, y.fromAdAt, Math.min),
    lastActivityAt: pick(x.lastActivityAt, y.lastActivityAt, Math.max),
  });
}

export function mergeConversationJoins(x: ConversationJoins, y: ConversationJoins): ConversationJoins {
  return defined({
    lastInboundAt: pick(x.lastInboundAt, y.lastInboundAt, Math.max),
    lastOutboundAt: pick(x.lastOutboundAt, y.lastOutboundAt, Math.max),
    windowClosesAt: pick(x.windowClosesAt, y.windowClosesAt, Math.max),
  });
}

/** When each step of a message's life was first reported. Milliseconds. */
export type StatusTimes = Readonly<Partial<Record<MessageStatus, number>>>;

export function mergeStatusTimes(x: StatusTimes, y: StatusTimes): StatusTimes {
  const merged: Partial<Record<MessageStatus, number>> = { ...x };
  for (const status of Object.keys(y) as MessageStatus[]) {
    const time = pick(merged[status], y[status], Math.min);
    if (time !== undefined) merged[status] = time;
  }
  return merged;
}

/**
 * How far a message got. `failed` stands between sent and delivered: a late `sent` never reopens a failure, and what
 * a person has demonstrably received did not fail. Order: docs/vendors/whatsapp.md §1.3.
 */
export function statusOf(times: StatusTimes): MessageStatus | undefined {
  return ladder.findLast((status) => times[status] !== undefined);
}

const ladder = [
  'accepted',
  'sent',
  'failed',
  'delivered',
  'read',
  'played',
] as const satisfies MessageStatus[];

function later<Value>(x: Stamped<Value>, y: Stamped<Value>): Stamped<Value> {
  return x.at > y.at || (x.at === y.at && x.key >= y.key) ? x : y;
}

function earlier<Value>(x: Stamped<Value>, y: Stamped<Value>): Stamped<Value> {
  return x.at < y.at || (x.at === y.at && x.key <= y.key) ? x : y;
}

function pick<Value>(
  x: Value | undefined,
  y: Value | undefined,
  choose: (x: Value, y: Value) => Value,
): Value | undefined {
  if (x === undefined) return y;
  return y === undefined ? x : choose(x, y);
}

/** Leaves out the keys without a value. */
function defined<Joins extends object>(joins: { [Key in keyof Joins]: Joins[Key] | undefined }): Joins {
  return Object.fromEntries(Object.entries(joins).filter(([, value]) => value !== undefined)) as Joins;
}

import {
  type ConsentAction,
  type ConsentMethod,
  type ConsentPurpose,
  type OptWord,
  type OptWords,
  recogniseOptWord,
} from '../consent/index.ts';
import type { Identities } from '../identity/index.ts';
import type { MessageContent, ParsedEvent, WebhookEvent, WebhookSlice } from './event.ts';
import { parseSlice } from './parse.ts';
import { read } from './read.ts';

/** What a person said about being written to. */
export interface ConsentSaid {
  readonly purpose: ConsentPurpose;
  readonly action: ConsentAction;
  readonly method: ConsentMethod;
  /** What to show as proof: the message's wamid, a signup id. */
  readonly source: string;
}

/** "User has stopped marketing messages", docs/vendors/whatsapp.md §3.6. */
const stoppedMarketing = 131050;

/** What an event says of its person's consent: the one reading that receive and apply share. */
export function consentSaid(event: ParsedEvent, words: OptWords): ConsentSaid | undefined {
  switch (event.kind) {
    case 'message':
      return saidByMessage(event, event.wamid, words);
    case 'history': {
      // An import can withdraw, never grant (docs/design.md §3.2).
      const said = event.direction === 'in' ? saidByMessage(event, event.wamid, words) : undefined;
      return said?.action === 'withdrawal' ? said : undefined;
    }
    case 'preference':
      return {
        purpose: 'marketing',
        action: event.value === 'stop' ? 'withdrawal' : 'grant',
        method: 'preference',
        source: event.signupId ?? event.value,
      };
    case 'status':
      return event.errors.some(({ code }) => code === stoppedMarketing)
        ? { purpose: 'marketing', action: 'withdrawal', method: 'provider error', source: event.wamid }
        : undefined;
    default:
      return undefined;
  }
}

/** Of what a person reads of a message and what its button stands for, a withdrawal in either decides; a grant is the payload's. */
function saidByMessage(message: MessageContent, wamid: string, words: OptWords): ConsentSaid | undefined {
  const text = wordOf(message.text, words);
  const payload = wordOf(message.buttonPayload, words);
  const isButton = message.type === 'button' || message.buttonPayload !== undefined;
  const method = isButton ? 'button' : 'keyword';
  if (text === 'stop all' || payload === 'stop all') {
    return { purpose: 'everything', action: 'withdrawal', method, source: wamid };
  }
  // "Do not disturb" in a menu is about tonight's sleep; typed, or answering a template, it is about our messages.
  const quiet = message.type !== 'interactive' && (text === 'do not disturb' || payload === 'do not disturb');
  if (text === 'stop' || payload === 'stop' || quiet) {
    return { purpose: 'marketing', action: 'withdrawal', method, source: wamid };
  }
  // A title is what a menu or a plan may be called: a button's payload says what is meant. A caption or an edit grants nothing.
  const grants = isButton
    ? payload === 'subscribe' || (payload === 'start' && text === 'subscribe')
    : message.type === 'text' && (text === 'start' || text === 'subscribe');
  return grants ? { purpose: 'marketing', action: 'grant', method, source: wamid } : undefined;
}

/**
 * The person whose STOP an event is by itself: a whole message, a button, or WhatsApp's own control. Looked at while
 * receiving, so ordinary messages are let go before anything is parsed.
 */
export function stopOf(event: WebhookEvent, words: OptWords): Identities | undefined {
  const { part, item } = event.slice;
  if (!sayingParts.has(part)) return undefined;
  if (part !== 'preference' && !wordsIn(item).some((said) => isStop(wordOf(said, words)))) return undefined;
  // One without a message id becomes a dead letter, and is in force all the same.
  const named = typeof item === 'object' && item !== null ? { ...item, id: 'any' } : item;
  const parsed = parseSlice({ ...event.slice, item: named });
  if (parsed.kind !== 'message' && parsed.kind !== 'preference' && parsed.kind !== 'history')
    return undefined;
  return consentSaid(parsed, words)?.action === 'withdrawal' ? parsed.identities : undefined;
}

/** Whether somebody withdraws in a group, whose messages are only kept. */
export function isStopInGroup(slice: WebhookSlice, words: OptWords): boolean {
  const { item, part } = slice;
  if (!sayingParts.has(part) || read(item, 'group_id') === undefined) return false;
  if (typeof item !== 'object' || item === null) return false;
  const parsed = parseSlice({ ...slice, item: { ...item, id: 'any', group_id: undefined } });
  return parsed.kind === 'message' && consentSaid(parsed, words)?.action === 'withdrawal';
}

const sayingParts: ReadonlySet<string> = new Set([
  'message',
  'standby_message',
  'history_message',
  'preference',
]);

/** Whatever in a message could be a STOP, without reading the rest of it: all that `readContent` takes words from. */
function wordsIn(item: unknown): unknown[] {
  return [...ownWordsIn(item), ...ownWordsIn(read(read(item, 'edit'), 'message'))];
}

function ownWordsIn(item: unknown): unknown[] {
  const interactive = read(item, 'interactive');
  const replies = [read(interactive, 'button_reply'), read(interactive, 'list_reply')];
  return [
    read(item, 'text'),
    read(read(item, 'text'), 'body'),
    read(read(item, 'button'), 'text'),
    read(read(item, 'button'), 'payload'),
    ...replies.flatMap((reply) => [read(reply, 'title'), read(reply, 'id')]),
    read(read(interactive, 'body'), 'text'),
    ...captioned.map((medium) => read(read(item, medium), 'caption')),
    read(read(item, 'order'), 'text'),
  ];
}

const captioned = ['image', 'video', 'document'];

function wordOf(said: unknown, words: OptWords): OptWord | undefined {
  return typeof said === 'string' ? recogniseOptWord(said, words) : undefined;
}

function isStop(word: OptWord | undefined): boolean {
  return word === 'stop' || word === 'stop all' || word === 'do not disturb';
}

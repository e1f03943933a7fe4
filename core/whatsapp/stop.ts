import { type OptWords, recogniseOptWord } from '../consent/index.ts';
import type { Identities } from '../identity/index.ts';
import type { WebhookEvent } from './event.ts';
import { parseSlice } from './parse.ts';
import { read } from './read.ts';

/**
 * The person whose STOP an event is by itself: a whole message, a button, or WhatsApp's own control. Looked at while
 * receiving, so ordinary messages are let go before anything is parsed.
 */
export function stopOf(event: WebhookEvent, words: OptWords): Identities | undefined {
  const { part } = event.slice;
  if (part !== 'message' && part !== 'standby_message' && part !== 'preference') return undefined;
  if (part !== 'preference' && !wordsIn(event.slice.item).some((said) => isStop(said, words)))
    return undefined;
  const parsed = parseSlice(event.slice);
  if (parsed.kind === 'preference') return parsed.value === 'stop' ? parsed.identities : undefined;
  return parsed.kind === 'message' ? parsed.identities : undefined;
}

/** Whatever in a message could be a STOP, without reading the rest of it. */
function wordsIn(item: unknown): unknown[] {
  const text = read(item, 'text');
  const button = read(item, 'button');
  const interactive = read(item, 'interactive');
  const replies = [read(interactive, 'button_reply'), read(interactive, 'list_reply')];
  return [
    text,
    read(text, 'body'),
    read(button, 'text'),
    read(button, 'payload'),
    ...replies.flatMap((reply) => [read(reply, 'title'), read(reply, 'id')]),
  ];
}

function isStop(said: unknown, words: OptWords): boolean {
  const word = typeof said === 'string' ? recogniseOptWord(said, words) : undefined;
  return word === 'stop' || word === 'stop all';
}

import { type OptWord, type OptWords, recogniseOptWord } from '../consent/index.ts';
import type { Identities } from '../identity/index.ts';
import type { MessageContent, WebhookEvent } from './event.ts';
import { parseSlice } from './parse.ts';
import { read } from './read.ts';

/**
 * The person whose STOP an event is by itself: a whole message, a button, or WhatsApp's own control. Looked at while
 * receiving, so ordinary messages are let go before anything is parsed.
 */
export function stopOf(event: WebhookEvent, words: OptWords): Identities | undefined {
  const { part, item } = event.slice;
  if (part !== 'message' && part !== 'standby_message' && part !== 'preference') return undefined;
  if (part !== 'preference' && !wordsIn(item).some((said) => isStop(wordOf(said, words)))) return undefined;
  const parsed = parseSlice(event.slice);
  if (parsed.kind === 'preference') return parsed.value === 'stop' ? parsed.identities : undefined;
  return parsed.kind === 'message' && isStop(wordOfMessage(parsed, words)) ? parsed.identities : undefined;
}

/** What a message that is one word asks for: by what a person reads of it, else by its button. */
function wordOfMessage({ text, buttonPayload }: MessageContent, words: OptWords): OptWord | undefined {
  return wordOf(text, words) ?? wordOf(buttonPayload, words);
}

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
  return word === 'stop' || word === 'stop all';
}

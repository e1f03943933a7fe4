import { statusOf, type StatusTimes } from '../conversation/index.ts';
import type { ConnectionSettings, TimelineLine } from '../crm/index.ts';
import { type MessageContent, parseSlice, sendErrorOf, type WebhookSlice } from '../whatsapp/index.ts';
import { maskText } from './mask.ts';
import { wordsOf } from './words.ts';

/** A stored message as a timeline needs it. Times in milliseconds. */
export interface TimelineMessage {
  readonly wamid: string;
  readonly origin: 'customer' | 'sangam' | 'phone app' | 'meta agent' | 'history' | 'other tool';
  readonly direction: 'in' | 'out';
  readonly at: number;
  /** The stored event; undefined: known only by its statuses. */
  readonly content: Buffer | undefined;
  readonly times: StatusTimes;
  readonly errorCode: number | undefined;
}

/** How long the first message after one of ours counts as its reply. docs/design.md §1, send. */
export const replyMs = 72 * 60 * 60 * 1000;

/** Who wrote a message of ours. */
const ourSenders: Readonly<Record<TimelineMessage['origin'], string>> = {
  customer: 'Business',
  sangam: 'Business',
  'phone app': 'Business (phone app)',
  'meta agent': 'Business (Meta agent)',
  history: 'Business',
  'other tool': 'Business (another tool)',
};

/**
 * Lines of `shown`, oldest first. `around` are the customer's messages of the 72 hours after them too, by which replies
 * are known. The same for the same messages, in whatever order they come.
 */
export function timelineLines(
  shown: readonly TimelineMessage[],
  around: readonly TimelineMessage[],
  options: {
    readonly customer: string;
    readonly text: ConnectionSettings['timeline']['text'];
    readonly timeZone: string;
  },
): TimelineLine[] {
  const contents = new Map([...shown, ...around].map((message) => [message.wamid, contentOf(message)]));
  const inbound = around
    .filter(({ direction }) => direction === 'in')
    .toSorted((x, y) => x.at - y.at || (x.wamid < y.wamid ? -1 : 1));
  const quoted = new Set(inbound.flatMap(({ wamid }) => contents.get(wamid)?.replyTo ?? []));
  const outbound = [...shown].filter(({ direction }) => direction === 'out');
  const isReplied = (message: TimelineMessage): boolean => {
    if (quoted.has(message.wamid)) return true;
    const next = inbound.find(({ at }) => at > message.at);
    if (next === undefined || next.at - message.at > replyMs) return false;
    // The first message after several of ours answers the last of them.
    return !outbound.some(({ at }) => at > message.at && at < next.at);
  };
  return [...shown]
    .toSorted((x, y) => x.at - y.at || (x.wamid < y.wamid ? -1 : 1))
    .map((message): TimelineLine => {
      const status = message.direction === 'out' ? statusOf(message.times) : undefined;
      const statusAt = status === undefined ? undefined : message.times[status];
      const content = contents.get(message.wamid);
      const written =
        content === undefined ? '[a message another tool sent]' : wordsOf(content, options.timeZone);
      return {
        at: message.at,
        direction: message.direction,
        sender: message.direction === 'in' ? options.customer : businessOf(message, content),
        text: options.text === 'full' ? written : options.text === 'masked' ? maskText(written) : '',
        ...(status === undefined ? {} : { status }),
        ...(statusAt === undefined ? {} : { statusAt }),
        ...(status === 'failed' ? { failure: failureOf(message.errorCode) } : {}),
        replied: message.direction === 'out' && isReplied(message),
      };
    });
}

function businessOf({ origin }: TimelineMessage, content: Written | undefined): string {
  const sender = content !== undefined && 'sender' in content ? content.sender : undefined;
  return sender === undefined ? ourSenders[origin] : `Business (${sender})`;
}

type Written = MessageContent & { readonly sender?: string };

function contentOf({ content }: TimelineMessage): Written | undefined {
  if (content === undefined) return undefined;
  const parsed = parseSlice(JSON.parse(content.toString('utf8')) as WebhookSlice);
  return parsed.kind === 'message' || parsed.kind === 'echo' || parsed.kind === 'history'
    ? parsed
    : undefined;
}

function failureOf(code: number | undefined): string {
  return code === undefined ? 'no reason given' : sendErrorOf(code).words;
}

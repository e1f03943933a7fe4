import type {
  CallPermission,
  ContactCard,
  Location,
  MessageContent,
  OrderItem,
  VendorError,
} from '../whatsapp/index.ts';
import { dateFormat } from './date-format.ts';

/** What a person reads of a message, whatever it holds. What stands in brackets is ours, not the writer's. */
export function wordsOf(content: MessageContent, timeZone: string): string {
  const product = content.aboutProduct;
  return together(ownWords(content, timeZone), product === undefined ? '' : `[about product ${product}]`);
}

function ownWords(content: MessageContent, timeZone: string): string {
  const { type, text = '', reaction, media, flowAnswer, edits, revokes, errors } = content;
  if (flowAnswer !== undefined) return answers(flowAnswer.answers);
  if (reaction !== undefined) {
    return reaction.emoji === undefined || reaction.emoji === ''
      ? '[took a reaction back]'
      : `[reacted with ${reaction.emoji}]`;
  }
  if (revokes !== undefined) return '[took a message back]';
  if (edits !== undefined) return `[edited] ${text}`.trim();
  if (content.callPermission !== undefined) return callPermission(content.callPermission, timeZone);
  if (content.payment !== undefined) {
    return together('[chose how to pay]', content.payment.method, content.payment.reference);
  }
  if (content.orderItems !== undefined) return together(`[order] ${order(content.orderItems)}`, text);
  if (content.location !== undefined) return together('[location]', place(content.location));
  if (content.cards !== undefined && content.cards.length > 0) return content.cards.map(card).join('\n');
  if (content.template !== undefined) return together('[template]', content.template, text);
  if (type === 'request_welcome') return '[opened the chat]';
  if (type === 'media_placeholder') return '[a photo, video or file, not imported]';
  if (type === 'unsupported' || (type === 'unknown' && text === '')) {
    return '[unavailable here: see it in the WhatsApp app]';
  }
  if (media !== undefined) return together(`[${type}]`, media.filename, text, problem(errors));
  return text === '' ? together(`[${type}]`, problem(errors)) : together(text, problem(errors));
}

function together(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(' ');
}

/** The answers of a WhatsApp Flow, a line each; whatever else they are, as they came. */
function answers(given: unknown): string {
  if (given === undefined || given === null || given === '') return '[answered a form]';
  if (typeof given === 'string') return `[answered a form] ${given}`;
  if (typeof given !== 'object' || Array.isArray(given)) return `[answered a form] ${JSON.stringify(given)}`;
  const lines = Object.entries(given)
    .filter(([question]) => question !== 'flow_token')
    .map(
      ([question, answer]) => `${question}: ${typeof answer === 'string' ? answer : JSON.stringify(answer)}`,
    );
  return ['[answered a form]', ...lines].join('\n');
}

function order(items: readonly OrderItem[]): string {
  return items
    .map(({ product, quantity, price, currency }) => {
      const what = `${quantity ?? '1'} x ${product ?? 'a product'}`;
      return price === undefined ? what : `${what} at ${together(currency, price)}`;
    })
    .join(', ');
}

function place({ name, address, latitude, longitude }: Location): string {
  const named = [name, address].filter((part) => part !== undefined && part !== '').join(', ');
  return latitude === undefined || longitude === undefined
    ? named
    : together(named, `(${latitude}, ${longitude})`);
}

function card({ name, phones, own }: ContactCard): string {
  return together(own ? '[shared their number]' : '[contact]', own ? undefined : name, phones.join(', '));
}

function callPermission({ given, until }: CallPermission, timeZone: string): string {
  if (!given) return '[may not be called]';
  if (until === undefined) return '[may be called]';
  const time = dateFormat('en-GB', {
    timeZone,
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  }).format(until);
  return `[may be called until ${time}]`;
}

/** Why a medium, or part of a message, did not come. */
function problem(errors: readonly VendorError[] | undefined): string | undefined {
  const [error] = errors ?? [];
  if (error === undefined) return undefined;
  return `[incomplete: ${error.details ?? error.title ?? `WhatsApp's error ${String(error.code)}`}]`;
}

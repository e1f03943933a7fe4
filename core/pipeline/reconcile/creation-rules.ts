import { type ConnectionSettings, type ContactFields, type OwnerRule } from '../../crm/index.ts';
import { firstMessageKey } from '../../conversation/index.ts';
import type { FirstContent } from '../../store/index.ts';
import { type InboundMessage, parseSlice, type WebhookSlice } from '../../whatsapp/index.ts';
import { judgeContent, stampKey } from '../apply/read-event.ts';

/** How a person came in: their first message. */
export interface FirstContact {
  readonly channelId: string;
  /** The ad or post it came from. */
  readonly adId: string | undefined;
  readonly text: string;
  readonly isFlow: boolean;
}

/** How a person came in, of what may have been their first message; the ad may have brought them before they wrote. */
export function firstContactOf(contents: readonly FirstContent[]): FirstContact | undefined {
  const [first, ...others] = contents.toSorted((x, y) => (orderOf(x) < orderOf(y) ? -1 : 1));
  if (first === undefined) return undefined;
  const message = messageIn(first);
  const ads = [first, ...others].map((one) => messageIn(one)?.referral?.sourceId);
  return {
    channelId: first.channelId,
    adId: ads.find((adId) => adId !== undefined),
    text: message?.text ?? '',
    isFlow: message?.flowAnswer !== undefined,
  };
}

/** The order in which a contact's first message is chosen; opening the chat is none. */
function orderOf(one: FirstContent): string {
  const key = firstMessageKey({ text: '', ...judgeContent(one.content) }, stampKey(one));
  return `${one.type === 'request_welcome' ? '1' : '0'}${key}`;
}

function messageIn({ content }: FirstContent): InboundMessage | undefined {
  const parsed = parseSlice(JSON.parse(content.toString('utf8')) as WebhookSlice);
  return parsed.kind === 'message' ? parsed : undefined;
}

/** Why a person does not become a record; undefined: they may. */
export function creationObjection(
  contact: ContactFields,
  first: FirstContact | undefined,
  settings: ConnectionSettings['creation'],
  ownNumbers: ReadonlySet<string>,
): string | undefined {
  if (contact.phones.some((phone) => ownNumbers.has(phone))) return 'one of our own numbers';
  if (contact.phones.some((phone) => settings.blockedPhones.includes(phone))) return 'on the block list';
  switch (settings.policy) {
    case 'anyone':
      return undefined;
    case 'never':
      return 'this connection creates no records';
    case 'from ad, Flow or keyword': {
      const said = first?.text.trim().toLowerCase() ?? '';
      const known = settings.keywords.some((keyword) => keyword.toLowerCase() === said);
      const invited =
        contact.leadSource === 'WhatsApp CTWA' ||
        contact.tags.includes('WhatsApp Flow') ||
        first?.isFlow === true;
      return known || invited ? undefined : 'came neither from an ad, a Flow nor with a keyword';
    }
  }
}

/** Who owns a new record. `turn` counts the records a round robin has given away. */
export function ownerOf(rule: OwnerRule, first: FirstContact | undefined, turn: number): string | undefined {
  switch (rule.kind) {
    case 'nobody':
      return undefined;
    case 'fixed':
      return rule.ownerId;
    case 'round robin':
      return rule.ownerIds[turn % rule.ownerIds.length];
    case 'by channel':
      return rule.owners[first?.channelId ?? ''] ?? rule.otherwise;
    case 'by ad':
      return rule.owners[first?.adId ?? ''] ?? rule.otherwise;
  }
}

/** Whether so many new records in this hour are unusual. */
export function isRush(
  pace: { readonly lastHour: number; readonly usualHour: number },
  more: number,
  rush: ConnectionSettings['creation']['rush'],
): boolean {
  return pace.lastHour + more > Math.max(rush.least, rush.factor * pace.usualHour);
}

import { type ConnectionSettings, type ContactFields, type OwnerRule } from '../../crm/index.ts';
import { parseSlice, type WebhookSlice } from '../../whatsapp/index.ts';

/** How a person came in: their first message. */
export interface FirstContact {
  readonly channelId: string;
  /** The ad or post it came from. */
  readonly adId: string | undefined;
  readonly text: string;
  readonly isFlow: boolean;
}

export function firstContactOf(first: {
  readonly channelId: string;
  readonly content: Buffer;
}): FirstContact {
  const parsed = parseSlice(JSON.parse(first.content.toString('utf8')) as WebhookSlice);
  const message = parsed.kind === 'message' ? parsed : undefined;
  return {
    channelId: first.channelId,
    adId: message?.referral?.sourceId,
    text: message?.text ?? '',
    isFlow: message?.flowAnswer !== undefined,
  };
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

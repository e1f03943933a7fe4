import { createHmac } from 'node:crypto';

/** How Meta writes a webhook: envelope, encoding, signature. docs/vendors/whatsapp.md §1.2 and §1.4. */

export type WebhookItem = ListItem | AccountItem;

/** One thing to tell the business: an element of one of a value's arrays. */
interface ListItem {
  readonly field: 'messages' | 'user_preferences';
  readonly list: 'messages' | 'statuses' | 'user_preferences';
  readonly item: Readonly<Record<string, unknown>>;
  /** The element of `contacts` that goes with it. */
  readonly contact?: Readonly<Record<string, unknown>> | undefined;
}

/** One thing to tell of the account, not of a number: a value of its own, with the time it happened. */
export interface AccountItem {
  readonly field: (typeof accountFields)[number];
  readonly value: Readonly<Record<string, unknown>>;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/** docs/vendors/whatsapp.md §1.10. */
export const accountFields = [
  'message_template_status_update',
  'message_template_quality_update',
  'message_template_components_update',
  'template_category_update',
] as const;

export interface BusinessNumber {
  readonly wabaId: string;
  readonly phoneNumberId: string;
  readonly displayPhoneNumber: string;
}

interface Change {
  readonly field: string;
  readonly list: ListItem['list'];
  /** By each of its ids, how a person is described in this change. */
  readonly people: Map<string, string>;
  readonly contacts: object[];
  readonly items: object[];
}

/** All four array levels are used: several items make two entries of changes of items. What is of the account stands alone. */
export function envelope(number: BusinessNumber, all: readonly WebhookItem[]): object {
  const items = all.filter((item) => 'list' in item);
  const half = Math.ceil(items.length / 2);
  const entries = [items.slice(0, half), items.slice(half)].filter((part) => part.length > 0);
  return {
    object: 'whatsapp_business_account',
    entry: [
      ...entries.map((part) => ({
        id: number.wabaId,
        changes: toChanges(part).map((change) => toApiChange(number, change)),
      })),
      ...all
        .filter((item) => 'value' in item)
        .map(({ field, value, at }) => ({
          id: number.wabaId,
          time: Math.floor(at / 1000),
          changes: [{ field, value }],
        })),
    ],
  };
}

function toChanges(items: readonly ListItem[]): Change[] {
  const changes: Change[] = [];
  for (const item of items) {
    const described = JSON.stringify(item.contact);
    const ids = [item.contact?.['wa_id'], item.contact?.['user_id']].filter((id) => typeof id === 'string');
    const last = changes.at(-1);
    // One person told in two ways does not fit into one change: its readers take the first that matches.
    const fits =
      last?.field === item.field &&
      last.list === item.list &&
      ids.every((id) => (last.people.get(id) ?? described) === described);
    const change: Change = fits
      ? last
      : { field: item.field, list: item.list, people: new Map(), contacts: [], items: [] };
    if (!fits) changes.push(change);
    change.items.push(item.item);
    if (item.contact === undefined) continue;
    if (ids.length === 0 || ids.some((id) => !change.people.has(id))) change.contacts.push(item.contact);
    for (const id of ids) change.people.set(id, described);
  }
  return changes;
}

function toApiChange(number: BusinessNumber, { field, list, contacts, items }: Change): object {
  return {
    field,
    value: {
      messaging_product: 'whatsapp',
      metadata: {
        display_phone_number: number.displayPhoneNumber.replace(/\D/g, ''),
        phone_number_id: number.phoneNumberId,
      },
      ...(contacts.length === 0 ? {} : { contacts }),
      [list]: items,
    },
  };
}

/** JSON with everything beyond ASCII as lower-case `\uXXXX`, and `/` as `\/`. */
export function encode(body: object, escapesSlash: boolean): Buffer {
  const ascii = JSON.stringify(body).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return Buffer.from(escapesSlash ? ascii.replaceAll('/', '\\/') : ascii, 'ascii');
}

/** The value of `X-Hub-Signature-256`, over exactly these bytes. */
export function sign(bytes: Buffer, appSecret: string): string {
  return `sha256=${createHmac('sha256', appSecret).update(bytes).digest('hex')}`;
}

import { compact } from './compact.ts';
import { contactOf } from './customer.ts';
import type { Person } from './people.ts';
import type { WebhookItem } from './webhook.ts';

export interface StatusNews {
  readonly wamid: string;
  readonly status: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly to: Person;
  /** Which of the ids the message was sent to. */
  readonly sentTo: 'phone' | 'userId';
  readonly opaque?: string | undefined;
  readonly pricing?: Readonly<Record<string, unknown>> | undefined;
  readonly conversation?: object | undefined;
  readonly errors?: readonly unknown[] | undefined;
}

/**
 * A status of a message of the business. Which ids it names depends on how it was sent and how it ended: the presence
 * matrix of docs/vendors/whatsapp.md §2.4.
 */
export function statusItem(news: StatusNews): WebhookItem {
  const { wamid, status, at, to, sentTo, opaque, pricing, conversation, errors } = news;
  const failed = status === 'failed';
  const showsUsername = status === 'delivered' || status === 'read';
  return {
    field: 'messages',
    list: 'statuses',
    contact: failed ? undefined : contactOf(showsUsername ? to : { ...to, username: undefined }),
    item: compact({
      id: wamid,
      status,
      timestamp: String(Math.floor(at / 1000)),
      recipient_id: failed && sentTo === 'userId' ? undefined : to.phone,
      recipient_user_id: failed && sentTo === 'phone' ? undefined : to.userId,
      biz_opaque_callback_data: opaque,
      conversation: failed ? undefined : conversation,
      pricing: failed ? undefined : pricing,
      errors,
    }),
  };
}

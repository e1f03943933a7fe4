import { compact } from './compact.ts';
import type { Person } from './people.ts';
import type { WebhookItem } from './webhook.ts';

/** What a customer's phone makes Meta tell the business. docs/vendors/whatsapp.md §1.6, §1.8, §2.4 and §2.7. */

/** A message as Meta tells it. `content` is its type's body and whatever else it carries, in Meta's shape. */
export function messageItem(message: {
  wamid: string;
  type: string;
  /** Unix seconds. */
  timestamp: string;
  person: Person;
  content: Readonly<Record<string, unknown>>;
}): WebhookItem {
  const { wamid, type, timestamp, person, content } = message;
  return {
    field: 'messages',
    list: 'messages',
    // A system message comes without contacts.
    ...(type === 'system' ? {} : { contact: contactOf(person) }),
    item: compact({
      from: person.phone,
      from_user_id: person.userId,
      from_parent_user_id: person.parentUserId,
      id: wamid,
      timestamp,
      type,
      ...content,
    }),
  };
}

/** `contacts[]`: what is not known or not shown is left out. */
export function contactOf({ phone, userId, parentUserId, name, username }: Person): Record<string, unknown> {
  return compact({
    profile: name === undefined && username === undefined ? undefined : compact({ name, username }),
    wa_id: phone,
    user_id: userId,
    parent_user_id: parentUserId,
  });
}

export const preferenceValues = ['stop', 'resume', 'signup'] as const;

const preferenceDetails: Readonly<Record<(typeof preferenceValues)[number], string>> = {
  stop: 'User requested to stop marketing messages',
  resume: 'User requested to resume marketing messages',
  signup: 'User signed up via signup link',
};

export function preferenceItem(preference: {
  person: Person;
  value: (typeof preferenceValues)[number];
  signupId: string | undefined;
  /** Milliseconds since the Unix epoch. */
  at: number;
}): WebhookItem {
  const { person, value, signupId, at } = preference;
  return {
    field: 'user_preferences',
    list: 'user_preferences',
    contact: contactOf(person),
    item: compact({
      wa_id: person.phone,
      user_id: person.userId,
      parent_user_id: person.parentUserId,
      detail: preferenceDetails[value],
      category: 'marketing_messages',
      value,
      signup_id: signupId,
      timestamp: Math.floor(at / 1000),
    }),
  };
}

/** `user_changed_number` where the new phone may be shown, else `user_changed_user_id`. */
export function numberChangeItem(change: {
  wamid: string;
  before: Person;
  after: Person;
  at: number;
}): WebhookItem {
  const { wamid, before, after, at } = change;
  const [old, now] = [before.phone ?? before.userId ?? '', after.phone ?? after.userId ?? ''];
  return {
    field: 'messages',
    list: 'messages',
    item: compact({
      from: before.phone,
      id: wamid,
      timestamp: String(Math.floor(at / 1000)),
      type: 'system',
      system: compact({
        body: `User ${before.name ?? ''} changed from ${old} to ${now}`,
        type: after.phone === undefined ? 'user_changed_user_id' : 'user_changed_number',
        wa_id: after.phone,
        user_id: after.userId,
        previous_user_id: before.userId,
      }),
    }),
  };
}

import type { FieldKind, FieldValue } from './field.ts';
import type { FieldPolicy } from './mapping.ts';

/** The nine fields of a contact and what goes with them, before a CRM's own spelling. Times in milliseconds. */
export interface ContactFields {
  readonly contactId: string;
  /** E.164, or undefined for a person known only by username or BSUID. */
  readonly phone?: string;
  /** Every phone the person holds now, E.164. */
  readonly phones: readonly string[];
  /** Phones they held before and hold no longer, E.164. */
  readonly formerPhones: readonly string[];
  readonly bsuid?: string;
  readonly username?: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly leadSource: LeadSource;
  readonly optInAt?: number;
  readonly firstMessage?: string;
  readonly firstMessageAt?: number;
  readonly lastActivityAt?: number;
  readonly lastInboundAt?: number;
  readonly windowState: 'open' | 'closed';
  readonly windowClosesAt?: number;
  /** The first customer message after our last reply; undefined once answered. */
  readonly waitingSince?: number;
  readonly optOut: boolean;
  readonly optOutAt?: number;
  readonly tags: readonly string[];
  /** The latest answer to each question of a WhatsApp Flow, by the question's name. */
  readonly flowAnswers: Readonly<Record<string, string>>;
}

type LeadSource = 'WhatsApp CTWA' | 'WhatsApp Inbound' | 'WhatsApp';

/** What a mapping can carry of a contact, and where it fits. */
export interface SourceRule {
  /** What it holds, as each CRM's guide tells it to admins. */
  readonly means: string;
  /** As it is before a CRM's own spelling. */
  readonly read: (contact: ContactFields) => FieldValue;
  readonly value: FieldValue['kind'];
  /** Of a text: kinds of fields it makes sense in. Whether a field can hold a value at all its CRM's spelling says. */
  readonly kinds?: readonly FieldKind[];
  /** What such a field is called to an admin. */
  readonly holds: string;
  readonly policies: readonly FieldPolicy[];
  /** Every value it takes, where they are few: a choice has to offer them all. */
  readonly values?: readonly string[];
}

const decidedByOne: readonly FieldPolicy[] = ['once', 'if-empty', 'ours', 'theirs'];

function text(
  means: string,
  of: (contact: ContactFields) => string | undefined,
  fits: Partial<Pick<SourceRule, 'kinds' | 'holds' | 'values'>> = {},
): SourceRule {
  return {
    means,
    read: (contact) => ({ kind: 'text', text: of(contact) }),
    value: 'text',
    kinds: ['text', 'long text'],
    holds: 'a text field',
    policies: decidedByOne,
    ...fits,
  };
}

function choice(
  means: string,
  of: (contact: ContactFields) => string,
  values: readonly string[],
): SourceRule {
  return text(means, of, {
    kinds: ['text', 'long text', 'choice'],
    holds: 'a text or drop-down field',
    values,
  });
}

function time(means: string, of: (contact: ContactFields) => number | undefined): SourceRule {
  return {
    means,
    read: (contact) => ({ kind: 'time', at: of(contact) }),
    value: 'time',
    holds: 'a date or date-and-time field',
    policies: decidedByOne,
  };
}

/** The nine fields of every CRM, and what goes with them. An opt-out may never be mapped so that a later one is not written. */
const sources = {
  phone: text(
    'their WhatsApp number, as +919812345678; nothing for people known by username alone',
    (contact) => contact.phone,
    {
      kinds: ['phone', 'text', 'long text'],
      holds: 'a phone or text field',
    },
  ),
  bsuid: text('the id by which WhatsApp knows them to your business', (contact) => contact.bsuid),
  username: text('the name they chose on WhatsApp, without the @', (contact) => contact.username),
  'first name': text('of their WhatsApp profile', (contact) => contact.firstName),
  'last name': text('of their WhatsApp profile', (contact) => contact.lastName),
  'full name': text('first and last name, for a CRM that has one field for both', (contact) =>
    `${contact.firstName} ${contact.lastName}`.trim(),
  ),
  'lead source': choice(
    'how they first came: `WhatsApp CTWA` (from an ad), `WhatsApp Inbound` or `WhatsApp`',
    (contact) => contact.leadSource,
    ['WhatsApp CTWA', 'WhatsApp Inbound', 'WhatsApp'],
  ),
  'opt-in time': time('when they agreed to messages', (contact) => contact.optInAt),
  'first message': text('the first thing they wrote', (contact) => contact.firstMessage),
  'first message time': time('when they wrote it', (contact) => contact.firstMessageAt),
  'last activity': time('when the conversation last had a message', (contact) => contact.lastActivityAt),
  'window state': choice(
    'whether you may write freely now: `open` or `closed`',
    (contact) => contact.windowState,
    ['open', 'closed'],
  ),
  'window closes at': time('24 hours after their last message', (contact) => contact.windowClosesAt),
  'waiting since': time(
    'their first message after your last reply; nothing once answered',
    (contact) => contact.waitingSince,
  ),
  'opt-out': {
    means: 'yes when they asked for no more messages',
    read: (contact) => ({ kind: 'flag', set: contact.optOut }),
    value: 'flag',
    holds: 'a checkbox',
    policies: ['both', 'ours'],
  },
  'opt-out time': time('when they did', (contact) => contact.optOutAt),
  tags: {
    means: 'tags of the conversation',
    read: (contact) => ({ kind: 'tags', tags: contact.tags }),
    value: 'tags',
    holds: 'a field of several choices, or a text field',
    policies: ['both', 'ours', 'theirs'],
  },
} as const satisfies Readonly<Record<string, SourceRule>>;

export type ContactSource = keyof typeof sources;
export const contactSources = Object.keys(sources) as readonly ContactSource[];

/**
 * What a mapping carries: a field of the contact, the latest answer to a WhatsApp Flow's question of that name, or a text that
 * is the same for everybody.
 */
export type MappingSource = ContactSource | { readonly flowAnswer: string } | { readonly constant: string };

export function ruleOf(source: MappingSource): SourceRule {
  if (typeof source === 'string') return sources[source];
  if ('constant' in source) {
    const { constant } = source;
    return {
      ...choice('this text, on records Sangam makes and no others', () => constant, [constant]),
      kinds: ['text', 'long text', 'phone', 'number', 'choice'],
      policies: ['once'],
    };
  }
  return text(
    'their latest answer to the question of that name in a WhatsApp Flow',
    (contact) => contact.flowAnswers[source.flowAnswer],
    {
      kinds: ['text', 'long text', 'phone', 'number', 'choice'],
      holds: 'a text, number, phone or drop-down field',
    },
  );
}

/** Whether it is written when a record is made and never after: what everybody gets tells nothing of a person. */
export function isOnCreateAlone(source: MappingSource): boolean {
  return typeof source === 'object' && 'constant' in source;
}

import { z } from 'zod';
import {
  type ConsentAction,
  type ConsentMethod,
  type ConsentPurpose,
  evidenceRanks,
} from '../../consent/index.ts';
import type { FirstMessage, MessageFact } from '../../conversation/index.ts';
import {
  type Anchor,
  bsuidKeyOf,
  type Evidence,
  evidenceOf,
  evidenceOfChange,
  type Identities,
} from '../../identity/index.ts';
import {
  type ContentJudgement,
  type InboxRow,
  type MessageOrigin,
  type NotedMedium,
  storableText,
} from '../../store/index.ts';
import {
  type AccountAlert,
  accountAlert,
  consentSaid,
  type Echo,
  type HistoryMessage,
  type InboundMessage,
  isMediaKind,
  isStopInGroup,
  type MessageStatus,
  parseSlice,
  type ParsedEvent,
  poorness,
  type Unreadable,
  type WebhookSlice,
} from '../../whatsapp/index.ts';
import { wordsOf } from '../../timeline/index.ts';
import type { ChannelEntry } from '../directory.ts';
import { type CrmChangePayload, readCrmChange } from './crm-changes.ts';

/** What one event asks of the store, before anyone knows whose it is. */
export interface Facts {
  readonly anchor: Anchor;
  /** The person becomes a contact by this event. */
  readonly creates: boolean;
  readonly evidence: readonly Evidence[];
  readonly message?: {
    readonly wamid: string;
    readonly origin: MessageOrigin;
    readonly type: string;
    readonly fact: MessageFact;
    /** What comes with it, whose bytes are to be got. */
    readonly medium?: NotedMedium;
  };
  readonly status?: {
    readonly wamid: string;
    readonly status: MessageStatus;
    readonly errorCode: number | null;
    /** It is told of an answer in the service window, not of a template. */
    readonly freeForm: boolean;
    /** What its sender gave along. */
    readonly opaque: string | undefined;
    readonly freeEntryUntil: number | undefined;
  };
  readonly consent?: {
    readonly purpose: ConsentPurpose;
    readonly action: ConsentAction;
    readonly method: ConsentMethod;
    readonly rank: number;
    readonly source: string;
  };
  readonly tags: readonly { readonly tag: string; readonly action: 'add' | 'remove' }[];
  /** How the person is called, told by what is no message. */
  readonly naming?: Pick<MessageFact, 'profileName' | 'username'>;
  /** Named by its id instead of an identity: a member's own act. */
  readonly contactId?: string;
  /** What a member takes back. */
  readonly retracted?: readonly Evidence[];
}

/** What a person has to do about an event. */
interface WithAlert {
  readonly alert?: EventAlert;
}

/** What WhatsApp says of an account, or what could not be done. */
export type EventAlert =
  AccountAlert | (Omit<AccountAlert, 'kind'> & { readonly kind: 'opt-out not applied' });

export type ReadEvent =
  | ({ readonly outcome: 'facts'; readonly row: InboxRow; readonly facts: Facts } & WithAlert)
  /** Something that happened in a CRM. */
  | { readonly outcome: 'crm'; readonly row: InboxRow; readonly change: CrmChangePayload }
  | ({
      readonly outcome: 'kept';
      readonly row: InboxRow;
      readonly what: string;
      readonly at: number;
    } & WithAlert)
  | { readonly outcome: 'unreadable'; readonly row: InboxRow; readonly why: Unreadable };

/** A member tagging a conversation; waits in the inbox like everything else that happens. */
const tagChangePayload = z.object({
  field: z.literal('sangam'),
  part: z.literal('tag_change'),
  contactId: z.uuid(),
  at: z.number(),
  add: z.array(z.string()),
  remove: z.array(z.string()),
});
export type TagChangePayload = z.infer<typeof tagChangePayload>;

/** A join once had one time for both. */
export const decidedEvidence = z
  .object({
    kind: z.enum(['joined', 'hand_over']),
    a: z.string(),
    b: z.string(),
    at: z.number(),
    aAt: z.number().optional(),
    bAt: z.number().optional(),
  })
  .transform(({ kind, a, b, at, aAt, bAt }) =>
    kind === 'joined' ? { kind, a, b, at, aAt: aAt ?? at, bAt: bAt ?? at } : { kind, a, b, at },
  );

/** A member deciding who is who, or taking it back. */
const identityDecisionPayload = z.object({
  field: z.literal('sangam'),
  part: z.literal('identity_decision'),
  at: z.number(),
  evidence: z.array(decidedEvidence),
  retracted: z.array(decidedEvidence),
});
export type IdentityDecisionPayload = z.infer<typeof identityDecisionPayload>;
export type DecidedEvidence = z.infer<typeof decidedEvidence>;

/** Tag of a contact who submitted a WhatsApp Flow. */
const flowTag = 'WhatsApp Flow';

/** A source time before WhatsApp existed, or after we received it, is not believed. */
const earliest = Date.UTC(2009, 0, 1);

/** Reads one event out of the inbox. Total: whatever cannot be read comes back as `unreadable`. */
export function readEvent(row: InboxRow, channel: ChannelEntry | undefined): ReadEvent {
  const payload = parseJson(row.payload);
  const tagChange = tagChangePayload.safeParse(payload);
  if (tagChange.success) return { outcome: 'facts', row, facts: tagFacts(tagChange.data) };
  const decision = identityDecisionPayload.safeParse(payload);
  if (decision.success) {
    const { at, evidence, retracted } = decision.data;
    const facts: Facts = { anchor: { at }, creates: false, evidence, tags: [], retracted };
    return { outcome: 'facts', row, facts };
  }
  const change = readCrmChange(payload);
  if (change !== undefined) return { outcome: 'crm', row, change };
  if (channel === undefined) {
    return unreadable(row, 'malformed', 'The channel this event came in on is no longer connected.');
  }
  const parsed = parseSlice(payload as WebhookSlice);
  if (parsed.kind === 'unreadable') return { outcome: 'unreadable', row, why: parsed };
  const at = believable(parsed.at, row.receivedAt);
  const slice = payload as WebhookSlice;
  if (parsed.kind === 'kept') {
    const alert = isStopInGroup(slice, channel.optWords) ? groupStop : accountAlert(slice);
    return keptAs(row, parsed.what, at, alert);
  }
  const facts = whatsappFacts(parsed, row, channel, at);
  const alert = parsed.kind === 'status' && parsed.errors.length > 0 ? accountAlert(slice) : undefined;
  return hasEffect(facts)
    ? { outcome: 'facts', row, facts, ...(alert === undefined ? {} : { alert }) }
    : keptAs(row, `${slice.field}/${parsed.kind}`, at, alert);
}

const groupStop: EventAlert = {
  kind: 'opt-out not applied',
  subject: 'group',
  message:
    'Somebody said STOP in a WhatsApp group, and messages of groups are only kept: nobody was opted out. See who it was ' +
    'under kept events, and set the opt-out on their record.',
  isOver: false,
};

function keptAs(row: InboxRow, what: string, at: number, alert: EventAlert | undefined): ReadEvent {
  return {
    outcome: 'kept',
    row,
    what: storableText(what),
    at,
    ...(alert === undefined ? {} : { alert }),
  };
}

/** What proves and changes nothing must not pass for applied. */
function hasEffect({ message, status, consent, tags, evidence, creates }: Facts): boolean {
  return (
    creates ||
    message !== undefined ||
    status !== undefined ||
    consent !== undefined ||
    tags.length > 0 ||
    evidence.length > 0
  );
}

/** What a stored message contributes to its contact, read anew from its content. */
export function readMessageFact(
  content: Buffer,
  stored: { channelId: string; at: number; eventKey: Buffer; contentHash: Buffer },
): MessageFact | undefined {
  const parsed = readWritten(content);
  // Whose it is it has from another content of the same message, which counts for both.
  if (parsed === undefined || showsNobody(parsed)) return undefined;
  return messageFact(parsed, stored, stored.at);
}

/** What decides between two contents of one message. */
export function judgeContent(content: Buffer): ContentJudgement {
  const parsed = readWritten(content);
  return parsed === undefined
    ? { poorness: Infinity, showsNobody: true }
    : { poorness: poorness(parsed), showsNobody: showsNobody(parsed) };
}

type Written = InboundMessage | Echo | HistoryMessage;

function readWritten(content: Buffer): Written | undefined {
  const parsed = parseSlice(parseJson(content) as WebhookSlice);
  return parsed.kind === 'message' || parsed.kind === 'echo' || parsed.kind === 'history'
    ? parsed
    : undefined;
}

function showsNobody({ identities: { phone, bsuid, parentBsuid } }: Written): boolean {
  return phone === undefined && bsuid === undefined && parentBsuid === undefined;
}

function whatsappFacts(
  parsed: Exclude<ParsedEvent, { kind: 'kept' }>,
  row: InboxRow,
  channel: ChannelEntry,
  at: number,
): Facts {
  const anchor = anchorOf(parsed.identities, channel.portfolio, at);
  const stored = { ...row, channelId: channel.channelId };
  const consent = consentSaid(parsed, channel.optWords);
  const base = {
    anchor,
    creates: false,
    evidence: evidenceOf(parsed.identities, channel.portfolio, at),
    tags: [],
    ...(consent === undefined
      ? {}
      : {
          consent: {
            ...consent,
            source: storableText(consent.source),
            rank: evidenceRanks[consent.method],
          },
        }),
  };
  switch (parsed.kind) {
    case 'message':
      return {
        ...base,
        // Who only opened the chat becomes a contact once they write.
        creates: !silentTypes.has(parsed.type),
        message: { ...written(parsed), origin: 'customer', fact: messageFact(parsed, stored, at) },
        tags: parsed.flowAnswer === undefined ? [] : [{ tag: flowTag, action: 'add' }],
      };
    case 'echo':
      return {
        ...base,
        message: { ...written(parsed), origin: parsed.origin, fact: messageFact(parsed, stored, at) },
      };
    case 'history':
      return {
        ...base,
        message: { ...written(parsed), origin: 'history', fact: messageFact(parsed, stored, at) },
        ...(parsed.status === undefined
          ? {}
          : {
              status: {
                wamid: storableText(parsed.wamid),
                status: parsed.status,
                errorCode: null,
                freeForm: false,
                opaque: undefined,
                freeEntryUntil: undefined,
              },
            }),
      };
    case 'status':
      return {
        ...base,
        status: {
          wamid: storableText(parsed.wamid),
          status: parsed.status,
          errorCode: parsed.errors[0]?.code ?? null,
          freeForm: freeFormCategories.has(parsed.pricing?.category ?? ''),
          opaque: parsed.opaque,
          freeEntryUntil: parsed.freeEntryUntil,
        },
      };
    case 'preference':
      return { ...base, creates: true, naming: namingOf(parsed) };
    case 'identity_change':
      return {
        ...base,
        evidence: evidenceOfChange({ ...parsed, after: parsed.identities }, channel.portfolio, at),
      };
  }
}

/** Price categories of what is no template. docs/vendors/whatsapp.md §1.7. */
const freeFormCategories: ReadonlySet<string> = new Set(['service', 'general_purpose_ai']);

function written(parsed: Written): Pick<NonNullable<Facts['message']>, 'wamid' | 'type' | 'medium'> {
  const medium = mediumIn(parsed);
  return {
    wamid: storableText(parsed.wamid),
    type: storableText(parsed.type),
    ...(medium === undefined ? {} : { medium }),
  };
}

const longestFilename = 240;

function mediumIn({ type, media }: Written): NotedMedium | undefined {
  if (media?.id === undefined || !isMediaKind(type)) return undefined;
  return {
    kind: type,
    providerId: storableText(media.id),
    claimedType: media.mimeType === undefined ? null : storableText(media.mimeType),
    filename: media.filename === undefined ? null : storableText(media.filename.slice(0, longestFilename)),
    saidSha256: media.sha256 ?? null,
  };
}

/** Types that say something about another message instead of being one. */
const aboutAnother: ReadonlySet<string> = new Set(['edit', 'revoke']);

function messageFact(
  parsed: Written,
  stored: { channelId: string; eventKey: Buffer; contentHash: Buffer },
  at: number,
): MessageFact {
  const live = parsed.kind === 'message';
  const firstMessage = live ? firstMessageOf(parsed) : undefined;
  const silent = silentTypes.has(parsed.type);
  return {
    channelId: stored.channelId,
    at,
    key: stampKey(stored),
    fromAd: live && parsed.referral !== undefined,
    silent,
    direction: parsed.kind === 'history' ? parsed.direction : live ? 'in' : 'out',
    live,
    opensWindow: live && !silent && !aboutAnother.has(parsed.type),
    ...(live ? namingOf(parsed) : {}),
    ...(firstMessage === undefined ? {} : { firstMessage }),
  };
}

/** The last word between events of one instant. */
export function stampKey({ eventKey, contentHash }: { eventKey: Buffer; contentHash: Buffer }): string {
  return eventKey.toString('hex') + contentHash.toString('hex');
}

function namingOf({
  profileName,
  identities: { username },
}: {
  profileName?: string;
  identities: Identities;
}): Pick<MessageFact, 'profileName' | 'username'> {
  return {
    ...(profileName === undefined ? {} : { profileName }),
    ...(username === undefined ? {} : { username }),
  };
}

/** Opening a chat says nothing. */
const silentTypes: ReadonlySet<string> = new Set(['request_welcome']);

function firstMessageOf(message: InboundMessage): FirstMessage | undefined {
  if (aboutAnother.has(message.type) || message.type === 'reaction' || silentTypes.has(message.type)) {
    return undefined;
  }
  return { text: wordsOf(message, 'UTC'), poorness: poorness(message) };
}

function tagFacts(change: TagChangePayload): Facts {
  return {
    anchor: { at: change.at },
    creates: false,
    evidence: [],
    tags: [
      ...change.add.map((tag) => ({ tag, action: 'add' as const })),
      ...change.remove.map((tag) => ({ tag, action: 'remove' as const })),
    ],
    contactId: change.contactId,
  };
}

function anchorOf(ids: Identities, portfolio: string, at: number): Anchor {
  const bsuidKey = bsuidKeyOf(ids, portfolio);
  return {
    at,
    ...(ids.phone === undefined ? {} : { phone: storableText(ids.phone) }),
    ...(bsuidKey === undefined ? {} : { bsuidKey: storableText(bsuidKey) }),
  };
}

function believable(at: number | undefined, receivedAt: number): number {
  return at === undefined || at < earliest ? receivedAt : Math.min(at, receivedAt);
}

function unreadable(row: InboxRow, reason: Unreadable['reason'], explanation: string): ReadEvent {
  return { outcome: 'unreadable', row, why: { kind: 'unreadable', reason, explanation } };
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
}

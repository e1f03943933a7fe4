import { z } from 'zod';
import { optWords } from '../consent/index.ts';
import type { CrmChange } from '../crm/index.ts';
import { bsuidOf } from '../identity/index.ts';
import type { Leaving, PayloadShelf, StoredPayload } from '../store/index.ts';
import { identitiesFrom } from '../whatsapp/index.ts';
import { lookUpIn } from './apply/people.ts';
import { type Facts, readEvent } from './apply/read-event.ts';
import type { ChannelEntry } from './directory.ts';
import { identitiesIn } from './erased.ts';
import { wordsIn } from './words-in.ts';

/** What is left of a payload once somebody is taken out of it: all of it, nothing, or so much. */
export type LeftOver = 'all' | 'nothing' | Buffer;

type Word = string | number;

/**
 * Reads payloads as apply does, and takes people out of them. An event that says whose it is, is theirs or somebody
 * else's, whatever else it mentions; of what nobody reads, such as a list of calls, goes the part that names them.
 */
export function withoutPerson(
  leaving: Leaving,
  channels: ReadonlyMap<string, ChannelEntry>,
): (row: StoredPayload, shelf: PayloadShelf) => LeftOver {
  const { own, wamids } = leaving;
  const contactIds = new Set(leaving.contactIds);
  const records = new Set(
    leaving.records.alone.map(({ connectionId, recordId }) => `${connectionId} ${recordId}`),
  );
  const bsuids = new Set([...own].flatMap((value) => (value.startsWith('+') ? [] : [bsuidOf(value)])));
  const holderOf = lookUpIn(leaving.identities);

  const isNamed = (word: Word): boolean =>
    typeof word === 'string' && (contactIds.has(word) || leaving.conflictIds.has(word) || own.has(word));
  const namesThem = (word: Word): boolean => {
    if (isNamed(word) || bsuids.has(String(word))) return true;
    const { phone } = identitiesFrom({ phone: [String(word)], bsuid: [], parent: [] });
    return phone !== undefined && own.has(phone);
  };
  const isTheirs = (word: Word): boolean => namesThem(word) || wamids.has(String(word));
  // A number in a CRM's body is a record's.
  const inCrmBody = (word: Word): boolean => typeof word === 'string' && isTheirs(word);
  const areTheirs = (facts: Facts, foreign: boolean): boolean => {
    if (facts.contactId !== undefined) return contactIds.has(facts.contactId);
    const identities = identitiesIn(facts);
    if (identities.length === 0) return wamids.has((facts.message ?? facts.status)?.wamid ?? '');
    const named = (identity: string): boolean =>
      own.has(identity) || (foreign && !identity.startsWith('+') && bsuids.has(bsuidOf(identity)));
    return identities.some(named) || contactIds.has(holderOf(facts.anchor) ?? '');
  };

  return (row, shelf) => {
    const payload = parseJson(row.payload);
    if (shelf === 'decisions') return without(payload, isNamed);
    if (row.reason === 'foreign account') return without(payload, inCrmBody);
    if (payload === undefined) return wordsIn(row.payload).some(isTheirs) ? 'nothing' : 'all';
    const slice = row.reason === 'foreign channel' ? sliceOf(payload) : undefined;
    const channel = row.channelId === null ? undefined : channels.get(row.channelId);
    const foreign = channel === undefined && (slice !== undefined || row.channelId !== null);
    const read = readEvent(
      {
        ...row,
        lane: 0,
        eventKey: row.eventKey ?? Buffer.alloc(0),
        contentHash: Buffer.alloc(0),
        traceparent: null,
        ...(slice === undefined ? {} : { payload: Buffer.from(JSON.stringify(slice), 'utf8') }),
      },
      channel ?? standIn,
    );
    if (read.outcome === 'facts') return areTheirs(read.facts, foreign) ? 'nothing' : 'all';
    if (read.outcome === 'crm') {
      const { connectionId, change } = read.change;
      const theirs =
        records.has(`${connectionId} ${personOf(change)}`) ||
        (change.kind === 'field' && isTheirs(change.value));
      return theirs ? 'nothing' : 'all';
    }
    // The id of a message says whose an event is only where its sender does not.
    const sender = senderOf(slice ?? payload);
    return without(payload, sender === undefined || namesThem(sender) ? isTheirs : namesThem);
  };
}

function personOf(change: CrmChange): string {
  return change.kind === 'field' && change.of === 'deal' ? change.personRecordId : change.recordId;
}

const sentBy = z.object({ item: z.object({ from: z.string().min(1) }) });

function senderOf(slice: unknown): string | undefined {
  return sentBy.safeParse(slice).data?.item.from;
}

/** For events of numbers that are not, or no longer, connected: their portfolio is not known. */
const standIn: ChannelEntry = {
  channelId: '',
  workspaceId: '',
  phoneNumberId: '',
  wabaId: '',
  app: 'own',
  portfolio: '',
  region: '',
  optWords: optWords([]),
};

/** Takes out of every list the items that hold such a word; what holds one outside of any list goes as a whole. */
function without(payload: unknown, isTheirs: (word: Word) => boolean): LeftOver {
  let taken = 0;
  let beside = 0;
  /** Undefined: it goes. */
  const left = (value: unknown): unknown => {
    if (typeof value === 'string' || typeof value === 'number') {
      return isTheirs(value) ? undefined : value;
    }
    if (Array.isArray(value)) {
      const items = value.map(left).filter((item) => item !== undefined);
      taken += value.length - items.length;
      if (items.length < value.length) beside += items.length;
      return items;
    }
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([key, held]) => [key, left(held)] as const);
    return entries.some(([, held]) => held === undefined) ? undefined : Object.fromEntries(entries);
  };
  const rest = left(payload);
  if (rest === undefined) return 'nothing';
  if (taken === 0) return 'all';
  return beside === 0 ? 'nothing' : Buffer.from(JSON.stringify(rest), 'utf8');
}

function sliceOf(event: unknown): unknown {
  return typeof event === 'object' && event !== null && 'slice' in event ? event.slice : undefined;
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
}

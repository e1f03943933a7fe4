import type { Clock } from '../../clock.ts';
import { mergeStatusTimes } from '../../conversation/index.ts';
import type { TimelineRest } from '../../crm/index.ts';
import {
  type CountName,
  type InboxRow,
  type MessageRow,
  type StatusRow,
  type WorkspaceTransaction,
  addConsentEntries,
  addCounts,
  addTagChanges,
  closeAlerts,
  closeOptOutAlert,
  connectionsOf,
  findContacts,
  giveErasedOptOuts,
  insertContacts,
  insertMessages,
  joinContacts,
  joinConversations,
  joinFreeEntries,
  joinStatuses,
  keepEvents,
  laterHolders,
  liftSuppressions,
  linkContactsByPhone,
  type Mark,
  markContacts,
  markPriority,
  markTimeline,
  markTwins,
  mergeMessages,
  noteMedia,
  peopleOfPrimaries,
  raiseAlerts,
  reconsiderSends,
  remarkTimeline,
  removeFromInbox,
} from '../../store/index.ts';
import type { TraitsOf } from '../../work/index.ts';
import type { ChannelEntry } from '../directory.ts';
import { applyCrmChanges } from './crm-changes.ts';
import { erasePeople } from '../erase-people.ts';
import { erasedAmong, type ErasureKeyOf, knownByErased, namingErased } from '../erased.ts';
import { Folding, refoldContacts } from './fold-contacts.ts';
import { letterOf } from '../event-letter.ts';
import { optOutUnapplied } from '../opt-out-letters.ts';
import { noteSendingNews } from '../send/news.ts';
import { noteSendStatuses, type SendStatus } from '../send/statuses.ts';
import { parkEvents } from './park.ts';
import { type People, resolvePeople } from './people.ts';
import {
  type EventAlert,
  type Facts,
  judgeContent,
  readEvent,
  type ReadEvent,
  stampKey,
} from './read-event.ts';

/** What a batch came to. `parked` are reasons of dead letters. */
export interface Applied {
  readonly events: number;
  readonly parked: readonly string[];
  /** What each of the kept events is. */
  readonly kept: readonly string[];
  /** Messages that now hold several differing contents under one key. */
  readonly differing: number;
  readonly newContacts: number;
  /** What became of each event; made when asked for. */
  readonly each: () => AppliedEvent[];
}

interface AppliedEvent {
  /** Hex. */
  readonly eventKey: string;
  readonly lane: number;
  readonly outcome: 'applied' | 'kept' | 'dropped' | 'parked';
  /** Whose it is, as far as one event tells. */
  readonly contactId?: string;
}

type ReadFacts = Extract<ReadEvent, { outcome: 'facts' }>;

/** What applying needs besides the events. */
export interface ApplyContext {
  readonly traitsOf: TraitsOf;
  readonly erasureKeyOf: ErasureKeyOf;
  readonly clock: Clock;
}

/** Merges a batch of events into the store, in one set-based pass. All or nothing. */
export async function applyBatch(
  trx: WorkspaceTransaction,
  rows: readonly InboxRow[],
  channels: ReadonlyMap<string, ChannelEntry>,
  { traitsOf, erasureKeyOf, clock }: ApplyContext,
): Promise<Applied> {
  const now = clock.now();
  const read = rows.map((row) => readEvent(row, channels.get(row.channelId ?? '')));
  const known = read.filter((event): event is ReadFacts => event.outcome === 'facts');
  const erasedSince = await erasedAmong(
    trx,
    known.map(({ facts }) => facts),
    erasureKeyOf,
  );
  const events = known.filter(({ facts }) => !erasedSince.has(facts));
  const unapplied = read.filter((event) => event.outcome === 'kept' || event.outcome === 'unreadable');
  const named = await namingErased(
    trx,
    unapplied.map(({ row }) => row),
    (row) => channels.get(row.channelId ?? '')?.portfolio,
    erasureKeyOf,
  );
  const dropped = [
    ...known.filter(({ facts }) => erasedSince.has(facts)).map(({ row }) => row),
    ...unapplied.map(({ row }) => row).filter((row) => named.has(row)),
  ];
  const kept = read.filter((event) => event.outcome === 'kept').filter(({ row }) => !named.has(row));
  const unreadable = read
    .filter((event) => event.outcome === 'unreadable')
    .filter(({ row }) => !named.has(row));
  const letters = unreadable.map(({ row, why }) => letterOf(row, why));
  const letterRows = unreadable.map(({ row }) => row);

  const people = await resolvePeople(
    trx,
    events.map(({ facts }) => facts),
    now,
  );
  const owner = ownersOf(people, await namedContacts(trx, events));
  const messages = messagesOf(events, owner);
  const again = await insertMessages(trx, messages);
  const { differing, changed } = await mergeMessages(trx, again, judgeContent);
  await noteMedia(trx, mediaOf(events), now);
  await joinStatuses(trx, statusesOf(events, owner));
  await noteSendStatuses(trx, sendStatusesOf(events), now);
  await addConsentEntries(trx, consentOf(events, owner, now));
  await addTagChanges(trx, tagsOf(events, owner));
  await foldInto(trx, people, events, owner, now);
  await keepEvents(trx, kept);
  await noteSendingNews(trx, kept, now);
  await noteAlerts(trx, alertsOf(kept, events), now);
  await parkEvents(trx, letters, now);
  if (events.some(({ facts }) => facts.consent?.action === 'withdrawal')) {
    await closeOptOutAlert(trx, optOutUnapplied, now);
  }
  await liftSuppressions(
    trx,
    dropped.map(({ eventKey }) => eventKey),
  );
  await removeFromInbox(trx, rows);
  const changes = read.flatMap((event) => (event.outcome === 'crm' ? [event.change] : []));
  const erased = await applyCrmChanges(trx, changes, traitsOf, erasureKeyOf, now);

  const heirs = await giveErasedOptOuts(trx, [...people.gained], () => erasureKeyOf(trx.workspaceId), now);
  const marks = [
    ...marksOf(people, events, owner),
    ...heirs.map((contactId) => ({ contactId, priority: markPriority.consent })),
  ];
  const consenting = marks.flatMap(({ contactId, priority }) =>
    priority === markPriority.consent ? [contactId] : [],
  );
  // Whoever took over a phone of theirs since took over its opt-out, also one we learn of late.
  const later = await laterHolders(trx, consenting);
  // A STOP goes to every record that holds the person's phone.
  await linkContactsByPhone(trx, [...consenting, ...later], now);
  await markContacts(
    trx,
    [...marks, ...later.map((contactId) => ({ contactId, priority: markPriority.consent }))],
    now,
  );
  // What waits to leave to them is decided anew: they wrote, agreed or took back.
  await reconsiderSends(
    trx,
    {
      contactIds: [...marks.map(({ contactId }) => contactId), ...later],
      phones: events.flatMap(({ facts }) => (isOwnWord(facts) ? (facts.anchor.phone ?? []) : [])),
    },
    now,
  );
  await lookForReturned(trx, people.gained, erasureKeyOf, now);
  const restOf = (crm: string): TimelineRest =>
    traitsOf({ crm, facts: {} })?.timeline.restMs ?? { message: 0, status: 0 };
  await markTimeline(trx, [...timelineOf(events, owner), ...timelineOfChanged(changed)], restOf, now);
  await remarkTimeline(trx, [...people.reshaped], now);
  const keptRows = kept.map(({ row }) => row);
  await addCounts(trx, countsOf(rows, { dropped, kept: keptRows, parked: letterRows }));
  await eraseByPrimary(trx, erased, { traitsOf, erasureKeyOf }, now);
  return {
    events: rows.length,
    parked: letters.map(({ reason }) => reason),
    kept: kept.map(({ what }) => what),
    differing,
    newContacts: people.created.size,
    each: () => read.map((event) => outcomeOf(event, new Set(dropped), owner)),
  };
}

/** What CRMs hold of people who were erased is in no index of ours: who is known by such a phone again is looked for there. */
async function lookForReturned(
  trx: WorkspaceTransaction,
  contactIds: ReadonlySet<string>,
  erasureKeyOf: ErasureKeyOf,
  now: number,
): Promise<void> {
  const back = await knownByErased(trx, [...contactIds], erasureKeyOf);
  if (back.length === 0) return;
  for (const { connectionId, disconnectedAt } of await connectionsOf(trx)) {
    if (disconnectedAt === null) await markTwins(trx, connectionId, back, now, now);
  }
}

function outcomeOf(event: ReadEvent, dropped: ReadonlySet<InboxRow>, owner: Owner): AppliedEvent {
  const { eventKey, lane } = event.row;
  const told = { eventKey: eventKey.toString('hex'), lane };
  if (dropped.has(event.row)) return { ...told, outcome: 'dropped' };
  if (event.outcome === 'kept') return { ...told, outcome: 'kept' };
  if (event.outcome === 'unreadable') return { ...told, outcome: 'parked' };
  const contactId = event.outcome === 'facts' ? owner(event.facts) : null;
  return { ...told, outcome: 'applied', ...(contactId === null ? {} : { contactId }) };
}

/** What CRMs have to be told, the most pressing reason for each contact. */
function marksOf(people: People, events: readonly ReadFacts[], owner: Owner): Mark[] {
  const marks = new Map<string, { priority: number; traceparents: Set<string> }>();
  const mark = (contactId: string, priority: number, traceparent?: string | null): void => {
    const known = marks.get(contactId) ?? { priority, traceparents: new Set() };
    known.priority = Math.min(priority, known.priority);
    if (typeof traceparent === 'string') known.traceparents.add(traceparent);
    marks.set(contactId, known);
  };
  for (const contactId of people.created.keys()) mark(contactId, markPriority.newLead);
  // The opt-out of one is another's now, and concerns all records of both.
  for (const contactId of people.reshaped) mark(contactId, markPriority.consent);
  for (const { row, facts } of events) {
    const { message, status, consent, tags } = facts;
    const contactId = owner(facts);
    // An answer given with another tool is known by its statuses alone.
    const answered = status?.freeForm === true && (status.status === 'sent' || status.status === 'delivered');
    const silent = message === undefined && consent === undefined && tags.length === 0 && !answered;
    if (contactId === null || silent) continue;
    mark(contactId, consent === undefined ? markPriority.fields : markPriority.consent, row.traceparent);
  }
  return [...marks].map(([contactId, { priority, traceparents }]) => ({
    contactId,
    priority,
    traceparents: [...traceparents],
  }));
}

/** Messages a timeline shows anew: written, or further than they were. */
function timelineOf(
  events: readonly ReadFacts[],
  owner: Owner,
): Parameters<typeof markTimeline>[1][number][] {
  return events.flatMap(({ row, facts }) => {
    const contactId = owner(facts);
    const wamid = facts.message?.wamid ?? facts.status?.wamid;
    if (contactId === null || row.channelId === null || wamid === undefined) return [];
    const { channelId, traceparent } = row;
    const statusOnly = facts.message === undefined;
    return [{ contactId, channelId, wamid, at: facts.anchor.at, statusOnly, traceparent }];
  });
}

/** Messages that now show another content, which may be somebody's the event itself did not name. */
function timelineOfChanged(changed: readonly MessageRow[]): Parameters<typeof markTimeline>[1][number][] {
  return changed.flatMap(({ contactId, channelId, wamid, at }) =>
    contactId === null ? [] : [{ contactId, channelId, wamid, at, statusOnly: false }],
  );
}

/** What WhatsApp says that a person has to do, or that it is done: of each thing the last. */
function alertsOf(
  kept: readonly Extract<ReadEvent, { outcome: 'kept' }>[],
  events: readonly ReadFacts[],
): EventAlert[] {
  const told = [
    ...kept.flatMap(({ alert, at }) => (alert === undefined ? [] : [{ alert, at }])),
    ...events.flatMap(({ alert, facts }) => (alert === undefined ? [] : [{ alert, at: facts.anchor.at }])),
  ];
  const last = new Map<string, EventAlert>();
  for (const { alert } of told.toSorted((x, y) => x.at - y.at)) {
    last.set(JSON.stringify([alert.kind, alert.subject]), alert);
  }
  return [...last.values()];
}

async function noteAlerts(
  trx: WorkspaceTransaction,
  alerts: readonly EventAlert[],
  now: number,
): Promise<void> {
  await closeAlerts(
    trx,
    alerts.filter(({ isOver }) => isOver),
    now,
  );
  await raiseAlerts(
    trx,
    alerts.filter(({ isOver }) => !isOver),
    now,
  );
}

/** What the statement of a day counts: each event by when it was received. Parked ones are counted where they lie. */
function countsOf(
  rows: readonly InboxRow[],
  other: Readonly<Record<'dropped' | 'kept' | 'parked', readonly InboxRow[]>>,
): Parameters<typeof addCounts>[1][number][] {
  const count = (name: CountName, of: readonly InboxRow[]): Parameters<typeof addCounts>[1][number][] =>
    of.map(({ receivedAt }) => ({ name, at: receivedAt, count: 1 }));
  const elsewhere = new Set([...other.dropped, ...other.kept, ...other.parked]);
  return [
    ...count(
      'applied',
      rows.filter((row) => !elsewhere.has(row)),
    ),
    ...count('dropped', other.dropped),
    ...count('kept', other.kept),
  ];
}

/** A CRM erased these people for privacy's sake: our copy goes too. */
async function eraseByPrimary(
  trx: WorkspaceTransaction,
  records: readonly { readonly connectionId: string; readonly recordId: string }[],
  { traitsOf, erasureKeyOf }: Pick<ApplyContext, 'traitsOf' | 'erasureKeyOf'>,
  now: number,
): Promise<void> {
  if (records.length === 0) return;
  const contactIds = await peopleOfPrimaries(trx, records);
  if (contactIds.length === 0) return;
  const key = await erasureKeyOf(trx.workspaceId);
  await erasePeople(trx, contactIds, { askedBy: 'privacy deletion in the CRM', key, traitsOf, now });
}

type Owner = (facts: Facts) => string | null;

function ownersOf(people: People, named: ReadonlyMap<string, string>): Owner {
  return ({ contactId, anchor }) =>
    contactId === undefined ? people.contactOf(anchor) : (named.get(contactId) ?? null);
}

/** Contacts that events name by their id, which may have been joined into others. */
async function namedContacts(
  trx: WorkspaceTransaction,
  events: readonly ReadFacts[],
): Promise<ReadonlyMap<string, string>> {
  const named = events.flatMap(({ facts }) => facts.contactId ?? []);
  return named.length === 0 ? new Map() : findContacts(trx, named);
}

function messagesOf(events: readonly ReadFacts[], owner: Owner): MessageRow[] {
  return events.flatMap(({ row, facts }) =>
    facts.message === undefined || row.channelId === null
      ? []
      : [
          {
            ...placeOf(row, facts),
            channelId: row.channelId,
            contactId: owner(facts),
            wamid: facts.message.wamid,
            origin: facts.message.origin,
            direction: facts.message.fact.direction,
            type: facts.message.type,
            at: facts.anchor.at,
            content: row.payload,
          },
        ],
  );
}

/** What people sent besides words. */
function mediaOf(events: readonly ReadFacts[]): Parameters<typeof noteMedia>[1] {
  return events.flatMap(({ row: { channelId }, facts: { message } }) =>
    message?.medium === undefined || message.fact.direction !== 'in' || channelId === null
      ? []
      : [{ channelId, wamid: message.wamid, ...message.medium }],
  );
}

/** The person wrote, agreed or took back. */
function isOwnWord({ message, consent }: Facts): boolean {
  return consent !== undefined || message?.fact.direction === 'in';
}

/** Of each conversation the last end WhatsApp told. */
function freeEntriesOf(
  events: readonly ReadFacts[],
  owner: Owner,
): Parameters<typeof joinFreeEntries>[1][number][] {
  const last = new Map<string, Parameters<typeof joinFreeEntries>[1][number]>();
  for (const { row, facts } of events) {
    const contactId = owner(facts);
    const until = facts.status?.freeEntryUntil;
    if (contactId === null || row.channelId === null || until === undefined) continue;
    const name = `${contactId} ${row.channelId}`;
    if (until > (last.get(name)?.until ?? 0)) last.set(name, { contactId, channelId: row.channelId, until });
  }
  return [...last.values()];
}

function sendStatusesOf(events: readonly ReadFacts[]): SendStatus[] {
  return events.flatMap(({ row: { channelId }, facts: { status } }) =>
    status === undefined || channelId === null ? [] : [{ ...status, channelId }],
  );
}

/** One row a message, its statuses folded: a set-based upsert cannot touch a row twice. */
function statusesOf(events: readonly ReadFacts[], owner: Owner): StatusRow[] {
  const byMessage = new Map<string, StatusRow & { at: number }>();
  for (const { row, facts } of events) {
    if (facts.status === undefined || row.channelId === null) continue;
    const { wamid, status, errorCode, freeForm } = facts.status;
    const next = {
      ...placeOf(row, facts),
      channelId: row.channelId,
      contactId: owner(facts),
      wamid,
      times: { [status]: facts.anchor.at },
      errorCode,
      freeForm,
      at: facts.anchor.at,
    };
    const name = `${row.channelId}|${wamid}`;
    const known = byMessage.get(name);
    byMessage.set(name, known === undefined ? next : joinedStatus(known, next));
  }
  return [...byMessage.values()];
}

/** The same choice of whose message it is that `joinStatuses` makes between batches. */
function joinedStatus(
  x: StatusRow & { at: number },
  y: StatusRow & { at: number },
): StatusRow & { at: number } {
  const yDecides = decides(x, y);
  return {
    ...(yDecides ? y : x),
    at: Math.min(x.at, y.at),
    times: mergeStatusTimes(x.times, y.times),
    errorCode: least(x.errorCode, y.errorCode),
    freeForm: x.freeForm || y.freeForm,
    phone: least(x.phone, y.phone),
    bsuidKey: least(x.bsuidKey, y.bsuidKey),
  };
}

/** Whether y says whose message it is: a BSUID before a phone, the lesser of two BSUIDs, the earlier of two times. */
function decides(x: StatusRow & { at: number }, y: StatusRow & { at: number }): boolean {
  if ((x.bsuidKey === null) !== (y.bsuidKey === null)) return y.bsuidKey !== null;
  if (x.bsuidKey !== null && y.bsuidKey !== null && x.bsuidKey !== y.bsuidKey) return y.bsuidKey < x.bsuidKey;
  return y.at < x.at;
}

function least<Value extends string | number>(x: Value | null, y: Value | null): Value | null {
  if (x === null) return y;
  return y === null || x <= y ? x : y;
}

function consentOf(
  events: readonly ReadFacts[],
  owner: Owner,
  now: number,
): Parameters<typeof addConsentEntries>[1] {
  return events.flatMap(({ row, facts }) =>
    facts.consent === undefined
      ? []
      : [
          {
            ...placeOf(row, facts),
            ...facts.consent,
            contactId: owner(facts),
            effectiveAt: facts.anchor.at,
            recordedAt: now,
            ...facts.naming,
          },
        ],
  );
}

function tagsOf(events: readonly ReadFacts[], owner: Owner): Parameters<typeof addTagChanges>[1] {
  return events.flatMap(({ row, facts }) => {
    const contactId = owner(facts);
    if (contactId === null) return [];
    return facts.tags.map((change) => ({
      ...placeOf(row, facts),
      ...change,
      contactId,
      saidOf: facts.contactId,
      at: facts.anchor.at,
    }));
  });
}

async function foldInto(
  trx: WorkspaceTransaction,
  people: People,
  events: readonly ReadFacts[],
  owner: Owner,
  now: number,
): Promise<void> {
  const folding = new Folding();
  for (const { row, facts } of events) {
    const contactId = owner(facts);
    if (contactId === null) continue;
    if (facts.message !== undefined) folding.add(contactId, facts.message.origin, facts.message.fact);
    if (facts.naming !== undefined) {
      folding.addNaming(contactId, { ...facts.naming, at: facts.anchor.at, key: stampKey(row) });
    }
  }
  await insertContacts(
    trx,
    [...people.created]
      .toSorted(([x], [y]) => (x < y ? -1 : 1))
      .map(([contactId, founding]) => ({ contactId, founding, joins: folding.joinsOf(contactId) })),
    now,
  );
  await joinContacts(
    trx,
    folding
      .contacts()
      .filter(({ contactId }) => !people.created.has(contactId) && !people.reshaped.has(contactId)),
  );
  await joinConversations(
    trx,
    folding.conversations().filter(({ contactId }) => !people.reshaped.has(contactId)),
  );
  await refoldContacts(trx, [...people.reshaped]);
  await joinFreeEntries(trx, freeEntriesOf(events, owner));
}

function placeOf(
  row: InboxRow,
  { anchor }: Facts,
): {
  channelId: string | null;
  eventKey: Buffer;
  contentHash: Buffer;
  phone: string | null;
  bsuidKey: string | null;
} {
  return {
    channelId: row.channelId,
    eventKey: row.eventKey,
    contentHash: row.contentHash,
    phone: anchor.phone ?? null,
    bsuidKey: anchor.bsuidKey ?? null,
  };
}

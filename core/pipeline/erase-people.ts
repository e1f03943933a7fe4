import {
  addCounts,
  channelsOfWorkspace,
  closeOptOutAlert,
  dropPayloads,
  type Erasure,
  eraseRows,
  fromJson,
  leavingOf,
  lockToErase,
  type MembersDecided,
  payloadShelves,
  rewritePayload,
  storedPayloads,
  withJoined,
  type WorkspaceTransaction,
} from '../store/index.ts';
import { type DecidedEvidence, judgeContent } from './apply/read-event.ts';
import type { TraitsOf } from '../work/index.ts';
import { readDecision, survivorsOf } from './decided.ts';
import { channelEntry, type ChannelEntry } from './directory.ts';
import { valuesOfErased } from './erased-values.ts';
import { optOutElsewhere, optOutUnapplied } from './opt-out-letters.ts';
import { withoutPerson } from './without-person.ts';

/** Removes everything held of these people, in a transaction that holds the workspace's lock. */
export async function erasePeople(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  request: {
    readonly askedBy: string;
    readonly key: Buffer;
    readonly traitsOf: TraitsOf;
    readonly now: number;
  },
): Promise<Erasure> {
  const joined = await withJoined(trx, contactIds);
  const people = joined.map(({ contactId }) => contactId);
  await lockToErase(trx, people);
  const founders = joined.flatMap(({ founding }) => founding?.value ?? []);
  const leaving = await leavingOf(trx, people, await decidedOf(trx, people, founders));
  const reader = withoutPerson(leaving, await channelsOf(trx));
  const events: Buffer[] = [];
  for (const shelf of payloadShelves) {
    for await (const part of storedPayloads(trx, shelf)) {
      const read = part.map((row) => ({ row, left: reader(row, shelf) }));
      const dropped = read.flatMap(({ row, left }) => (left === 'nothing' ? [row] : []));
      await dropPayloads(trx, shelf, dropped);
      for (const { row, left } of read) {
        if (typeof left !== 'string') await rewritePayload(trx, shelf, row, left);
      }
      events.push(...dropped.flatMap(({ eventKey }) => (eventKey === null ? [] : [eventKey])));
      if (shelf !== 'inbox' && shelf !== 'dead_letters') continue;
      await addCounts(
        trx,
        dropped.map(({ receivedAt }) => ({ name: 'dropped', at: receivedAt, count: 1 })),
      );
    }
  }
  const isTheirs = await valuesOfErased(trx, leaving, request.traitsOf, request.now);
  const erasure = await eraseRows(trx, leaving, events, { ...request, judge: judgeContent, isTheirs });
  // A dead letter that was their STOP is gone with them.
  for (const alert of [optOutUnapplied, optOutElsewhere]) await closeOptOutAlert(trx, alert, request.now);
  return erasure;
}

/**
 * What members decided of them, also where that was undone: the records they were given, and where those live on, and by what
 * others are known whom they were joined with, one by another. What was written of them stands there.
 */
async function decidedOf(
  trx: WorkspaceTransaction,
  people: readonly string[],
  founders: readonly string[],
): Promise<MembersDecided> {
  const given: { connectionId: string; recordId: string }[] = [];
  const joins: DecidedEvidence[] = [];
  for await (const part of storedPayloads(trx, 'decisions')) {
    for (const { payload } of part) {
      const { links, evidence } = readDecision(fromJson(payload));
      if (links !== undefined && people.includes(links.contactId)) given.push(links);
      joins.push(...evidence.filter(({ kind }) => kind === 'joined'));
    }
  }
  const joined = new Set(founders);
  for (let size = -1; size !== joined.size;) {
    size = joined.size;
    for (const { a, b } of joins) if (joined.has(a) || joined.has(b)) joined.add(a).add(b);
  }
  const livingOn: typeof given = [];
  for (const [connectionId, ofConnection] of Map.groupBy(given, (one) => one.connectionId)) {
    const recordIds = ofConnection.map(({ recordId }) => recordId);
    const livesOn = await survivorsOf(trx, connectionId, recordIds);
    livingOn.push(...recordIds.map((recordId) => ({ connectionId, recordId: livesOn(recordId) })));
  }
  return { given: [...given, ...livingOn], joinedWith: [...joined] };
}

async function channelsOf(trx: WorkspaceTransaction): Promise<ReadonlyMap<string, ChannelEntry>> {
  const rows = await channelsOfWorkspace(trx);
  return new Map(rows.map((row) => [row.channel_id, channelEntry(row)]));
}

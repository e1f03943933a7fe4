import { hash } from 'node:crypto';
import { type Lane, lanes, splitWebhook, stopOf, type WebhookEvent } from '../../whatsapp/index.ts';
import { type Identities, bsuidKeyOf } from '../../identity/index.ts';
import {
  addCounts,
  type DeadLetter,
  type IntakeEvent,
  isDataError,
  type NewAlert,
  parkDeadLetters,
  putIntoInbox,
  putSuppressions,
  raiseAlerts,
  serviceWorkspaceId,
  type StoredDeadLetter,
  storableText,
  type Store,
  type SuppressionRow,
} from '../../store/index.ts';
import type { Clock } from '../../clock.ts';
import { type ChannelEntry, type Directory, owns, type Signer } from '../directory.ts';
import { letterOf } from '../event-letter.ts';
import { optOutElsewhere, optOutUnapplied } from '../opt-out-letters.ts';
import { traceUnderWay } from '../../work/index.ts';
import { foreignEventOf, isOptOut } from './foreign-letter.ts';
import { GroupCommit } from './group-commit.ts';

/** What one webhook body becomes for one workspace. */
interface Intake {
  readonly events: readonly IntakeEvent[];
  readonly suppressions: readonly SuppressionRow[];
  readonly deadLetters: readonly DeadLetter[];
  /** About what came for it and lies elsewhere. */
  readonly alerts: readonly NewAlert[];
}

const nothing: Intake = { events: [], suppressions: [], deadLetters: [], alerts: [] };

export interface Receiver {
  /**
   * Takes in a webhook body whose signature has been checked. Resolves once everything in it is durable; what cannot
   * be read or belongs to somebody else is durable as a dead letter. Rejects only when the database cannot be reached.
   */
  receive(body: Buffer, signer: Signer): Promise<void>;
  /**
   * Takes in a dead letter `foreign channel` once its channel belongs to its signer; the workspace it went to.
   * Undefined: it still does not.
   */
  readmit(letter: StoredDeadLetter): Promise<string | undefined>;
  /** Takes in what did not come from WhatsApp, such as what a CRM told. */
  takeInAll(workspaceId: string, events: readonly OwnEvent[]): Promise<void>;
  /** Keeps what cannot be taken in. */
  park(workspaceId: string, letter: DeadLetter): Promise<void>;
}

/** Something that did not come from WhatsApp. `key` is the same each time it is told. */
export interface OwnEvent {
  readonly key: string;
  readonly lane: Lane;
  readonly payload: unknown;
}

export interface ReceiveCounts {
  received(events: number): void;
  /** A group of requests was made durable. */
  committed(group: CommittedGroup): void;
  parked(reason: string, letters: number): void;
}

interface CommittedGroup {
  readonly workspaceId: string;
  readonly requests: number;
  readonly events: number;
  /** Events not seen before. */
  readonly fresh: number;
  readonly deadLetters: number;
  readonly ms: number;
}

/** Requests, and bytes of their payloads, in one commit. */
const largestGroup = { items: 512, weight: 16 * 2 ** 20 };

export function createReceiver(dependencies: {
  store: Store;
  directory: Directory;
  clock: Clock;
  counts: ReceiveCounts;
}): Receiver {
  const { store, directory, clock, counts } = dependencies;
  const groups = new Map<string, GroupCommit<Intake>>();

  const commitFor = (workspaceId: string): GroupCommit<Intake> => {
    const known = groups.get(workspaceId);
    if (known !== undefined) return known;
    const commit = new GroupCommit<Intake>(async (group) => {
      const started = performance.now();
      const fresh = await storeOrHalve(workspaceId, group);
      counts.committed({
        workspaceId,
        requests: group.length,
        events: group.reduce((sum, { events }) => sum + events.length, 0),
        fresh,
        deadLetters: group.reduce((sum, { deadLetters }) => sum + deadLetters.length, 0),
        ms: performance.now() - started,
      });
    }, largestGroup);
    groups.set(workspaceId, commit);
    return commit;
  };

  /** Makes them durable, all or none; how many events were new. */
  const storeAll = (workspaceId: string, group: readonly Intake[]): Promise<number> =>
    store.transact(workspaceId, async (trx) => {
      const events = withoutRepeats(group.flatMap((intake) => intake.events));
      const letters = group.flatMap((intake) => intake.deadLetters);
      await putSuppressions(
        trx,
        group.flatMap((intake) => intake.suppressions),
      );
      const parked = await parkDeadLetters(trx, letters, clock.now());
      await raiseAlerts(
        trx,
        group.flatMap((intake) => intake.alerts),
        clock.now(),
      );
      const stored = await putIntoInbox(trx, events);
      const received = [...stored, ...parked.map((at) => ({ at, count: 1 }))];
      await addCounts(
        trx,
        received.map((one) => ({ name: 'received' as const, ...one })),
      );
      return stored.reduce((sum, { count }) => sum + count, 0);
    });

  /** A group that fails on its data is halved until the culprit stands alone as a dead letter. */
  const storeOrHalve = async (workspaceId: string, group: readonly Intake[]): Promise<number> => {
    try {
      return await storeAll(workspaceId, group);
    } catch (error) {
      if (!isDataError(error)) throw error;
      const single = group.flatMap(piecesOf);
      const [event] = single[0]?.events ?? [];
      if (single.length === 1 && event !== undefined) {
        await storeAll(workspaceId, [refusedAtTheDoor(event, single[0]?.suppressions ?? [], error)]);
        counts.parked('not storable', 1);
        return 0;
      }
      if (single.length < 2) throw error;
      const parts = group.length > 1 ? group : single;
      const middle = Math.ceil(parts.length / 2);
      const first = await storeOrHalve(workspaceId, parts.slice(0, middle));
      return first + (await storeOrHalve(workspaceId, parts.slice(middle)));
    }
  };

  const commit = async (intakes: ReadonlyMap<string, Intake>): Promise<void> => {
    for (const intake of intakes.values()) {
      counts.received(intake.events.length + intake.deadLetters.length);
      for (const letter of intake.deadLetters) counts.parked(letter.reason, 1);
    }
    await Promise.all(
      [...intakes].map(([workspaceId, intake]) => commitFor(workspaceId).add(intake, weightOf(intake))),
    );
  };

  const takeInAll = async (workspaceId: string, own: readonly OwnEvent[]): Promise<void> => {
    if (own.length === 0) return;
    const events = ownEvents(own, clock.now());
    await commit(new Map([[workspaceId, { ...nothing, events }]]));
  };

  return {
    async receive(body, signer) {
      const receivedAt = clock.now();
      const events = readEvents(body);
      const intakes = events === undefined ? undefined : await sortOut(events, signer, directory, receivedAt);
      await commit(intakes ?? unparsed(body, signer, receivedAt));
    },
    async readmit(letter) {
      const event = foreignEventOf(letter.payload);
      const signer = await signerNamed(letter.signer, directory);
      if (event === undefined || signer === undefined) return undefined;
      const intakes = await sortOut([event], signer, directory, letter.receivedAt);
      const [[workspaceId, intake] = []] = intakes ?? [];
      if (workspaceId === undefined || intake === undefined || intake.deadLetters.length > 0)
        return undefined;
      await commitFor(workspaceId).add(intake, weightOf(intake));
      return workspaceId;
    },
    takeInAll,
    async park(workspaceId, letter) {
      await commit(new Map([[workspaceId, { ...nothing, deadLetters: [letter] }]]));
    },
  };
}

/** The same, one event or dead letter each, a STOP with its event. */
function piecesOf({ events, suppressions, deadLetters, alerts }: Intake): Intake[] {
  const stops = Map.groupBy(suppressions, ({ eventKey }) => eventKey.toString('hex'));
  return [
    ...events.map((event) => ({
      ...nothing,
      events: [event],
      suppressions: stops.get(event.eventKey.toString('hex')) ?? [],
    })),
    ...deadLetters.map((letter) => ({ ...nothing, deadLetters: [letter] })),
    ...alerts.map((alert) => ({ ...nothing, alerts: [alert] })),
  ];
}

/** A STOP holds although its event was refused. */
function refusedAtTheDoor(event: IntakeEvent, suppressions: readonly SuppressionRow[], error: Error): Intake {
  const letter = letterOf(event, {
    reason: 'not storable',
    explanation: `The database refused this event: ${error.message}. Replay it once the cause is mended.`,
  });
  const optOut = suppressions.length > 0;
  const alerts = optOut ? [optOutUnapplied] : [];
  return { ...nothing, suppressions, deadLetters: [{ ...letter, optOut }], alerts };
}

/** What happened inside Sangam or at a CRM, as it goes into the inbox. */
export function ownEvents(own: readonly OwnEvent[], receivedAt: number): IntakeEvent[] {
  const traceparent = traceUnderWay() ?? null;
  return own.map(({ key, lane, payload }) => {
    const content = JSON.stringify(payload);
    return {
      eventKey: digest(key).subarray(0, 16),
      contentHash: digest(content).subarray(0, 8),
      lane,
      channelId: null,
      receivedAt,
      payload: Buffer.from(content, 'utf8'),
      traceparent,
    };
  });
}

function weightOf({ events, deadLetters }: Intake): number {
  const bytes = (sum: number, { payload }: { payload?: Buffer }): number => sum + (payload?.length ?? 0);
  return deadLetters.reduce(bytes, events.reduce(bytes, 0));
}

async function signerNamed(name: string | null, directory: Directory): Promise<Signer | undefined> {
  if (name === null) return undefined;
  if (name === 'service') return { kind: 'service' };
  const channel = await directory.channelById(name);
  return channel === undefined
    ? undefined
    : { kind: 'channel', workspaceId: channel.workspaceId, channelId: channel.channelId };
}

function workspaceOfSigner(signer: Signer): string {
  return signer.kind === 'service' ? serviceWorkspaceId : signer.workspaceId;
}

function nameOf(signer: Signer): string {
  return signer.kind === 'service' ? 'service' : signer.channelId;
}

function unparsed(body: Buffer, signer: Signer, receivedAt: number): ReadonlyMap<string, Intake> {
  const letter: DeadLetter = {
    reason: 'unparsed',
    explanation:
      'The webhook body is not JSON that can be read. It is kept whole; nothing in it was applied.',
    source: 'whatsapp',
    signer: nameOf(signer),
    eventKey: digest(body).subarray(0, 16),
    contentHash: digest(body).subarray(16, 24),
    payload: body,
    receivedAt,
  };
  return new Map([[workspaceOfSigner(signer), { ...nothing, deadLetters: [letter] }]]);
}

/** Lays each event at its workspace's door. Undefined: it is nested deeper than JSON can be written. */
async function sortOut(
  events: readonly WebhookEvent[],
  signer: Signer,
  directory: Directory,
  receivedAt: number,
): Promise<ReadonlyMap<string, Intake> | undefined> {
  const drafts = new Map<
    string,
    { events: IntakeEvent[]; suppressions: SuppressionRow[]; deadLetters: DeadLetter[]; alerts: NewAlert[] }
  >();
  const draftOf = (workspaceId: string) => {
    const known = drafts.get(workspaceId);
    if (known !== undefined) return known;
    const fresh = { events: [], suppressions: [], deadLetters: [], alerts: [] };
    drafts.set(workspaceId, fresh);
    return fresh;
  };
  const traceparent = traceUnderWay() ?? null;
  const channels = await directory.channelsOf(
    events.map(({ slice }) => slice),
    signer,
  );
  for (const [index, event] of events.entries()) {
    const channel = channels[index];
    const stored = toIntake(event, channel, receivedAt, traceparent);
    if (stored === undefined) return undefined;
    if (channel === undefined || !owns(signer, channel)) {
      const optOut = isOptOut(event);
      const { deadLetters, alerts } = draftOf(workspaceOfSigner(signer));
      deadLetters.push({
        reason: 'foreign channel',
        explanation: foreignExplanation(event),
        source: 'whatsapp',
        signer: nameOf(signer),
        lane: event.lane,
        eventKey: stored.eventKey,
        contentHash: stored.contentHash,
        payload: Buffer.from(JSON.stringify(event), 'utf8'),
        receivedAt,
        optOut,
      });
      if (optOut && !alerts.includes(optOutElsewhere)) alerts.push(optOutElsewhere);
      // What the signer of another business says of a number is no news of it: anybody may name one.
      if (optOut && channel !== undefined && signer.kind === 'service') {
        draftOf(channel.workspaceId).alerts.push(stopElsewhere(channel));
      }
      continue;
    }
    const draft = draftOf(channel.workspaceId);
    const stopped = stopOf(event, channel.optWords);
    draft.events.push(stopped === undefined ? stored : { ...stored, lane: lanes.stop });
    if (stopped !== undefined) draft.suppressions.push(...suppressionsOf(stopped, channel, stored));
  }
  return drafts;
}

/** The holder of a number hears of a STOP that came by the service's app. */
function stopElsewhere({ phoneNumberId }: ChannelEntry): NewAlert {
  return {
    kind: 'opt-out not applied',
    subject: phoneNumberId,
    message:
      `Somebody opted out on the number ${phoneNumberId}, which is connected here under an app of your own, and WhatsApp told ` +
      'the app of this installation: it is a dead letter there and not applied here. Enter the webhookUrl of the channel ' +
      '(GET /api/v1/channels) at Meta, and ask who runs this installation who it was.',
  };
}

function readEvents(body: Buffer): WebhookEvent[] | undefined {
  try {
    return splitWebhook(JSON.parse(body.toString('utf8')));
  } catch {
    return undefined;
  }
}

function toIntake(
  event: WebhookEvent,
  channel: ChannelEntry | undefined,
  receivedAt: number,
  traceparent: string | null,
): IntakeEvent | undefined {
  const { entryTime, ...slice } = event.slice;
  // The time Meta put on the entry is not part of what happened: a retry may carry another.
  const content = writeJson(slice);
  const payload = entryTime === undefined ? content : writeJson(event.slice);
  if (content === undefined || payload === undefined) return undefined;
  const channelId = channel?.channelId ?? null;
  return {
    eventKey: digest(`${channelId ?? ''}|${event.key}`).subarray(0, 16),
    contentHash: digest(content).subarray(0, 8),
    lane: event.lane,
    channelId,
    receivedAt,
    payload: Buffer.from(payload, 'utf8'),
    traceparent,
  };
}

/** Undefined for what `JSON.parse` reads and `JSON.stringify` cannot write: some thousands of levels of nesting. */
function writeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function suppressionsOf(
  ids: Identities,
  channel: ChannelEntry,
  { eventKey, receivedAt }: IntakeEvent,
): SuppressionRow[] {
  return [ids.phone, bsuidKeyOf(ids, channel.portfolio)]
    .filter((value) => value !== undefined)
    .map((value) => ({ value: storableText(value), eventKey, at: receivedAt }));
}

function foreignExplanation({ slice }: WebhookEvent): string {
  const named =
    slice.phoneNumberId === undefined
      ? `WhatsApp account ${slice.wabaId ?? '(none named)'}`
      : `phone number id ${slice.phoneNumberId}`;
  return (
    `The webhook names ${named}, which is not connected under the app that signed it. ` +
    'Connect that number, then replay this.'
  );
}

function withoutRepeats(events: readonly IntakeEvent[]): IntakeEvent[] {
  const seen = new Map<string, IntakeEvent>();
  for (const event of events) {
    seen.set(event.eventKey.toString('latin1') + event.contentHash.toString('latin1'), event);
  }
  return [...seen.values()];
}

function digest(content: string | Buffer): Buffer {
  return hash('sha256', content, 'buffer');
}

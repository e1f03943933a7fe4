import { z } from 'zod';
import { ownNumberOf } from '../../mapping/index.ts';
import type { AccountTraits, ConnectorTraits, CrmChange } from '../../crm/index.ts';
import {
  addOccurrences,
  closeEndedConflicts,
  confirmWrites,
  type ConnectionRow,
  connectionsOf,
  doubtRecords,
  echoMs,
  keepWrites,
  linksOfRecords,
  scannedOccurrences,
  markGone,
  markPriority,
  markRecords,
  markRestored,
  type Occurrence,
  openWrites,
  pollSoon,
  type RecordRow,
  recordsById,
  repointLinks,
  storableText,
  createsSince,
  workflowField,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import type { TraitsOf } from '../../work/index.ts';
import type { ErasureKeyOf } from '../erased-fields.ts';
import { applyDealChanges, type DealChange } from '../deal-changes.ts';
import { noteErasedEnds, noteToldBirths } from '../erased-tries.ts';
import { type Followed, followedBy, isTried, settlesAt } from '../followed.ts';
import { wholeMappingOf } from '../mapping-of.ts';
import { forgetTakenOver } from '../taken-over.ts';

/** Ids and names come from outside, and are keys of ours. */
const id = z.string().transform(storableText);
const change = z.object({ recordId: id, at: z.number() });

/** A CRM's change as it waits in the inbox. */
const crmChangePayload = z.object({
  field: z.literal('crm'),
  connectionId: z.string(),
  change: z.union([
    change.extend({ kind: z.literal('touched'), of: z.literal('deal') }),
    change.extend({ kind: z.literal('touched') }),
    change.extend({ kind: z.enum(['created', 'deleted', 'restored', 'erased']) }),
    change.extend({ kind: z.literal('merged'), into: id }),
    change.extend({
      kind: z.literal('field'),
      of: z.literal('deal'),
      personRecordId: id,
      field: id,
      value: z.string(),
      by: id.exactOptional(),
    }),
    change.extend({
      kind: z.literal('field'),
      field: id,
      value: z.string(),
      by: id.exactOptional(),
    }),
  ]),
});

export interface CrmChangePayload {
  readonly field: 'crm';
  readonly connectionId: string;
  readonly change: CrmChange;
}

export function readCrmChange(payload: unknown): CrmChangePayload | undefined {
  const read = crmChangePayload.safeParse(payload);
  return read.success ? read.data : undefined;
}

type FieldChange = Extract<CrmChange, { kind: 'field'; of?: undefined }>;

/** A record seen this much before a change was made cannot have shown it: clocks differ. */
const skewMs = 60_000;

/**
 * Takes in what happened in CRMs. What we wrote ourselves is absorbed; of the rest, field changes become occurrences and
 * the records are read again by the reconciler, who knows what both sides last agreed on. Returns records whose people
 * are to be erased.
 */
export async function applyCrmChanges(
  trx: WorkspaceTransaction,
  events: readonly CrmChangePayload[],
  traitsOf: TraitsOf,
  erasureKeyOf: ErasureKeyOf,
  now: number,
): Promise<{ readonly connectionId: string; readonly recordId: string }[]> {
  if (events.length === 0) return [];
  const erased: { connectionId: string; recordId: string }[] = [];
  const connections = new Map(
    (await connectionsOf(trx)).map((connection) => [connection.connectionId, connection]),
  );
  for (const [connectionId, ofConnection] of Map.groupBy(events, (event) => event.connectionId)) {
    const connection = connections.get(connectionId);
    const traits = connection === undefined ? undefined : traitsOf(connection);
    if (connection === undefined || traits === undefined) continue;
    const changes = ofConnection
      .flatMap((event) => asCallsSay(event.change, traits) ?? [])
      .toSorted((x, y) => x.at - y.at);
    await applyLives(trx, connectionId, traits, changes, erasureKeyOf, now);
    await applyFields(trx, connection, traits, changes, erasureKeyOf, now);
    const ofDeals = changes.filter((one): one is DealChange => one.kind === 'field' && one.of === 'deal');
    await applyDealChanges(trx, connectionId, traits, ofDeals, now);
    if (changes.some(isTouchedDeal)) await pollSoon(trx, connectionId, now);
    await forgetTakenOver(trx, followedBy(connection, traits), survivorsAndChanged(changes), erasureKeyOf);
    for (const { kind, recordId } of changes) if (kind === 'erased') erased.push({ connectionId, recordId });
  }
  return erased;
}

/** Undefined: nobody can tell what it says. */
function asCallsSay(change: CrmChange, traits: AccountTraits): CrmChange | undefined {
  if (change.kind !== 'field' || traits.readTold === undefined) return change;
  const { recordId, at, field } = change;
  const value = traits.readTold(field, change.value, traits);
  if (value !== undefined) return { ...change, value };
  return { kind: 'touched', recordId, at, ...(change.of === 'deal' ? { of: 'deal' } : {}) };
}

function isTouchedDeal(change: CrmChange): boolean {
  return change.kind === 'touched' && change.of === 'deal';
}

function isOfRecord(change: CrmChange): change is FieldChange {
  return change.kind === 'field' && change.of === undefined;
}

/** Records others went into, and records whose fields changed. */
function survivorsAndChanged(changes: readonly CrmChange[]): string[] {
  return changes.flatMap((one) => (one.kind === 'merged' ? one.into : isOfRecord(one) ? one.recordId : []));
}

/** Records that came, went, came back or were merged. */
export async function applyLives(
  trx: WorkspaceTransaction,
  connectionId: string,
  { timeline }: ConnectorTraits,
  changes: readonly CrmChange[],
  erasureKeyOf: ErasureKeyOf,
  now: number,
): Promise<void> {
  const told = (kind: CrmChange['kind']): CrmChange[] =>
    changes.filter((one) => one.kind === kind && !isTouchedDeal(one));
  const merged = changes.filter((one) => one.kind === 'merged');
  const moves = merged.map(({ recordId, into }) => ({ from: recordId, to: into }));
  await noteErasedEnds(trx, connectionId, moves, erasureKeyOf, now);
  await markGone(
    trx,
    connectionId,
    merged.map(({ recordId, into, at }) => ({ recordId, how: 'merged' as const, at, movedTo: into })),
  );
  await markRestored(trx, connectionId, told('restored'), now);
  const doubted = await doubtRecords(trx, connectionId, told('deleted'));
  await repointLinks(trx, connectionId, moves, { entriesMove: timeline.movesWithMerge, now });
  await closeEndedConflicts(
    trx,
    connectionId,
    moves.map(({ from }) => from),
    now,
  );
  const created = told('created').map(({ recordId }) => recordId);
  const rows = created.length === 0 ? [] : await recordsById(trx, connectionId, created);
  const ours = new Set(rows.filter(({ agreed }) => agreed).map(({ recordId }) => recordId));
  await markRecords(
    trx,
    connectionId,
    [
      ...created.filter((recordId) => !ours.has(recordId)),
      ...[...told('restored'), ...told('touched')].map(({ recordId }) => recordId),
      ...doubted,
      ...moves.map(({ to }) => to),
    ],
    { priority: markPriority.fields, reread: true },
    now,
  );
}

async function applyFields(
  trx: WorkspaceTransaction,
  connection: ConnectionRow,
  traits: AccountTraits,
  changes: readonly CrmChange[],
  erasureKeyOf: ErasureKeyOf,
  now: number,
): Promise<void> {
  const { connectionId } = connection;
  const fields = changes.filter(isOfRecord);
  if (fields.length === 0) return;
  const recordIds = [...new Set(fields.map(({ recordId }) => recordId))];
  const mapping = wholeMappingOf(connection, traits);
  const followed = followedBy(connection, traits);
  const { same } = followed;

  const rows = new Map((await recordsById(trx, connectionId, recordIds)).map((row) => [row.recordId, row]));
  const strangers = fields.filter(
    (one) => neverSeen(rows.get(one.recordId)) && followed.fields.has(one.field),
  );
  const births = await birthsAmong(trx, connectionId, strangers, same);
  const told = strangers.filter((one) => !byPerson(one));
  const ofErased = await noteToldBirths(trx, connectionId, told, erasureKeyOf);
  const { foreign: others, echoes } = await withoutEchoes(
    trx,
    connectionId,
    fields.filter((one) => !births.has(one) && !ofErased.has(one)),
    traits,
    same,
    now,
  );
  const foreign = others.filter((one) => !isOfErased(one, rows.get(one.recordId), traits));
  await confirmWrites(trx, connectionId, confirmed(echoes, rows));
  const news = foreign.filter((one) => !isKnown(one, rows.get(one.recordId), same));
  // A look may have been quicker: then this says when it was.
  const scanned =
    news.length === foreign.length ? new Set() : await scannedOccurrences(trx, connectionId, recordIds);
  const telling = foreign.filter(
    (one) => news.includes(one) || scanned.has(`${one.recordId} ${one.field} ${one.value}`),
  );
  await addOccurrences(
    trx,
    onceEach(telling)
      .filter(({ field }) => followed.fields.has(field) || field.startsWith(workflowField))
      .map((one): Occurrence => ({
        connectionId,
        recordId: one.recordId,
        field: one.field,
        value: one.value,
        changedAt: one.at,
        changedBy: one.by,
        scanned: false,
      })),
    now,
  );
  const linked = new Set(
    (await linksOfRecords(trx, connectionId, recordIds)).map(({ recordId }) => recordId),
  );
  const optOut = new Set(mapping.filter(({ source }) => source === 'opt-out').map(({ field }) => field.name));
  const concerns = [...news, ...overtaken(echoes, rows, same)].filter(
    ({ recordId, field }) =>
      traits.phoneFields.includes(field) || (linked.has(recordId) && followed.fields.has(field)),
  );
  for (const pressing of [true, false]) {
    await markRecords(
      trx,
      connectionId,
      concerns.filter(({ field }) => optOut.has(field) === pressing).map(({ recordId }) => recordId),
      { priority: pressing ? markPriority.consent : markPriority.fields, reread: true },
      now,
    );
  }
}

/** One execution of a workflow action, told twice in one batch, is one. */
function onceEach(changes: readonly FieldChange[]): FieldChange[] {
  const seen = new Set<string>();
  return changes.filter(({ recordId, field, value }) => {
    if (!field.startsWith(workflowField)) return true;
    const name = `${recordId} ${field} ${value}`;
    return !seen.has(name) && seen.add(name).has(name);
  });
}

/** Nothing of it was known before, also where it is no more by now. */
function neverSeen(row: RecordRow | undefined): boolean {
  return row === undefined || (!row.agreed && Object.keys(row.base).length === 0);
}

/**
 * What creating a record brought back before its making was answered: all that is told of a record nobody has seen
 * stands in such tries under one id, which all wrote to it where our id is unique.
 */
async function birthsAmong(
  trx: WorkspaceTransaction,
  connectionId: string,
  strangers: readonly FieldChange[],
  same: (field: string, x: string, y: string) => boolean,
): Promise<ReadonlySet<FieldChange>> {
  const told = strangers.filter((one) => !byPerson(one));
  if (told.length === 0) return new Set();
  const tries = await createsSince(trx, connectionId, earliestOf(told));
  const ofKeys = [...Map.groupBy(tries, ({ underKey }) => underKey).values()];
  const writtenUnder = ofKeys.map((ofKey) => ofKey.map(({ written }) => written));
  const ofRecords = [...Map.groupBy(told, ({ recordId }) => recordId).values()];
  return new Set(
    ofRecords
      .filter((ofRecord) =>
        writtenUnder.some((ofKey) =>
          ofRecord.every(({ field, value }) => isTried(ofKey, field, value, same)),
        ),
      )
      .flat(),
  );
}

/** We wrote it of somebody erased since, or may have. */
function isOfErased(one: FieldChange, row: RecordRow | undefined, traits: ConnectorTraits): boolean {
  const erasedAt = row?.erasedAt ?? null;
  return erasedAt !== null && !byPerson(one) && one.at <= settlesAt({ at: erasedAt }, traits);
}

function byPerson({ by }: FieldChange): boolean {
  return by?.startsWith('user ') === true;
}

function earliestOf(changes: readonly FieldChange[]): number {
  return changes.reduce((earliest, { at }) => Math.min(earliest, at), Number.MAX_SAFE_INTEGER);
}

interface Echo {
  readonly change: FieldChange;
  /** When the write was noted. */
  readonly writtenAt: number;
  readonly answered: boolean;
}

/**
 * Takes out what our own writes brought back: each is absorbed once, but for one nobody answered, which may still take
 * effect. What a person did is never ours.
 */
async function withoutEchoes(
  trx: WorkspaceTransaction,
  connectionId: string,
  changes: readonly FieldChange[],
  traits: ConnectorTraits,
  same: Followed['same'],
  now: number,
): Promise<{ readonly foreign: FieldChange[]; readonly echoes: Echo[] }> {
  const recordIds = [...new Set(changes.map(({ recordId }) => recordId))];
  const entries = (await openWrites(trx, connectionId, recordIds, earliestOf(changes))).map((entry) => ({
    ...entry,
    written: { ...entry.written },
  }));
  const touched = new Set<(typeof entries)[number]>();
  const echoes: Echo[] = [];
  const foreign = changes.filter((change) => {
    const { recordId, field, value } = change;
    if (byPerson(change)) return true;
    const echo = entries.find((entry) => {
      const written = entry.written[field];
      const isLate = entry.at <= change.at - echoMs;
      return entry.recordId === recordId && !isLate && written !== undefined && same(field, written, value);
    });
    if (echo === undefined) return true;
    if (echo.answered || settlesAt(echo, traits) < now) {
      delete echo.written[field];
      delete echo.written[ownNumberOf(field)];
      touched.add(echo);
    }
    echoes.push({ change, writtenAt: echo.at, answered: echo.answered });
    return false;
  });
  await keepWrites(trx, connectionId, [...touched]);
  return { foreign, echoes };
}

/**
 * Records as both sides agree on them after echoes of writes that nobody answered: an answer would have been remembered
 * since.
 */
function confirmed(echoes: readonly Echo[], rows: ReadonlyMap<string, RecordRow>): RecordRow[] {
  const known = new Map<string, RecordRow>();
  for (const { change, writtenAt } of echoes.toSorted((x, y) => x.writtenAt - y.writtenAt)) {
    const row = known.get(change.recordId) ?? rows.get(change.recordId);
    if (row === undefined || writtenAt <= row.baseAt) continue;
    const base = { ...row.base, [change.field]: change.value };
    const ours = [...new Set([...row.ours, change.field])].toSorted();
    known.set(row.recordId, { ...row, base, ours });
  }
  return [...known.values()];
}

/** Writes that took effect after all, over what was written since. */
function overtaken(
  echoes: readonly Echo[],
  rows: ReadonlyMap<string, RecordRow>,
  same: Followed['same'],
): FieldChange[] {
  return echoes.flatMap(({ change, writtenAt, answered }) => {
    const row = rows.get(change.recordId);
    const agreed = row?.base[change.field];
    const over = row !== undefined && agreed !== undefined && !same(change.field, agreed, change.value);
    return over && !answered && writtenAt <= row.baseAt ? [change] : [];
  });
}

/** Old news: the record was seen since, and says what it says. */
function isKnown(
  one: FieldChange,
  row: RecordRow | undefined,
  same: (field: string, x: string, y: string) => boolean,
): boolean {
  const agreed = row?.base[one.field];
  if (row === undefined || agreed === undefined || !same(one.field, agreed, one.value)) return false;
  return !byPerson(one) && one.at <= row.readAt + skewMs;
}

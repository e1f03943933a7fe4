import { z } from 'zod';
import type { ConnectorTraits, CrmChange, CrmField } from '../../crm/index.ts';
import {
  addOccurrences,
  type ConnectionRow,
  connectionsOf,
  keepWrites,
  linksOfRecords,
  markGone,
  markPriority,
  markRecords,
  markRestored,
  type Occurrence,
  openWrites,
  type RecordRow,
  recordsById,
  repointLinks,
  workflowField,
  type WorkspaceTransaction,
} from '../../store/index.ts';

const change = z.object({ recordId: z.string(), at: z.number() });

/** A CRM's change as it waits in the inbox. */
const crmChangePayload = z.object({
  field: z.literal('crm'),
  connectionId: z.string(),
  change: z.union([
    change.extend({ kind: z.enum(['created', 'deleted', 'restored', 'erased']) }),
    change.extend({ kind: z.literal('merged'), into: z.string() }),
    change.extend({
      kind: z.literal('field'),
      field: z.string(),
      value: z.string(),
      by: z.string().exactOptional(),
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

type FieldChange = Extract<CrmChange, { kind: 'field' }>;

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
  traitsOf: (crm: string) => ConnectorTraits | undefined,
  now: number,
): Promise<{ readonly connectionId: string; readonly recordId: string }[]> {
  if (events.length === 0) return [];
  const erased: { connectionId: string; recordId: string }[] = [];
  const connections = new Map(
    (await connectionsOf(trx)).map((connection) => [connection.connectionId, connection]),
  );
  for (const [connectionId, ofConnection] of Map.groupBy(events, (event) => event.connectionId)) {
    const connection = connections.get(connectionId);
    const traits = connection === undefined ? undefined : traitsOf(connection.crm);
    if (connection === undefined || traits === undefined) continue;
    const changes = ofConnection.map((event) => event.change).toSorted((x, y) => x.at - y.at);
    await applyLives(trx, connectionId, changes, now);
    await applyFields(trx, connection, traits, changes, now);
    for (const { kind, recordId } of changes) if (kind === 'erased') erased.push({ connectionId, recordId });
  }
  return erased;
}

/** Records that came, went, came back or were merged. */
async function applyLives(
  trx: WorkspaceTransaction,
  connectionId: string,
  changes: readonly CrmChange[],
  now: number,
): Promise<void> {
  const gone = changes.flatMap((one): Parameters<typeof markGone>[2][number][] => {
    if (one.kind === 'deleted') return [{ recordId: one.recordId, how: 'deleted' as const, at: one.at }];
    if (one.kind === 'merged') {
      return [{ recordId: one.recordId, how: 'merged' as const, at: one.at, movedTo: one.into }];
    }
    return [];
  });
  const restored = changes.filter(({ kind }) => kind === 'restored');
  await markGone(trx, connectionId, gone);
  await markRestored(trx, connectionId, restored);
  const moves = changes.flatMap((one) =>
    one.kind === 'merged' ? [{ from: one.recordId, to: one.into }] : [],
  );
  await repointLinks(trx, connectionId, moves);
  const look = (recordIds: readonly string[], reread: boolean): Promise<unknown> =>
    markRecords(trx, connectionId, recordIds, { priority: markPriority.fields, reread }, now);
  await look(
    gone.filter(({ how }) => how === 'deleted').map(({ recordId }) => recordId),
    false,
  );
  await look(
    [
      ...changes
        .filter(({ kind }) => kind === 'created' || kind === 'restored')
        .map(({ recordId }) => recordId),
      ...moves.map(({ to }) => to),
    ],
    true,
  );
}

async function applyFields(
  trx: WorkspaceTransaction,
  connection: ConnectionRow,
  traits: ConnectorTraits,
  changes: readonly CrmChange[],
  now: number,
): Promise<void> {
  const { connectionId } = connection;
  const fields = changes.filter((one): one is FieldChange => one.kind === 'field');
  if (fields.length === 0) return;
  const recordIds = [...new Set(fields.map(({ recordId }) => recordId))];
  const mapping = connection.mapping ?? traits.defaultMapping;
  const known = new Map(mapping.map(({ field }) => [field.name, field]));
  const same = (name: string, x: string, y: string): boolean =>
    x === y || traits.spelling.same(x, y, known.get(name) ?? textField(name));

  const foreign = await withoutEchoes(trx, connectionId, fields, same, now);
  const rows = new Map((await recordsById(trx, connectionId, recordIds)).map((row) => [row.recordId, row]));
  const news = foreign.filter((one) => !isKnown(one, rows.get(one.recordId), same));
  const followed = new Set([...known.keys(), ...traits.followedFields]);
  await addOccurrences(
    trx,
    onceEach(news)
      .filter(({ field }) => followed.has(field) || field.startsWith(workflowField))
      .map((one): Occurrence => ({
        connectionId,
        recordId: one.recordId,
        field: one.field,
        value: one.value,
        changedAt: one.at,
        changedBy: one.by,
      })),
    now,
  );
  const linked = new Set(
    (await linksOfRecords(trx, connectionId, recordIds)).map(({ recordId }) => recordId),
  );
  const optOut = new Set(mapping.filter(({ source }) => source === 'opt-out').map(({ field }) => field.name));
  const concerns = news.filter(
    ({ recordId, field }) =>
      traits.phoneFields.includes(field) || (linked.has(recordId) && followed.has(field)),
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

/** Takes out what our own writes brought back: each is absorbed once. What a person did is never ours. */
async function withoutEchoes(
  trx: WorkspaceTransaction,
  connectionId: string,
  changes: readonly FieldChange[],
  same: (field: string, x: string, y: string) => boolean,
  now: number,
): Promise<FieldChange[]> {
  const recordIds = [...new Set(changes.map(({ recordId }) => recordId))];
  const entries = (await openWrites(trx, connectionId, recordIds, now)).map((entry) => ({
    ...entry,
    written: { ...entry.written },
  }));
  const touched = new Set<(typeof entries)[number]>();
  const foreign = changes.filter(({ recordId, field, value, by }) => {
    if (by?.startsWith('user ') === true) return true;
    const echo = entries.find((entry) => {
      const written = entry.written[field];
      return entry.recordId === recordId && written !== undefined && same(field, written, value);
    });
    if (echo === undefined) return true;
    delete echo.written[field];
    touched.add(echo);
    return false;
  });
  await keepWrites(trx, connectionId, [...touched]);
  return foreign;
}

/** Old news: the record was seen since, and says what it says. */
function isKnown(
  one: FieldChange,
  row: RecordRow | undefined,
  same: (field: string, x: string, y: string) => boolean,
): boolean {
  const agreed = row?.base[one.field];
  if (row === undefined || agreed === undefined || !same(one.field, agreed, one.value)) return false;
  return one.by?.startsWith('user ') !== true && one.at <= row.readAt + skewMs;
}

function textField(name: string): CrmField {
  return { name, label: name, kind: 'text', writable: true };
}

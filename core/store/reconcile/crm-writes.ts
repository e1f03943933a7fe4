import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { CrmValues } from '../../crm/index.ts';
import { blobOf } from '../blob.ts';
import { fromJson, toJson } from '../json.ts';
import { subjectOfRecord } from './mark-subjects.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/** How long the echo of a write of ours may take. docs/design.md §3.3 */
export const echoMs = 10 * 60 * 1000;

/** What we wrote, or are about to write, and whose echo has not come. */
export interface JournalEntry {
  readonly recordId: string;
  readonly writeId: string;
  /** When it was noted, before the call. */
  readonly at: number;
  readonly written: CrmValues;
  /** False: its call ended without an answer, so it may still take effect. */
  readonly answered: boolean;
}

type StoredEntry = Omit<JournalEntry, 'written'> & { written: Buffer };

const columns = sql.raw('record_id as "recordId", write_id as "writeId", at, written, answered');

function entryOf(row: StoredEntry): JournalEntry {
  return { ...row, written: fromJson(row.written) as CrmValues };
}

/** Notes writes before they are made: an echo may come before the answer does. `underKey`: it creates a record under this id. */
export async function noteWrites(
  trx: WorkspaceTransaction,
  connectionId: string,
  writes: readonly { readonly recordId: string; readonly values: CrmValues; readonly underKey?: string }[],
  now: number,
): Promise<void> {
  if (writes.length === 0) return;
  const values = blobOf(writes.map((write) => toJson(write.values)));
  await sql`
    insert into crm_writes (workspace_id, connection_id, record_id, write_id, at, written, under_key, answered)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, record_id, write_id, ${now},
           substr(${values.bytes}::bytea, start, size), under_key, under_key is null
    from unnest(${writes.map((write) => write.recordId)}::text[], ${writes.map(() => randomUUID())}::uuid[],
                ${writes.map((write) => write.underKey ?? null)}::text[],
                ${values.starts}::int[], ${values.sizes}::int[]) as t (record_id, write_id, under_key, start, size)`.execute(
    trx,
  );
  trx.due.add('sweep', trx.workspaceId, now + echoMs);
}

/** Nobody said what became of the writes of these records since then: they may still take effect. */
export async function leaveUnanswered(
  trx: WorkspaceTransaction,
  connectionId: string,
  records: readonly { readonly recordId: string; readonly since: number }[],
): Promise<void> {
  if (records.length === 0) return;
  await sql`
    update crm_writes w set answered = false
    from unnest(${records.map(({ recordId }) => recordId)}::text[], ${records.map(({ since }) => since)}::bigint[])
         as t (record_id, since)
    where w.workspace_id = ${trx.workspaceId} and w.connection_id = ${connectionId} and w.record_id = t.record_id
      and w.at >= t.since and w.answered`.execute(trx);
}

/**
 * Whether somebody said what became of a write `w`: its mark says that nobody did, until it is leased again. Found by the mark's
 * key, which compares as the database does and not as ids of records.
 */
function isAnswered(trx: WorkspaceTransaction) {
  return sql`w.answered and not exists (
             select 1 from dirty_records d
             where d.workspace_id = ${trx.workspaceId} and d.connection_id = w.connection_id
               and d.subject = (${subjectOfRecord('')}::text || w.record_id) collate "default" and d.tried and d.marked_at <= w.at)`;
}

/** Writes of which nobody ever said what became of them, the first one first. */
export async function unansweredWrites(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<JournalEntry[]> {
  if (recordIds.length === 0) return [];
  const { rows } = await sql<StoredEntry>`
    select ${columns} from crm_writes w
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${recordIds}::text[]) and not (${isAnswered(trx)})
    order by at, write_id`.execute(trx);
  return rows.map(entryOf);
}

/**
 * A created record is known by its id from now on; its making was answered, and no try before. What it was known for already,
 * as it bore the id before, goes on as it is.
 */
export async function nameWrites(
  trx: WorkspaceTransaction,
  connectionId: string,
  names: readonly { readonly from: string; readonly to: string }[],
): Promise<void> {
  if (names.length === 0) return;
  const named = sql`
    unnest(${names.map(({ from }) => from)}::text[], ${names.map(({ to }) => to)}::text[]) as t (old, new)`;
  await sql`
    delete from crm_writes w
    using ${named} join crm_writes known on known.workspace_id = ${trx.workspaceId}
                   and known.connection_id = ${connectionId} and known.record_id = t.new
    where w.workspace_id = ${trx.workspaceId} and w.connection_id = ${connectionId} and w.record_id = t.old
      and known.write_id = w.write_id`.execute(trx);
  await sql`
    update crm_writes w
    set record_id = t.new,
        answered = not exists (select 1 from crm_writes later
                               where later.workspace_id = ${trx.workspaceId} and later.connection_id = w.connection_id
                                 and later.record_id = w.record_id
                                 and (later.at, later.write_id) > (w.at, w.write_id))
    from ${named}
    where w.workspace_id = ${trx.workspaceId} and w.connection_id = ${connectionId} and w.record_id = t.old`.execute(
    trx,
  );
}

/** What was answered of writes to these records comes back no more. */
export async function forgetAnswered(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<void> {
  if (recordIds.length === 0) return;
  await sql`
    delete from crm_writes
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${recordIds}::text[]) and answered`.execute(trx);
}

/**
 * What was written to records that went into others may be told of either, and what nobody answered yet may take effect where
 * they live on.
 */
export async function shareWrites(
  trx: WorkspaceTransaction,
  connectionId: string,
  moves: readonly { readonly from: string; readonly to: string }[],
): Promise<void> {
  await sql`
    insert into crm_writes (workspace_id, connection_id, record_id, write_id, at, written, under_key, answered)
    select w.workspace_id, w.connection_id, t.new, w.write_id, w.at, w.written, w.under_key, ${isAnswered(trx)}
    from unnest(${moves.map(({ from }) => from)}::text[], ${moves.map(({ to }) => to)}::text[]) as t (old, new)
    join crm_writes w on w.workspace_id = ${trx.workspaceId} and w.connection_id = ${connectionId}
                     and w.record_id = t.old
    on conflict do nothing`.execute(trx);
}

/** Writes whose echo may be a change that was made then or later, however late it is told. Locked: an echo is absorbed once. */
export async function openWrites(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
  changedAt: number,
): Promise<JournalEntry[]> {
  const { rows } = await sql<StoredEntry>`
    select ${columns} from crm_writes
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${recordIds}::text[]) and at > ${changedAt - echoMs}
    order by at, write_id for update`.execute(trx);
  return rows.map(entryOf);
}

/** What is left of these entries after echoes were absorbed. */
export async function keepWrites(
  trx: WorkspaceTransaction,
  connectionId: string,
  entries: readonly JournalEntry[],
): Promise<void> {
  const spent = entries.filter(({ written }) => Object.keys(written).length === 0);
  const left = entries.filter(({ written }) => Object.keys(written).length > 0);
  const values = blobOf(left.map(({ written }) => toJson(written)));
  await sql`
    update crm_writes w set written = substr(${values.bytes}::bytea, t.start, t.size)
    from unnest(${left.map(({ writeId }) => writeId)}::uuid[], ${left.map(({ recordId }) => recordId)}::text[],
                ${values.starts}::int[], ${values.sizes}::int[]) as t (write_id, record_id, start, size)
    where w.workspace_id = ${trx.workspaceId} and w.connection_id = ${connectionId}
      and w.record_id = t.record_id and w.write_id = t.write_id`.execute(trx);
  await sql`
    delete from crm_writes
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${spent.map(({ recordId }) => recordId)}::text[])
      and write_id = any(${spent.map(({ writeId }) => writeId)}::uuid[])`.execute(trx);
}

/** Under which name a record that is not made yet stands here. */
export const unborn = (key: string): string => `new:${key}`;

/**
 * Records that are about to bear our ids: what creates under these were to write since then, and nobody answered, may take
 * effect there. Returns which, and when they were noted.
 */
export async function shareCreates(
  trx: WorkspaceTransaction,
  connectionId: string,
  records: readonly { readonly recordId: string; readonly key: string }[],
  since: number,
): Promise<{ readonly recordId: string; readonly at: number }[]> {
  if (records.length === 0) return [];
  const { rows } = await sql<{ recordId: string; at: number }>`
    insert into crm_writes (workspace_id, connection_id, record_id, write_id, at, written, under_key, answered)
    select w.workspace_id, w.connection_id, t.record_id, w.write_id, w.at, w.written, w.under_key, false
    from unnest(${records.map(({ key }) => key)}::text[],
                ${records.map(({ recordId }) => recordId)}::text[]) as t (key, record_id)
    join crm_writes w on w.workspace_id = ${trx.workspaceId} and w.connection_id = ${connectionId}
                     and w.under_key = t.key and not w.answered and w.at >= ${since}
    on conflict do nothing
    returning record_id as "recordId", at`.execute(trx);
  return rows;
}

/** A try to create a record under one of our ids. */
export interface CreateTry {
  readonly underKey: string;
  readonly written: CrmValues;
}

/** What creates then or later were to write, each try for itself: one that nobody answered may have made a record of its own. */
export async function createsSince(
  trx: WorkspaceTransaction,
  connectionId: string,
  changedAt: number,
): Promise<CreateTry[]> {
  const { rows } = await sql<{ underKey: string; written: Buffer }>`
    select under_key as "underKey", written from crm_writes
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and under_key is not null and at > ${changedAt - echoMs}`.execute(trx);
  return rows.map(({ underKey, written }) => ({ underKey, written: fromJson(written) as CrmValues }));
}

/** What was to be written to records that may have been made, each try for itself, the first one first. */
export async function triedValues(
  trx: WorkspaceTransaction,
  connectionId: string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, readonly CrmValues[]>> {
  if (keys.length === 0) return new Map();
  const names = new Map(keys.map((key) => [unborn(key), key]));
  const { rows } = await sql<{ recordId: string; written: Buffer }>`
    select record_id as "recordId", written from crm_writes
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${[...names.keys()]}::text[])
    order by at, write_id`.execute(trx);
  return new Map(
    [...Map.groupBy(rows, ({ recordId }) => names.get(recordId) ?? recordId)].map(([key, tries]) => [
      key,
      tries.map(({ written }) => fromJson(written) as CrmValues),
    ]),
  );
}

/** How long a try that nobody answered may matter: the longest a record waits between its tries, and more. */
const triedMs = 7 * 24 * 60 * 60 * 1000;

/** Forgets writes whose echo will not come any more. Of a record whose making was answered none is unborn. */
export async function sweepWrites(trx: WorkspaceTransaction, now: number): Promise<void> {
  await sql`
    delete from crm_writes w where workspace_id = ${trx.workspaceId} and at <= ${now - echoMs}
      and ((${isAnswered(trx)} and not starts_with(record_id, ${unborn('')})) or at <= ${now - triedMs})`.execute(
    trx,
  );
}

import { sql } from 'kysely';
import { isReady, marksWaiting, writingTo, type WritingTo } from '../work/waiting.ts';
import { addCounts } from '../counts.ts';
import { twinsPrefix } from './mark-subjects.ts';
import type { Page } from '../page.ts';
import { asTraces, joinTraces } from '../traces.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/** How much a mark hurries: an index into the port's priorities. */
export const markPriority = { consent: 0, newLead: 1, fields: 2 } as const;

export interface Mark {
  readonly contactId: string;
  readonly priority: number;
  /** Of the events it comes from. */
  readonly traceparents?: readonly string[];
}

/** A record to be brought in step, or a contact that has none yet. */
export interface DirtyRecord {
  readonly subject: string;
  readonly contactId: string | null;
  readonly recordId: string | null;
  readonly priority: number;
  readonly version: number;
  readonly markedAt: number;
  /** Somebody changed it in the CRM: read it first. */
  readonly reread: boolean;
  /** A write was tried and nobody knows how that ended. */
  readonly tried: boolean;
  readonly attempts: number;
  readonly traceparents: readonly string[] | null;
}

/**
 * What a mark on an existing row does: it counts, it may hurry more, and what waited for time waits no longer, unless for
 * what may still happen.
 */
const markAgain = sql.raw(
  `on conflict (workspace_id, connection_id, subject) do update set version = d.version + 1,
     priority = least(d.priority, excluded.priority), due_at = d.not_before,
     ${joinTraces('d')},
     reread_version = case when excluded.reread_version > 0 then d.version + 1 else d.reread_version end
   returning connection_id as "connectionId", xmax = 0 as fresh, due_at as "dueAt"`,
);

/**
 * Marks the primary records of contacts, or the contacts where there are none, for every connection of the workspace. A
 * change of consent concerns all other records of a contact too, also one they were parted from: it may hold their phone.
 */
export async function markContacts(
  trx: WorkspaceTransaction,
  marks: readonly Mark[],
  now: number,
): Promise<void> {
  if (marks.length === 0) return;
  const { rows } = await sql<MarkedRow>`
    insert into dirty_records as d (workspace_id, connection_id, subject, contact_id, record_id, priority, traceparents,
                                    marked_at)
    with t as (
      select * from unnest(${marks.map((m) => m.contactId)}::uuid[], ${marks.map((m) => m.priority)}::smallint[],
                           ${marks.map((m) => asTraces(m.traceparents ?? []))}::text[])
                    as t (contact_id, priority, traces)
    ), marked as (
      select c.connection_id, l.record_id, case when l.record_id is null then t.contact_id end as contact_id, t.priority,
             t.traces
      from crm_connections c
      cross join t
      left join crm_links l on l.workspace_id = ${trx.workspaceId} and l.connection_id = c.connection_id
        and l.contact_id = t.contact_id and l.parted_at is null and l.is_primary
      where c.workspace_id = ${trx.workspaceId} and c.disconnected_at is null
      union all
      select c.connection_id, l.record_id, null, t.priority, t.traces
      from crm_connections c
      join crm_links l on l.workspace_id = ${trx.workspaceId} and l.connection_id = c.connection_id
      join t on t.contact_id = l.contact_id and t.priority = ${markPriority.consent}
      where c.workspace_id = ${trx.workspaceId} and c.disconnected_at is null
        and (not l.is_primary or l.parted_at is not null))
    select ${trx.workspaceId}::uuid, connection_id, coalesce('record:' || record_id, 'contact:' || contact_id::text),
           contact_id, record_id, min(priority), string_to_array(string_agg(traces, ' '), ' '), ${now}
    from marked
    group by connection_id, 3, contact_id, record_id
    order by connection_id, 3
    ${markAgain}`.execute(trx);
  await noteDue(trx, rows, now);
}

/** Marks records themselves; `reread`: somebody changed them in the CRM. */
export async function markRecords(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
  { priority, reread }: { readonly priority: number; readonly reread: boolean },
  now: number,
): Promise<void> {
  const marks = recordIds.map((recordId) => ({ recordId, priority }));
  await markEachRecord(trx, connectionId, marks, reread, now);
}

/** As `markRecords`, each with a priority of its own. */
export async function markEachRecord(
  trx: WorkspaceTransaction,
  connectionId: string,
  marks: readonly { readonly recordId: string; readonly priority: number }[],
  reread: boolean,
  now: number,
): Promise<void> {
  if (marks.length === 0) return;
  const { rows } = await sql<MarkedRow>`
    insert into dirty_records as d (workspace_id, connection_id, subject, record_id, priority, marked_at, reread_version)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, 'record:' || record_id, record_id, min(priority), ${now},
           ${reread ? 1 : 0}
    from unnest(${marks.map(({ recordId }) => recordId)}::text[], ${marks.map((mark) => mark.priority)}::smallint[])
         as t (record_id, priority)
    group by record_id
    order by record_id
    ${markAgain}`.execute(trx);
  await noteDue(trx, rows, now);
}

/** Has these records read at a time to come, unless a mark has them looked at before. */
export async function markLater(
  trx: WorkspaceTransaction,
  connectionId: string,
  marks: readonly { readonly recordId: string; readonly dueAt: number }[],
  now: number,
): Promise<void> {
  if (marks.length === 0) return;
  const { rows } = await sql<MarkedRow>`
    insert into dirty_records (workspace_id, connection_id, subject, record_id, priority, marked_at, due_at, reread_version)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, 'record:' || record_id, record_id, ${markPriority.fields},
           ${now}, max(due_at), 1
    from unnest(${marks.map(({ recordId }) => recordId)}::text[], ${marks.map(({ dueAt }) => dueAt)}::bigint[])
         as t (record_id, due_at)
    group by record_id
    order by record_id
    on conflict do nothing
    returning connection_id as "connectionId", true as fresh, due_at as "dueAt"`.execute(trx);
  await noteDue(trx, rows, now);
}

/** Has these contacts looked for at `dueAt`: records of theirs may stand that nobody here knows of. */
export async function markTwins(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactIds: readonly string[],
  dueAt: number,
  now: number,
): Promise<void> {
  if (contactIds.length === 0) return;
  const { rows } = await sql<MarkedRow>`
    insert into dirty_records as d (workspace_id, connection_id, subject, contact_id, priority, marked_at, due_at,
                                    not_before)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, ${twinsPrefix}::text || contact_id::text, contact_id,
           ${markPriority.fields}, ${now}, ${dueAt}, ${dueAt}
    from (select distinct unnest(${contactIds}::uuid[]) as contact_id) t
    order by contact_id
    ${markAgain}`.execute(trx);
  await noteDue(trx, rows, now);
}

/**
 * Marks everybody, as after a mapping changed. Records are read: of a field that vanished and is there again nothing that was
 * agreed still stands.
 */
export async function markAllDirty(
  trx: WorkspaceTransaction,
  connectionId: string,
  now: number,
): Promise<void> {
  const { rows } = await sql<MarkedRow>`
    insert into dirty_records as d (workspace_id, connection_id, subject, contact_id, record_id, priority, marked_at, reread_version)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, coalesce('record:' || l.record_id, 'contact:' || c.contact_id::text),
           case when l.record_id is null then c.contact_id end, l.record_id, ${markPriority.fields}, ${now},
           (l.record_id is not null)::int
    from contacts c
    left join crm_links l on l.workspace_id = ${trx.workspaceId} and l.connection_id = ${connectionId}
      and l.contact_id = c.contact_id and l.parted_at is null
    where c.workspace_id = ${trx.workspaceId} and c.merged_into is null
    group by 3, 4, 5
    order by 3
    ${markAgain}`.execute(trx);
  await noteDue(trx, rows, now);
}

interface MarkedRow {
  readonly connectionId: string;
  /** Newly marked: what falls due for the statement of a day. */
  readonly fresh: boolean;
  readonly dueAt: number;
}

async function noteDue(trx: WorkspaceTransaction, rows: readonly MarkedRow[], now: number): Promise<void> {
  for (const { connectionId, dueAt } of rows) trx.due.add('records', connectionId, dueAt);
  const fresh = rows.filter((row) => row.fresh);
  await addCounts(
    trx,
    fresh.map(({ connectionId }) => ({ name: 'due', at: now, count: 1, connectionId })),
  );
}

/**
 * Takes a batch for `leaseMs`, the most pressing first; whoever dies holding it is overtaken when the lease ends.
 * `before`: of those more pressing than that.
 */
export async function leaseDirty(
  trx: WorkspaceTransaction,
  batch: {
    connection: WritingTo;
    lease: string;
    size: number;
    now: number;
    leaseMs: number;
    before?: number | undefined;
  },
): Promise<DirtyRecord[]> {
  const before = batch.before === undefined ? sql`` : sql`and w.priority < ${batch.before}`;
  const { rows } = await sql<DirtyRecord>`
    with mine as materialized (
      select w.connection_id, w.subject ${marksWaiting(trx, batch.connection)}
        and ${isReady(batch.now)} ${before}
      order by w.priority, w.marked_at, w.subject limit ${batch.size} for update of w skip locked)
    update dirty_records d set lease = ${batch.lease}, leased_until = ${batch.now + batch.leaseMs}
    from mine
    where d.workspace_id = ${trx.workspaceId} and d.connection_id = mine.connection_id and d.subject = mine.subject
    returning d.subject, d.contact_id as "contactId", d.record_id as "recordId", d.priority, d.version,
              d.marked_at as "markedAt", d.reread_version > 0 as reread, d.tried, d.attempts, d.traceparents`.execute(
    trx,
  );
  return rows.toSorted((x, y) => x.priority - y.priority || x.markedAt - y.markedAt);
}

export type DirtyKey = readonly [priority: number, markedAt: number, subject: string];

/** Marks without taking them, the most pressing first. */
export async function peekDirty(
  trx: WorkspaceTransaction,
  connectionId: string,
  { limit, after }: Page<DirtyKey>,
): Promise<DirtyRecord[]> {
  const [priority, markedAt, subject] = after ?? [];
  const { rows } = await sql<DirtyRecord>`
    select subject, contact_id as "contactId", record_id as "recordId", priority, version, marked_at as "markedAt",
           reread_version > 0 as reread, tried, attempts, traceparents
    from dirty_records
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      ${priority === undefined ? sql`` : sql`and (priority, marked_at, subject) > (${priority}::bigint, ${markedAt}::bigint, ${subject}::text)`}
    order by priority, marked_at, subject limit ${limit}`.execute(trx);
  return rows;
}

/** What waited because it had failed is tried again at once. */
export async function forgetTries(trx: WorkspaceTransaction, connectionId: string): Promise<void> {
  await sql`
    update dirty_records set attempts = 0, due_at = not_before
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and attempts > 0 and lease is null`.execute(
    trx,
  );
  trx.due.add('records', connectionId);
}

/** Whether anything besides this subject could be taken now. */
export async function othersDue(
  trx: WorkspaceTransaction,
  connectionId: string,
  subject: string,
  now: number,
): Promise<boolean> {
  const to = await writingTo(trx, connectionId);
  if (to === undefined) return false;
  const { rows } = await sql`
    select 1 ${marksWaiting(trx, to)} and ${isReady(now)} and w.subject <> ${subject}
    limit 1`.execute(trx);
  return rows.length > 0;
}

/** From here on nobody knows whether these were written, until somebody says so. */
export async function markTried(
  trx: WorkspaceTransaction,
  connectionId: string,
  subjects: readonly string[],
): Promise<void> {
  if (subjects.length === 0) return;
  await sql`
    update dirty_records set tried = true
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and subject = any(${subjects}::text[])`.execute(trx);
}

/**
 * Ends a lease: what did not change while it was written is done; what did is there to be taken again, its outcome known.
 * Returns what is done.
 */
export async function settleDirty(
  trx: WorkspaceTransaction,
  batch: { connectionId: string; lease: string; settled: readonly DirtyRecord[] },
): Promise<string[]> {
  const { rows } = await sql<{ subject: string }>`
    delete from dirty_records d
    using unnest(${batch.settled.map((r) => r.subject)}::text[], ${batch.settled.map((r) => r.version)}::int[])
          as t (subject, version)
    where d.workspace_id = ${trx.workspaceId} and d.connection_id = ${batch.connectionId}
      and d.subject = t.subject and d.version = t.version and d.lease = ${batch.lease}
    returning d.subject`.execute(trx);
  const done = rows.map(({ subject }) => subject);
  if (done.length < batch.settled.length) {
    await sql`
      update dirty_records d
      set lease = null, leased_until = null, tried = false, attempts = 0, due_at = 0, not_before = 0,
          reread_version = case when d.reread_version > t.version then d.reread_version else 0 end
      from unnest(${batch.settled.map((r) => r.subject)}::text[], ${batch.settled.map((r) => r.version)}::int[])
           as t (subject, version)
      where d.workspace_id = ${trx.workspaceId} and d.connection_id = ${batch.connectionId}
        and d.subject = t.subject and d.lease = ${batch.lease}`.execute(trx);
  }
  return done;
}

/** A mark that goes back. */
export interface ReturnedMark {
  readonly dirty: DirtyRecord;
  /** It was tried and failed, and is not taken again before, unless it is marked anew. */
  readonly retryAt?: number;
  /** What was tried may still be made until then: nothing takes it again before. */
  readonly notBefore?: number;
  /** What was tried is known not to have been made. */
  readonly untried?: boolean;
}

/** Gives marks back. */
export async function returnDirty(
  trx: WorkspaceTransaction,
  batch: { connectionId: string; lease: string; returned: readonly ReturnedMark[] },
): Promise<void> {
  const { returned } = batch;
  if (returned.length === 0) return;
  await sql`
    update dirty_records d
    set lease = null, leased_until = null, attempts = d.attempts + t.failed, tried = d.tried and not t.untried,
        not_before = greatest(d.not_before, case when d.tried then t.not_before end),
        due_at = greatest(case when d.version = t.version then t.retry_at else d.due_at end, d.not_before,
                          case when d.tried then t.not_before end)
    from unnest(${returned.map(({ dirty }) => dirty.subject)}::text[],
                ${returned.map(({ dirty }) => dirty.version)}::int[],
                ${returned.map(({ retryAt }) => (retryAt === undefined ? 0 : 1))}::int[],
                ${returned.map(({ retryAt }) => retryAt ?? 0)}::bigint[],
                ${returned.map(({ notBefore }) => notBefore ?? 0)}::bigint[],
                ${returned.map(({ untried }) => untried ?? false)}::bool[])
         as t (subject, version, failed, retry_at, not_before, untried)
    where d.workspace_id = ${trx.workspaceId} and d.connection_id = ${batch.connectionId}
      and d.subject = t.subject and d.lease = ${batch.lease}`.execute(trx);
}

/** Locks marks that are there in the order every transaction takes them: what follows may touch them in any. */
export async function lockDirty(
  trx: WorkspaceTransaction,
  connectionId: string,
  subjects: readonly string[],
): Promise<void> {
  await sql`
    select 1 from dirty_records
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and subject = any(${subjects}::text[])
    order by subject for update`.execute(trx);
}

/** Lets subjects wait for a person; what else the lease holds stays as it is. */
export async function holdDirty(
  trx: WorkspaceTransaction,
  connectionId: string,
  subjects: readonly string[],
  why: string,
): Promise<void> {
  if (subjects.length === 0) return;
  await sql`
    update dirty_records set held = ${why}, lease = null, leased_until = null
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and subject = any(${subjects}::text[])`.execute(trx);
}

/** Lets what was held go on, and nothing be held before `until`; returns how many there were. */
export async function releaseHeld(
  trx: WorkspaceTransaction,
  connectionId: string,
  until: number,
): Promise<number> {
  await sql`
    update crm_connections set rush_released_until = ${until}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
  const { rows } = await sql`
    update dirty_records set held = null, version = version + 1
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and held is not null
    returning 1`.execute(trx);
  trx.due.add('records', connectionId);
  return rows.length;
}

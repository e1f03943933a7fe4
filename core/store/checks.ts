import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { CrmValues } from '../crm/index.ts';
import type { ConnectionRow } from './connections.ts';
import { fromJson, toJson } from './json.ts';
import type { WorkspaceTransaction } from './store.ts';

/** One look through a whole CRM account. */
export interface CheckRow {
  readonly checkId: string;
  readonly connectionId: string;
  readonly state: 'running' | 'done' | 'stopped';
  /** By which it reads phones; empty: none is known. */
  readonly region: string;
  readonly cursor: string | null;
  readonly records: number;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly nextAt: number;
  readonly problem: string | null;
  /** How many records hold a value, by field. */
  readonly filled: Readonly<Record<string, number>>;
}

const columns = sql.raw(
  `check_id as "checkId", connection_id as "connectionId", state, region, cursor, records, started_at as "startedAt",
   finished_at as "finishedAt", next_at as "nextAt", problem, report`,
);

type StoredCheck = Omit<CheckRow, 'filled'> & { report: Buffer | null };

function checkOf({ report, ...row }: StoredCheck): CheckRow {
  return { ...row, filled: report === null ? {} : (fromJson(report) as Record<string, number>) };
}

/** The connection's latest check. */
export async function lastCheck(
  trx: WorkspaceTransaction,
  connectionId: string,
): Promise<CheckRow | undefined> {
  const { rows } = await sql<StoredCheck>`
    select ${columns} from checks
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
    order by check_id desc limit 1`.execute(trx);
  return rows.map(checkOf)[0];
}

/** Begins one, unless one is running. */
export async function insertCheck(
  trx: WorkspaceTransaction,
  { connectionId, region }: Pick<ConnectionRow, 'connectionId' | 'region'>,
  now: number,
): Promise<void> {
  await trx
    .insertInto('checks')
    .values({
      workspace_id: trx.workspaceId,
      connection_id: connectionId,
      check_id: uuidv7(),
      state: 'running',
      region: region ?? '',
      started_at: now,
      cursor: null,
      finished_at: null,
      problem: null,
      lease: null,
      leased_until: null,
      report: null,
    })
    .onConflict((running) => running.doNothing())
    .execute();
}

/** False: none was running. */
export async function stopCheck(
  trx: WorkspaceTransaction,
  connectionId: string,
  now: number,
): Promise<boolean> {
  const { rows } = await sql`
    update checks set state = 'stopped', finished_at = ${now}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and state = 'running' returning 1`.execute(
    trx,
  );
  return rows.length > 0;
}

/** Takes one running check for `leaseMs`; two processes never look at the same page. */
export async function leaseCheck(
  trx: WorkspaceTransaction,
  lease: string,
  now: number,
  leaseMs: number,
): Promise<CheckRow | undefined> {
  const { rows } = await sql<StoredCheck>`
    update checks set lease = ${lease}, leased_until = ${now + leaseMs}
    where workspace_id = ${trx.workspaceId} and check_id = (
      select check_id from checks
      where workspace_id = ${trx.workspaceId} and state = 'running' and next_at <= ${now}
        and (leased_until is null or leased_until < ${now})
      order by next_at limit 1 for update skip locked)
    returning ${columns}`.execute(trx);
  return rows.map(checkOf)[0];
}

/** Goes on from the next page. Nothing, where the check was stopped or taken over. */
export async function advanceCheck(
  trx: WorkspaceTransaction,
  lease: string,
  page: { readonly cursor: string | null; readonly records: number; readonly filled: CheckRow['filled'] },
): Promise<void> {
  await sql`
    update checks set cursor = ${page.cursor}, records = records + ${page.records}, report = ${toJson(page.filled)},
           lease = null, leased_until = null, problem = null
    where workspace_id = ${trx.workspaceId} and lease = ${lease} and state = 'running'`.execute(trx);
}

export async function delayCheck(
  trx: WorkspaceTransaction,
  lease: string,
  nextAt: number,
  problem: string | null,
): Promise<void> {
  await sql`
    update checks set lease = null, leased_until = null, next_at = ${nextAt}, problem = ${problem}
    where workspace_id = ${trx.workspaceId} and lease = ${lease}`.execute(trx);
}

/** The account has been seen as a whole: what was not seen is gone, and from now on a miss means nobody. */
export async function finishCheck(
  trx: WorkspaceTransaction,
  check: CheckRow,
  now: number,
): Promise<{ readonly recordId: string; readonly at: number }[]> {
  await sql`
    update checks set state = 'done', finished_at = ${now}, lease = null, leased_until = null
    where workspace_id = ${trx.workspaceId} and check_id = ${check.checkId}`.execute(trx);
  await sql`
    update crm_connections
    set indexed_at = ${now}, indexed_region = ${check.region}, polled_until = least(coalesce(polled_until, ${check.startedAt}), ${check.startedAt}),
        next_poll_at = least(next_poll_at, ${now}), poll_cursor = null
    where workspace_id = ${trx.workspaceId} and connection_id = ${check.connectionId}`.execute(trx);
  const { rows } = await sql<{ recordId: string; at: number }>`
    select record_id as "recordId", read_at as at from crm_records
    where workspace_id = ${trx.workspaceId} and connection_id = ${check.connectionId} and gone is null
      and read_at < ${check.startedAt}`.execute(trx);
  return rows;
}

/** Takes the poll of a connection, which nobody else then makes before `nextAt`. */
export async function claimPoll(
  trx: WorkspaceTransaction,
  connectionId: string,
  poll: { readonly seen: number; readonly nextAt: number },
): Promise<boolean> {
  const { rows } = await sql`
    update crm_connections set next_poll_at = ${poll.nextAt}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and next_poll_at = ${poll.seen}
    returning 1`.execute(trx);
  return rows.length > 0;
}

/** Where the poll goes on; with `until` it is done and changes are known up to there. */
export async function advancePoll(
  trx: WorkspaceTransaction,
  connectionId: string,
  at: { readonly cursor: string | null; readonly until?: number },
): Promise<void> {
  await sql`
    update crm_connections
    set poll_cursor = ${at.cursor}, polled_until = coalesce(${at.until ?? null}::bigint, polled_until)
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
}

/** What records show of their phones, as it stands in the CRM. */
export async function typedPhones(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const { rows } = await sql<{ recordId: string; field: string; typed: string }>`
    select record_id as "recordId", field, typed from crm_phones
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${recordIds}::text[])`.execute(trx);
  return new Map(
    [...Map.groupBy(rows, ({ recordId }) => recordId)].map(([recordId, ofRecord]) => [
      recordId,
      Object.fromEntries(ofRecord.map(({ field, typed }) => [field, typed])),
    ]),
  );
}

/** Phones that stand on several records. */
export async function sharedPhones(
  trx: WorkspaceTransaction,
  connectionId: string,
  most: number,
): Promise<{ readonly phone: string; readonly recordIds: string[] }[]> {
  const { rows } = await sql<{ phone: string; recordIds: string[] }>`
    select phone, array_agg(distinct record_id) as "recordIds" from crm_phones
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and phone is not null
    group by phone having count(distinct record_id) > 1
    order by phone limit ${most}`.execute(trx);
  return rows;
}

export interface UnreadablePhone {
  readonly recordId: string;
  readonly field: string;
  readonly typed: string;
  readonly why: string;
}

export async function unreadablePhones(
  trx: WorkspaceTransaction,
  connectionId: string,
  page: { readonly limit: number; readonly after: number },
): Promise<{ readonly rows: UnreadablePhone[]; readonly total: number }> {
  const { rows } = await sql<UnreadablePhone>`
    select record_id as "recordId", field, typed, unreadable as why from crm_phones
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and phone is null
    order by length(record_id), record_id, field limit ${page.limit} offset ${page.after}`.execute(trx);
  const { rows: counts } = await sql<{ total: number }>`
    select count(*)::int as total from crm_phones
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and phone is null`.execute(
    trx,
  );
  return { rows, total: counts[0]?.total ?? 0 };
}

/** What was seen of records, whoever's they are. */
export async function seenValues(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, CrmValues>> {
  const { rows } = await sql<{ recordId: string; base: Buffer }>`
    select record_id as "recordId", base from crm_records
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${recordIds}::text[])`.execute(trx);
  return new Map(rows.map(({ recordId, base }) => [recordId, fromJson(base) as CrmValues]));
}

/** Records that hold the phone of somebody we know, with that contact. */
export async function knownPeople(
  trx: WorkspaceTransaction,
  connectionId: string,
  most: number,
): Promise<{ readonly recordId: string; readonly contactId: string }[]> {
  const { rows } = await sql<{ recordId: string; contactId: string }>`
    select distinct p.record_id as "recordId", i.contact_id as "contactId"
    from identities i
    join crm_phones p on p.workspace_id = ${trx.workspaceId} and p.phone = i.value and p.connection_id = ${connectionId}
    where i.workspace_id = ${trx.workspaceId} and i.contact_id is not null
      and not exists (select 1 from identities later where later.workspace_id = ${trx.workspaceId}
                        and later.value = i.value and later.since > i.since)
    order by 1 limit ${most}`.execute(trx);
  return rows;
}

import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { ConnectionRow } from '../accounts/connections.ts';
import { fromJson, toJson } from '../json.ts';
import type { WorkspaceTransaction } from '../store.ts';

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
  trx.due.add('checks', connectionId);
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

/** Takes a connection's running check for `leaseMs`; two processes never look at the same page. */
export async function leaseCheck(
  trx: WorkspaceTransaction,
  connectionId: string,
  lease: string,
  now: number,
  leaseMs: number,
): Promise<CheckRow | undefined> {
  const { rows } = await sql<StoredCheck>`
    update checks set lease = ${lease}, leased_until = ${now + leaseMs}
    where workspace_id = ${trx.workspaceId} and check_id = (
      select check_id from checks
      where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and state = 'running'
        and next_at <= ${now} and (leased_until is null or leased_until < ${now})
      for update skip locked)
    returning ${columns}`.execute(trx);
  return rows.map(checkOf)[0];
}

/** Goes on from the next page. False: the check was stopped or taken over. */
export async function advanceCheck(
  trx: WorkspaceTransaction,
  lease: string,
  page: { readonly cursor: string | null; readonly records: number; readonly filled: CheckRow['filled'] },
): Promise<boolean> {
  const { rows } = await sql`
    update checks set cursor = ${page.cursor}, records = records + ${page.records}, report = ${toJson(page.filled)},
           lease = null, leased_until = null, problem = null
    where workspace_id = ${trx.workspaceId} and lease = ${lease} and state = 'running' returning 1`.execute(
    trx,
  );
  return rows.length > 0;
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
    update crm_scan_states
    set indexed_at = ${now}, indexed_region = ${check.region}, polled_until = least(coalesce(polled_until, ${check.startedAt}), ${check.startedAt}),
        next_poll_at = least(next_poll_at, ${now}), poll_cursor = null
    where workspace_id = ${trx.workspaceId} and connection_id = ${check.connectionId}`.execute(trx);
  trx.due.add('polls', check.connectionId);
  const { rows } = await sql<{ recordId: string; at: number }>`
    select record_id as "recordId", read_at as at from crm_records
    where workspace_id = ${trx.workspaceId} and connection_id = ${check.connectionId} and gone is null
      and read_at < ${check.startedAt}`.execute(trx);
  return rows;
}

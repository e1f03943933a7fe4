import { sql } from 'kysely';
import { phoneCandidates } from '../../identity/index.ts';
import { markEachRecord, markPriority } from '../reconcile/dirty.ts';
import type { WorkspaceTransaction } from '../store.ts';
import { hashBases, hashTries } from './erased-hashes.ts';
import { forgetOnShared } from './forget-on-shared.ts';
import {
  type IsTheirs,
  type LeavingRecords,
  named,
  type RecordNamed,
  type TheirRecord,
} from './their-records.ts';

/**
 * What both sides agreed on of their records, what was written there and what happened there. Of records that are others'
 * too what tells of them goes, and the rest is written anew as those others have it: what of their values we wrote there
 * is known by its hash until it is seen to have given way.
 */
export async function forgetRecords(
  trx: WorkspaceTransaction,
  leaving: LeavingRecords,
  isTheirs: IsTheirs,
  key: Buffer,
  now: number,
): Promise<void> {
  const { own, records } = leaving;
  await hashBases(trx, [...records.shared, ...records.alone], key);
  await forgetOnShared(trx, leaving, isTheirs, key, now);
  await hashTries(trx, records.unborn, isTheirs, key, now);
  await forgetShared(trx, records.alone);
  for (const [table, rows] of [
    ['crm_writes', [...records.alone, ...records.unborn]],
    ['occurrences', records.alone],
    ['crm_deals', records.alone],
  ] as const) {
    await sql`
      delete from ${sql.table(table)} o using ${named(rows)}
      where o.workspace_id = ${trx.workspaceId} and o.connection_id = t.connection_id
        and o.record_id = t.record_id`.execute(trx);
  }
  await sql`
    update crm_records r
    set base = '{}', refused = '{}', ours = '{}', agreed = false, key_contact_id = null, erased_at = ${now}
    from ${named(records.alone)}
    where r.workspace_id = ${trx.workspaceId} and r.connection_id = t.connection_id
      and r.record_id = t.record_id`.execute(trx);
  await forgetChangesOf(trx, own);
  // What was typed stands with each number of its field.
  await sql`
    delete from crm_phones p
    using crm_phones o
    where p.workspace_id = ${trx.workspaceId} and o.workspace_id = ${trx.workspaceId}
      and o.phone = any(${[...own]}::text[]) and p.connection_id = o.connection_id and p.record_id = o.record_id
      and p.field = o.field`.execute(trx);
  await markShared(trx, records.shared, now);
}

/** What was written to their records is known of those they went into too, however they were called then. */
async function forgetShared(trx: WorkspaceTransaction, alone: readonly TheirRecord[]): Promise<void> {
  const places = alone.flatMap(({ connectionId, recordId, survivors }) =>
    survivors.map((survivorId) => ({ connectionId, recordId, survivorId })),
  );
  await sql`
    delete from crm_writes o
    using unnest(${places.map((one) => one.connectionId)}::uuid[], ${places.map((one) => one.recordId)}::text[],
                 ${places.map((one) => one.survivorId)}::text[]) as t (connection_id, record_id, survivor_id)
    join crm_writes w on w.workspace_id = ${trx.workspaceId} and w.connection_id = t.connection_id
                     and w.record_id = t.record_id
    where o.workspace_id = ${trx.workspaceId} and o.connection_id = t.connection_id
      and o.record_id = t.survivor_id and o.write_id = w.write_id`.execute(trx);
}

/** Changes that were told of any record and carry one of these phones. */
async function forgetChangesOf(trx: WorkspaceTransaction, own: ReadonlySet<string>): Promise<void> {
  const digits = [...own].flatMap((value) => (value.startsWith('+') ? phoneCandidates(value) : []));
  await sql`
    delete from occurrences
    where workspace_id = ${trx.workspaceId}
      and regexp_replace(value, '[^0-9]', '', 'g') = any(${digits.map((phone) => phone.slice(1))}::text[])`.execute(
    trx,
  );
}

/** Their opt-out stands there too, and what of their values we wrote: as the others have it, it is to be. */
async function markShared(
  trx: WorkspaceTransaction,
  shared: readonly TheirRecord[],
  now: number,
): Promise<void> {
  const { rows } = await sql<RecordNamed>`
    select r.connection_id as "connectionId", r.record_id as "recordId"
    from ${named(shared)}
    join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = t.connection_id
                      and r.record_id = t.record_id and r.gone is null
    join crm_connections c on c.workspace_id = ${trx.workspaceId} and c.connection_id = t.connection_id
                          and c.disconnected_at is null
    order by 1, 2`.execute(trx);
  for (const [connectionId, records] of Map.groupBy(rows, (row) => row.connectionId)) {
    const marks = records.map(({ recordId }) => ({ recordId, priority: markPriority.consent }));
    await markEachRecord(trx, connectionId, marks, true, now);
  }
}

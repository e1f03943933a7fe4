import { sql } from 'kysely';
import { closeConflict, type Conflict, openConflicts } from '../corrections/attention.ts';
import { recordsById } from './crm-records.ts';
import { linksOfContacts, twoRecords } from './links.ts';
import type { WorkspaceTransaction } from '../store.ts';

type Ended = Pick<Conflict, 'conflictId' | 'kind' | 'contactId' | 'recordIds'>;

/**
 * These records ended. Conflicts about them close where nothing is left to decide: all are gone, or live on as one. Of a
 * person who still has several, the conflict names those. To be called after links followed.
 */
export async function closeEndedConflicts(
  trx: WorkspaceTransaction,
  connectionId: string,
  endedIds: readonly string[],
  now: number,
): Promise<void> {
  if (endedIds.length === 0) return;
  const { rows: conflicts } = await sql<Ended>`
    select conflict_id as "conflictId", kind, contact_id as "contactId", record_ids as "recordIds" from conflicts
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and state = 'open'
      and record_ids && ${endedIds}::text[]
    order by conflict_id for update`.execute(trx);
  if (conflicts.length === 0) return;
  const livesOn = await livesOnAs(trx, connectionId, [
    ...new Set(conflicts.flatMap(({ recordIds }) => recordIds)),
  ]);
  const people = conflicts.flatMap(({ contactId }) => contactId ?? []);
  const primaries = (await linksOfContacts(trx, connectionId, people)).filter(({ primary }) => primary);
  const again: Parameters<typeof openConflicts>[1][number][] = [];
  for (const { conflictId, kind, contactId, recordIds } of conflicts) {
    const left = [...new Set(recordIds.flatMap((recordId) => livesOn.get(recordId) ?? []))];
    const isPrimary = (recordId: string): boolean =>
      primaries.some((link) => link.contactId === contactId && link.recordId === recordId);
    if (kind === 'two records') {
      if (left.length === recordIds.length && left.every((recordId) => recordIds.includes(recordId)))
        continue;
      const [primary, second, ...others] = left.toSorted(
        (x, y) => Number(isPrimary(y)) - Number(isPrimary(x)),
      );
      if (contactId !== null && primary !== undefined && second !== undefined) {
        again.push(twoRecords(connectionId, contactId, [primary, second, ...others]));
      }
    } else if (left.some((recordId) => kind === 'opt-out cleared' || !isPrimary(recordId))) continue;
    await closeConflict(trx, conflictId, 'records it names were merged, or are gone from the CRM', now);
  }
  await openConflicts(trx, again, now);
}

/** Where each of these records lives on, itself or another; one that is gone is left out. */
async function livesOnAs(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await recordsById(trx, connectionId, recordIds);
  const moved = new Map(
    rows.flatMap(({ recordId, movedTo }) => (movedTo === null ? [] : [[recordId, movedTo] as const])),
  );
  const ends = await recordsById(trx, connectionId, [...moved.values()]);
  const gone = new Set([...rows, ...ends].flatMap((row) => (row.gone === null ? [] : row.recordId)));
  return new Map(
    recordIds.flatMap((recordId) => {
      const at = moved.get(recordId) ?? recordId;
      return gone.has(at) ? [] : [[recordId, at] as const];
    }),
  );
}

import { Refusal } from '../errors.ts';
import { connectionOf, keptLinks, recordsById, type Store } from '../store/index.ts';
import type { Connectors } from '../work/index.ts';

export interface LinkNamed {
  readonly connectionId: string;
  readonly contactId: string;
  readonly recordId: string;
}

/**
 * Passes where the record is known or the CRM shows it now: a mistyped id would be taken for a record, and its contact be
 * written nowhere. Throws a `Refusal`, or the connector's errors. Of an unknown connection it says nothing.
 */
export async function mustBeRecord(
  { store, connectors }: { readonly store: Store; readonly connectors: Connectors },
  workspaceId: string,
  { connectionId, contactId, recordId }: LinkNamed,
): Promise<void> {
  const { connection, isKnown } = await store.transact(workspaceId, async (trx) => {
    const read = await recordsById(trx, connectionId, [recordId]);
    const tied = await keptLinks(trx, connectionId, contactId);
    return {
      connection: await connectionOf(trx, connectionId),
      isKnown: read.length > 0 || tied.some((link) => link.recordId === recordId),
    };
  });
  if (connection === undefined || isKnown) return;
  const connector = await connectors.of(connection);
  const [record] = await connector.read([recordId], [], 'fields');
  const { label } = connector.traits;
  if (record === undefined) {
    throw new Refusal(
      'missing',
      'no_such_record',
      `${label} has no record ${recordId}: take the id from the address of the record there.`,
    );
  }
  if (record.recordId !== recordId) {
    throw new Refusal(
      'conflict',
      'record_merged',
      `In ${label} the record ${recordId} was merged into ${record.recordId}: name that one.`,
    );
  }
}

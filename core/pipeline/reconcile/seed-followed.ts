import { fillBases, recordsById } from '../../store/index.ts';
import { followedBy, noticeFollowed } from '../followed.ts';
import type { BatchWork } from './batch-work.ts';
import { inChunks } from './candidates.ts';

/**
 * Looks once at records just made, so that the first change of a stage is known for one: what stands there from the start
 * is the CRM's own doing. What an answer told needs no look.
 */
export async function seedFollowed(
  { store, clock, connection, connector }: BatchWork,
  made: readonly string[],
): Promise<void> {
  const { traits } = connector;
  const followed = followedBy(connection, traits);
  const { connectionId, workspaceId } = connection;
  for (const part of inChunks(made, traits.sizes.read)) {
    const records = await connector.read(part, [...followed.theirs], 'new lead');
    await store.transact(workspaceId, async (trx) => {
      const rows = new Map((await recordsById(trx, connectionId, part)).map((row) => [row.recordId, row]));
      await fillBases(
        trx,
        connectionId,
        records.flatMap((record) => {
          const row = rows.get(record.recordId);
          if (row === undefined) return [];
          const { seen } = noticeFollowed(row, record, followed, [], clock.now());
          return [{ ...row, base: { ...seen, ...row.base }, changedAt: record.changedAt ?? null }];
        }),
      );
    });
  }
}

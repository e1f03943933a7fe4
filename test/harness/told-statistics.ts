import type { Store } from '@sangam/core/store';
import { sql } from 'kysely';

/** Has every session of a store tell PostgreSQL's statistics what it has counted and not told yet. */
export async function tellStatistics(store: Store, workspaceId: string): Promise<void> {
  const sessions = store.pool().open;
  // Each session by itself: none is given back before all are at it.
  const { promise: allTold, resolve } = Promise.withResolvers<void>();
  let told = 0;
  await Promise.all(
    Array.from({ length: sessions }, () =>
      store.transact(workspaceId, async (trx) => {
        await sql`select pg_stat_force_next_flush()`.execute(trx);
        told += 1;
        if (told === sessions) resolve();
        await allTold;
      }),
    ),
  );
}

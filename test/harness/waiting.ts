import type { Store } from '@sangam/core/store';
import { sql } from 'kysely';

/** Whether nothing of a workspace waits there, due or not. */
export async function isEmpty(
  store: Store,
  workspaceId: string,
  table: 'inbox' | 'dirty_records',
): Promise<boolean> {
  const { rows } = await store.transact(workspaceId, (trx) =>
    sql`select 1 from ${sql.table(table)} where workspace_id = ${workspaceId} limit 1`.execute(trx),
  );
  return rows.length === 0;
}

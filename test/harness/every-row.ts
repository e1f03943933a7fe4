import type { Store } from '@sangam/core/store';
import { workspaceTables } from '@sangam/core/store';
import { sql } from 'kysely';

/** Every row of every table a workspace has, as text; bytes read as what they spell. */
export async function everyRow(store: Store, workspaceId: string): Promise<string> {
  return store.transact(workspaceId, async (trx) => {
    const texts: string[] = [];
    for (const table of workspaceTables) {
      const { rows } = await sql<Record<string, unknown>>`
        select * from ${sql.table(table)} where workspace_id = ${workspaceId}`.execute(trx);
      for (const row of rows) {
        for (const value of Object.values(row)) {
          texts.push(Buffer.isBuffer(value) ? value.toString('latin1') : String(value));
        }
      }
    }
    return texts.join('\n');
  });
}

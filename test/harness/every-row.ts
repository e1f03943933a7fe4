import type { Store } from '@sangam/core/store';
import { workspaceTables } from '@sangam/core/store';
import { sql } from 'kysely';

/** Every row of every table a workspace has, as text in one order; bytes read as what they spell. */
export async function everyRow(store: Store, workspaceId: string): Promise<string> {
  return store.transact(workspaceId, async (trx) => {
    const texts: string[] = [];
    for (const table of workspaceTables) {
      const { rows } = await sql<Record<string, unknown>>`
        select * from ${sql.table(table)} where workspace_id = ${workspaceId}`.execute(trx);
      texts.push(...rows.map((row) => [table, ...Object.values(row).map(spelled)].join('\n')).toSorted());
    }
    return texts.join('\n');
  });
}

function spelled(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('latin1') : String(value);
}

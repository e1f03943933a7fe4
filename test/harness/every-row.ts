import { type Store, workspaceTables } from '@sangam/core/store';
import { sql } from 'kysely';

export interface StoredRow {
  readonly table: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** The whole row with its table's name; bytes read as what they spell. */
  readonly text: string;
}

/** Every row of every table a workspace has, in one order. */
export async function everyStoredRow(store: Store, workspaceId: string): Promise<StoredRow[]> {
  return store.transact(workspaceId, async (trx) => {
    const all: StoredRow[] = [];
    for (const table of workspaceTables) {
      const { rows } = await sql<Record<string, unknown>>`
        select * from ${sql.table(table)} where workspace_id = ${workspaceId}`.execute(trx);
      const stored = rows.map((values) => ({
        table,
        values,
        text: [table, ...Object.values(values).map(spelled)].join('\n'),
      }));
      all.push(...stored.toSorted((x, y) => (x.text < y.text ? -1 : 1)));
    }
    return all;
  });
}

function spelled(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('latin1') : String(value);
}

/** All of it as one text. */
export async function everyRow(store: Store, workspaceId: string): Promise<string> {
  return (await everyStoredRow(store, workspaceId)).map(({ text }) => text).join('\n');
}

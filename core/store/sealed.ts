import { sql } from 'kysely';
import { sealedColumns } from './schema.ts';
import type { WorkspaceTransaction } from './store.ts';

/** Where a secret stands that no key opens, such as `channels.app_secret`. */
export type UnopenedSecret = string;

/**
 * Seals anew what a workspace holds sealed with another key than the one of this id. `reseal` returns undefined where no
 * key opens it; that is left as it is and told.
 */
export async function resealSecrets(
  trx: WorkspaceTransaction,
  keyId: Buffer,
  reseal: (sealed: Buffer) => Buffer | undefined,
): Promise<UnopenedSecret[]> {
  const unopened: UnopenedSecret[] = [];
  for (const { table, key, columns } of sealedColumns) {
    for (const column of columns) {
      const { rows } = await sql<{ id: string; sealed: Buffer }>`
        select ${sql.ref(key)}::text as id, ${sql.ref(column)} as sealed from ${sql.table(table)}
        where workspace_id = ${trx.workspaceId} and substring(${sql.ref(column)} from 1 for ${keyId.length}) <> ${keyId}
        order by ${sql.ref(key)} for update`.execute(trx);
      const opened = rows.flatMap(({ id, sealed }) => {
        const anew = reseal(sealed);
        return anew === undefined ? [] : [{ id, anew }];
      });
      if (opened.length < rows.length) unopened.push(`${table}.${column}`);
      await sql`
        update ${sql.table(table)} o set ${sql.ref(column)} = t.anew
        from unnest(${opened.map(({ id }) => id)}::uuid[], ${opened.map(({ anew }) => anew)}::bytea[]) as t (id, anew)
        where o.workspace_id = ${trx.workspaceId} and o.${sql.ref(key)} = t.id`.execute(trx);
    }
  }
  return unopened;
}

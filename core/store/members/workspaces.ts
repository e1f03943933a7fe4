import type { WorkspaceTransaction } from '../store.ts';

/** Whether the workspace is a sandbox: it may only ever reach sandbox hosts. */
export async function isSandbox(trx: WorkspaceTransaction): Promise<boolean> {
  const { sandbox } = await trx
    .selectFrom('workspaces')
    .select('sandbox')
    .where('workspace_id', '=', trx.workspaceId)
    .executeTakeFirstOrThrow();
  return sandbox;
}

/** False: it was there. Two processes starting at once wait for each other here. */
export async function insertWorkspace(
  trx: WorkspaceTransaction,
  { name, sandbox, now }: { readonly name: string; readonly sandbox: boolean; readonly now: number },
): Promise<boolean> {
  const made = await trx
    .insertInto('workspaces')
    .values({ workspace_id: trx.workspaceId, name, sandbox, created_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .returning('workspace_id')
    .executeTakeFirst();
  trx.due.add('retention', trx.workspaceId);
  return made !== undefined;
}

export async function workspaceExists(trx: WorkspaceTransaction): Promise<boolean> {
  const row = await trx
    .selectFrom('workspaces')
    .select('workspace_id')
    .where('workspace_id', '=', trx.workspaceId)
    .executeTakeFirst();
  return row !== undefined;
}

/** The sealed key of the workspace's erased people: `drawn` where it has none yet. */
export async function erasureKeyOf(trx: WorkspaceTransaction, drawn: Buffer): Promise<Buffer> {
  const { erasure_key: key } = await trx
    .updateTable('workspaces')
    .set((row) => ({ erasure_key: row.fn.coalesce('erasure_key', row.val(drawn)) }))
    .where('workspace_id', '=', trx.workspaceId)
    .returning('erasure_key')
    .executeTakeFirstOrThrow();
  return key ?? drawn;
}

import type { WorkspaceTransaction } from './store.ts';

/** Whether the workspace is a sandbox: it may only ever reach sandbox hosts. */
export async function isSandbox(trx: WorkspaceTransaction): Promise<boolean> {
  const { sandbox } = await trx
    .selectFrom('workspaces')
    .select('sandbox')
    .where('workspace_id', '=', trx.workspaceId)
    .executeTakeFirstOrThrow();
  return sandbox;
}

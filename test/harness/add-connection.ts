import type { WorkspaceTransaction } from '@sangam/core/store';

/** A connection that nobody made through the service, and that has nothing to do. */
export async function addConnection(
  trx: WorkspaceTransaction,
  connection: {
    readonly connection_id: string;
    readonly crm: string;
    readonly created_at: number;
    readonly account?: string;
    readonly disconnected_at?: number;
  },
): Promise<void> {
  const ids = { workspace_id: trx.workspaceId, connection_id: connection.connection_id };
  await trx
    .insertInto('crm_connections')
    .values({ ...ids, ...connection })
    .execute();
  await trx.insertInto('crm_credentials').values(ids).execute();
  await trx.insertInto('crm_call_states').values(ids).execute();
  await trx.insertInto('crm_scan_states').values(ids).execute();
}

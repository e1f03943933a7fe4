import { Refusal } from '@sangam/core/errors';
import type { WorkspaceTransaction } from '@sangam/core/store';

/**
 * Enters a CRM account in the directory as this connection's. An account belongs to one connection of one workspace, a
 * connection to one account. Throws a `Refusal`, `account_taken` or `other_account`; repeating it does nothing.
 */
export async function claimAccount(
  trx: WorkspaceTransaction,
  claim: { readonly crm: string; readonly account: string; readonly connectionId: string },
): Promise<void> {
  const { crm, account, connectionId } = claim;
  await trx
    .insertInto('directory_accounts')
    .values({ crm, account, workspace_id: trx.workspaceId, connection_id: connectionId })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const entries = await trx
    .selectFrom('directory_accounts')
    .select(['account', 'connection_id'])
    .where((row) =>
      row.or([
        row.and([row('crm', '=', crm), row('account', '=', account)]),
        row('connection_id', '=', connectionId),
      ]),
    )
    .execute();
  if (entries.some((entry) => entry.connection_id !== connectionId)) {
    throw new Refusal(
      'conflict',
      'account_taken',
      `The account ${account} is connected to another workspace or connection. Disconnect it there first.`,
    );
  }
  const other = entries.find((entry) => entry.account !== account);
  if (other !== undefined) {
    throw new Refusal(
      'conflict',
      'other_account',
      `This token opens the account ${account}, but the connection is of ${other.account}: use a token of that ` +
        'account, or disconnect it and connect the new one beside it.',
    );
  }
  await trx
    .updateTable('crm_connections')
    .set({ account })
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .execute();
}

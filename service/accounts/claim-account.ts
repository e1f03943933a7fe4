import { Refusal } from '@sangam/core/errors';
import { enterAccount, type WorkspaceTransaction } from '@sangam/core/store';

/**
 * Enters a CRM account in the directory as this connection's. An account belongs to one connection of one workspace, a
 * connection to one account. Throws a `Refusal`, `account_taken` or `other_account`; repeating it does nothing.
 */
export async function claimAccount(
  trx: WorkspaceTransaction,
  claim: { readonly crm: string; readonly account: string; readonly connectionId: string },
): Promise<void> {
  const { account } = claim;
  const entered = await enterAccount(trx, claim);
  if (entered.outcome === 'taken') {
    throw new Refusal(
      'conflict',
      'account_taken',
      `The account ${account} is connected to another workspace or connection. Disconnect it there first.`,
    );
  }
  if (entered.outcome === 'other') {
    throw new Refusal(
      'conflict',
      'other_account',
      `This token opens the account ${account}, but the connection is of ${entered.account}: use a token of that ` +
        'account, or disconnect it and connect the new one beside it.',
    );
  }
}

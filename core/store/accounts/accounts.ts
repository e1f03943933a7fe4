import { sql } from 'kysely';
import { serviceWorkspaceId } from '../schema.ts';
import type { Store, WorkspaceTransaction } from '../store.ts';

/** The connection a CRM account is connected as. */
export interface AccountHolder {
  readonly workspaceId: string;
  readonly connectionId: string;
}

/** What entering an account came to. `other`: the connection is of that account. */
export type EnteredAccount =
  { readonly outcome: 'entered' | 'taken' } | { readonly outcome: 'other'; readonly account: string };

/**
 * Enters a CRM account in the directory as this connection's: an account belongs to one connection of one workspace, a
 * connection to one account. Repeating it does nothing.
 */
export async function enterAccount(
  trx: WorkspaceTransaction,
  {
    crm,
    account,
    connectionId,
  }: { readonly crm: string; readonly account: string; readonly connectionId: string },
): Promise<EnteredAccount> {
  await trx
    .insertInto('directory_accounts')
    .values({ crm, account, workspace_id: trx.workspaceId, connection_id: connectionId })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const entries = await trx
    .selectFrom('directory_accounts')
    .select(['account', 'connection_id as connectionId'])
    .where((row) =>
      row.or([
        row.and([row('crm', '=', crm), row('account', '=', account)]),
        row('connection_id', '=', connectionId),
      ]),
    )
    .execute();
  if (entries.some((entry) => entry.connectionId !== connectionId)) return { outcome: 'taken' };
  const other = entries.find((entry) => entry.account !== account);
  if (other !== undefined) return { outcome: 'other', account: other.account };
  await trx
    .updateTable('crm_connections')
    .set({ account })
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .execute();
  return { outcome: 'entered' };
}

/** Undefined: nobody has it connected. */
export async function holderOfAccount(
  { directory }: Pick<Store, 'directory'>,
  crm: string,
  account: string,
): Promise<AccountHolder | undefined> {
  return directory
    .selectFrom('directory_accounts')
    .select(['workspace_id as workspaceId', 'connection_id as connectionId'])
    .where('crm', '=', crm)
    .where('account', '=', account)
    .executeTakeFirst();
}

/** Whose a connection is; undefined: this CRM has no such connection, or it is disconnected. */
export async function holderOfConnection(
  { directory }: Pick<Store, 'directory'>,
  crm: string,
  connectionId: string,
): Promise<AccountHolder | undefined> {
  return directory
    .selectFrom('directory_accounts')
    .select(['workspace_id as workspaceId', 'connection_id as connectionId'])
    .where('crm', '=', crm)
    .where('connection_id', '=', connectionId)
    .executeTakeFirst();
}

export async function leaveAccount(trx: WorkspaceTransaction, connectionId: string): Promise<void> {
  await trx
    .deleteFrom('directory_accounts')
    .where('directory_accounts.workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .execute();
}

/** The service's own, and every workspace that has, or had, a number or an account. */
export async function workspacesInUse({ directory }: Pick<Store, 'directory'>): Promise<string[]> {
  const { rows } = await sql<{ workspaceId: string }>`
    select distinct d.workspace_id as "workspaceId" from directory_channels d
    union select a.workspace_id from directory_accounts a`.execute(directory);
  return [...new Set([serviceWorkspaceId, ...rows.map(({ workspaceId }) => workspaceId)])];
}

import { sql } from 'kysely';
import type { WorkspaceTransaction } from '../transaction.ts';

/** Webhooks an account sends only while they are asked for. */

/** When they are next to be asked for, milliseconds; null: this account needs no asking. */
export async function askWebhooksAt(
  trx: WorkspaceTransaction,
  connectionId: string,
  at: number | null,
): Promise<void> {
  await sql`
    update crm_scan_states set ask_webhooks_at = ${at}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
  if (at !== null) trx.due.add('webhooks', connectionId, at);
}

/**
 * Takes the asking, which nobody else then does before `until`. What the account, its secret or its address came to meanwhile
 * sets another time, and what is asked for then is asked anew.
 */
export async function claimAsking(
  trx: WorkspaceTransaction,
  connectionId: string,
  { seen, until }: { readonly seen: number; readonly until: number },
): Promise<boolean> {
  const { rows } = await sql`
    update crm_scan_states set ask_webhooks_at = ${until}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and ask_webhooks_at = ${seen}
    returning 1`.execute(trx);
  return rows.length > 0;
}

/** The account sends them to this address until then; before that they are asked for anew. Milliseconds. False: see `claimAsking`. */
export async function webhooksComeUntil(
  trx: WorkspaceTransaction,
  connectionId: string,
  claimed: number,
  asked: { readonly url: string; readonly until: number; readonly againAt: number; readonly now: number },
): Promise<boolean> {
  const { url, until, againAt, now } = asked;
  if (!(await claimAsking(trx, connectionId, { seen: claimed, until: againAt }))) return false;
  await sql`
    update crm_scan_states
    set webhooks_since = case when webhooks_until > ${now} and webhooks_url = ${url} then webhooks_since
                              else ${now}::bigint end,
        webhooks_until = ${until}, webhooks_url = ${url}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
  return true;
}

/** Where they go to another address than ours of now, they are asked for at once. */
export async function askWebhooksElsewhere(trx: WorkspaceTransaction, publicUrl: string): Promise<void> {
  const { rows } = await sql<{ connectionId: string }>`
    update crm_scan_states set ask_webhooks_at = 0
    where workspace_id = ${trx.workspaceId} and ask_webhooks_at > 0
      and (webhooks_url is null or not starts_with(webhooks_url, ${`${publicUrl}/`}))
    returning connection_id as "connectionId"`.execute(trx);
  for (const { connectionId } of rows) trx.due.add('webhooks', connectionId);
}

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

/** The account sends them to this address until then; before that they are asked for anew. Milliseconds. */
export async function webhooksComeUntil(
  trx: WorkspaceTransaction,
  connectionId: string,
  asked: { readonly url: string; readonly until: number; readonly againAt: number; readonly now: number },
): Promise<void> {
  const { url, until, againAt, now } = asked;
  await sql`
    update crm_scan_states
    set webhooks_since = case when webhooks_until > ${now} and webhooks_url = ${url} then webhooks_since
                              else ${now}::bigint end,
        webhooks_until = ${until}, webhooks_url = ${url}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
  await askWebhooksAt(trx, connectionId, againAt);
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

import { v7 as uuidv7 } from 'uuid';
import type { WorkspaceTransaction } from './store.ts';

/** Who did what. Append-only. */
export async function writeAudit(
  trx: WorkspaceTransaction,
  entry: { memberId: string; action: string; subject: string; at: number },
): Promise<void> {
  await trx
    .insertInto('audit')
    .values({
      workspace_id: trx.workspaceId,
      audit_id: uuidv7(),
      member_id: entry.memberId,
      action: entry.action,
      subject: entry.subject,
      at: entry.at,
    })
    .execute();
}

import type { Priority } from '@sangam/core/crm';
import type { ZohoClient } from './client.ts';
import { refusalError } from './errors.ts';
import { deleteRecords } from './record-api.ts';

/** Takes rows away. What is not there is no error, and must not keep the others. */
export async function removeRows(
  client: ZohoClient,
  module: string,
  ids: readonly string[],
  priority: Priority,
): Promise<void> {
  const answer = await deleteRecords(client, module, ids, priority);
  if (answer.ok) return;
  if (answer.refusal.code !== 'batch_refused') throw refusalError(answer.refusal);
  if (ids.length > 1) for (const id of ids) await removeRows(client, module, [id], priority);
}

import type { Priority } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import type { ZohoClient } from './client.ts';
import { readRefusal, refusalError } from './errors.ts';
import { success } from './outcomes.ts';
import { deleteRecords, type Item } from './record-api.ts';

/** Of an id nobody has. docs/vendors/zoho.md §4.5. */
const notThere: ReadonlySet<string> = new Set(['INVALID_DATA', 'RECORD_NOT_FOUND']);

/** Takes rows away. What is not there is no error, and must not keep the others; what Zoho keeps is one, once the others are gone. */
export async function removeRows(
  client: ZohoClient,
  module: string,
  ids: readonly string[],
  priority: Priority,
): Promise<void> {
  const answer = await deleteRecords(client, module, ids, priority);
  if (answer.ok) {
    const kept = answer.body.find((item) => item.code !== success && !notThere.has(item.code));
    if (kept !== undefined) throw keptError(kept.code, kept.details);
    return;
  }
  const { code, said = '', details } = answer.refusal;
  if (code !== 'batch_refused') throw refusalError(answer.refusal);
  if (ids.length === 1 && !notThere.has(said)) throw keptError(said, details);
  if (ids.length > 1) for (const id of ids) await removeRows(client, module, [id], priority);
}

function keptError(code: string, details: Item['details']): SangamError {
  const refusal = readRefusal(400, new Headers(), { code, details, status: 'error' });
  if (refusal.code !== 'batch_refused') return refusalError(refusal);
  return new SangamError({
    code: 'entry_kept',
    origin: 'crm',
    retry: 'later',
    message: `Zoho CRM does not take away what a record shows of a conversation (${code}).`,
  });
}

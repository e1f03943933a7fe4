import { randomUUID } from 'node:crypto';
import { noSuch } from '../errors.ts';
import { findContact, takeIntoInbox, type WorkspaceTransaction, writeAudit } from '../store/index.ts';
import { lanes } from '../whatsapp/index.ts';
import type { TagChangePayload } from '../pipeline/index.ts';
import { ownEvents } from '../pipeline/index.ts';

/**
 * A member gives and takes tags of a conversation; apply joins them with those of the CRM. They are said of the contact that
 * was named, also once it is joined into another. Returns the one that stands for it; throws a `Refusal` where there is none.
 */
export async function changeTags(
  trx: WorkspaceTransaction,
  memberId: string,
  change: { readonly contactId: string; readonly add: string[]; readonly remove: string[] },
  now: number,
): Promise<string> {
  const contactId = await findContact(trx, { contactId: change.contactId });
  if (contactId === undefined) throw noSuch('contact');
  const payload: TagChangePayload = { field: 'sangam', part: 'tag_change', at: now, ...change };
  const event = { key: `tag_change:${randomUUID()}`, lane: lanes.crm, payload };
  await takeIntoInbox(trx, ownEvents([event], now));
  await writeAudit(trx, { memberId, action: 'change tags', subject: contactId, at: now });
  return contactId;
}

import type { Identities } from '../identity/index.ts';
import type { IdentityChange, Unreadable } from './event.ts';
import { comparableId, identitiesFrom, isSomebody } from './identities.ts';
import type { ContactPayload, MessagePayload } from './schemas.ts';

type SystemPayload = NonNullable<MessagePayload['system']>;

/** `system` messages by which ids change, current and legacy names. docs/vendors/whatsapp.md §2.7. */
const changes: ReadonlySet<string> = new Set([
  'user_changed_number',
  'user_changed_user_id',
  'customer_changed_number',
]);

export function isIdentityChange(type: string | undefined): boolean {
  // Before types had names a changed number came without one, told by its new id alone.
  return type === undefined || changes.has(type);
}

/**
 * A person's ids before and after. The old ones stand in `from`, in `customer`, in ids named previous, or in the text
 * alone; `from` and the sender's ids may be the new ones already.
 */
export function identityChange(
  system: SystemPayload,
  sender: Identities,
  contact: ContactPayload | undefined,
  at: number | undefined,
): IdentityChange | Unreadable {
  const told = changedInWords(system.body);
  const newPhones = [system.new_wa_id, system.wa_id, told?.after].filter((id) => !isSame(id, told?.before));
  // What a contact shows beside the new phone is new.
  const renewed = newPhones.some((id) => isSame(id, contact?.wa_id)) ? contact : undefined;
  const after = identitiesFrom({
    phone: newPhones,
    bsuid: [system.user_id, told?.after, renewed?.user_id],
    parent: [system.parent_user_id, renewed?.parent_user_id],
  });
  const before = identitiesFrom({
    phone: [system.customer, sender.waId, told?.before].filter((id) => !isSame(id, after.phone)),
    bsuid: [system.previous_user_id, told?.before].filter((id) => !isSame(id, after.bsuid)),
    parent: [system.previous_parent_user_id].filter((id) => !isSame(id, after.parentBsuid)),
  });
  const own = place(sender.bsuid, before.bsuid, after.bsuid, before.phone);
  const parent = place(sender.parentBsuid, before.parentBsuid, after.parentBsuid, before.phone);
  const change = {
    kind: 'identity_change',
    at,
    before: {
      ...before,
      ...(own.before === undefined ? {} : { bsuid: own.before }),
      ...(parent.before === undefined ? {} : { parentBsuid: parent.before }),
    },
    identities: {
      ...after,
      ...(own.after === undefined ? {} : { bsuid: own.after }),
      ...(parent.after === undefined ? {} : { parentBsuid: parent.after }),
    },
    beside: {
      ...(own.beside === undefined ? {} : { bsuid: own.beside }),
      ...(parent.beside === undefined ? {} : { parentBsuid: parent.beside }),
    },
  } as const;
  const leavesPhone = system.type !== 'user_changed_user_id' && isSomebody(change.beside);
  if (!isSomebody(change.identities) && !leavesPhone) {
    return {
      kind: 'unreadable',
      reason: 'no_identity',
      explanation: 'The person changed their number or id, but the new one is not shown.',
    };
  }
  return change;
}

/**
 * Whether the sender's BSUID is the one before or after. Where the event does not tell, it stands beside both: as the
 * old phone's it would part the person from the old BSUID, as the new phone's from the new one.
 */
function place(
  shown: string | undefined,
  before: string | undefined,
  after: string | undefined,
  oldPhone: string | undefined,
): { before?: string | undefined; after?: string | undefined; beside?: string | undefined } {
  if (shown === undefined || shown === before || shown === after) return { before, after };
  if (after !== undefined) return { before: before ?? shown, after };
  if (before !== undefined) return { before, after: shown };
  return oldPhone === undefined ? { before: shown } : { beside: shown };
}

/** Whether two ids are one, however each is written. */
function isSame(id: string | undefined, other: string | undefined): boolean {
  return id !== undefined && other !== undefined && comparableId(id) === comparableId(other);
}

/** In May 2026 the old id stood only in the text: "User X changed from A to B", with direction marks round the ids. */
function changedInWords(body: string | undefined): { before: string; after: string } | undefined {
  const words = /\bchanged\b.*?\bfrom (?<before>\S.*?) to (?<after>\S.*?)\.?$/is.exec(
    body?.trim() ?? '',
  )?.groups;
  const { before, after } = words ?? {};
  return before === undefined || after === undefined ? undefined : { before, after };
}

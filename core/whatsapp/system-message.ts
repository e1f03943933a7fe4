import type { Identities } from '../identity/index.ts';
import type { IdentityChange, Unreadable } from './event.ts';
import { comparableId, identitiesFrom, isSomebody } from './identities.ts';
import type { MessagePayload } from './schemas.ts';

type SystemPayload = NonNullable<MessagePayload['system']>;

/** `system` messages by which ids change, current and legacy names. facts/whatsapp.md §2.7. */
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
  at: number | undefined,
): IdentityChange | Unreadable {
  const told = changedInWords(system.body);
  const after = identitiesFrom({
    phone: [system.new_wa_id, system.wa_id, told?.after].filter((id) => !isSame(id, told?.before)),
    bsuid: [system.user_id, told?.after],
    parent: [system.parent_user_id],
  });
  const before = identitiesFrom({
    phone: [system.customer, sender.waId, told?.before].filter((id) => !isSame(id, after.phone)),
    bsuid: [system.previous_user_id, told?.before, sender.bsuid].filter((id) => !isSame(id, after.bsuid)),
    parent: [system.previous_parent_user_id, sender.parentBsuid].filter(
      (id) => !isSame(id, after.parentBsuid),
    ),
  });
  if (!isSomebody(after)) {
    return {
      kind: 'unreadable',
      reason: 'no_identity',
      explanation: 'The person changed their number or id, but the new one is not shown.',
    };
  }
  return { kind: 'identity_change', at, identities: after, before };
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

import type { Identities } from '../identity/index.ts';
import type { IdentityChange, Unreadable } from './event.ts';
import { identitiesFrom, isSomebody } from './identities.ts';
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
 * A person's ids before and after. `from` and the sender's ids are the old ones, except where the new BSUID is written
 * there as well.
 */
export function identityChange(
  system: SystemPayload,
  sender: Identities,
  at: number | undefined,
): IdentityChange | Unreadable {
  const told = changedInWords(system.body);
  const after = identitiesFrom({
    phone: [system.wa_id, system.new_wa_id, told?.after],
    bsuid: [system.user_id, told?.after],
    parent: [system.parent_user_id],
  });
  const before = identitiesFrom({
    phone: [sender.waId, told?.before],
    bsuid: [system.previous_user_id, told?.before, differing(sender.bsuid, after.bsuid)],
    parent: [system.previous_parent_user_id, differing(sender.parentBsuid, after.parentBsuid)],
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

function differing(id: string | undefined, other: string | undefined): string | undefined {
  return id === other ? undefined : id;
}

/** In May 2026 the old id stood only in the text: "User X changed from A to B". */
function changedInWords(body: string | undefined): { before: string; after: string } | undefined {
  const words = /\bchanged from (?<before>\S+) to (?<after>\S+?)\.?$/.exec(body ?? '')?.groups;
  const { before, after } = words ?? {};
  return before === undefined || after === undefined ? undefined : { before, after };
}

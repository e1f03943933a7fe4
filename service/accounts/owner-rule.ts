import type { OwnerRule } from '@sangam/core/crm';
import { Refusal } from '@sangam/core/errors';

/** The CRM users a rule may give records to. */
export function ownersIn(rule: OwnerRule): string[] {
  switch (rule.kind) {
    case 'nobody':
      return [];
    case 'fixed':
      return [rule.ownerId];
    case 'round robin':
      return [...rule.ownerIds];
    case 'by channel':
    case 'by ad':
      return [...Object.values(rule.owners), ...(rule.otherwise === undefined ? [] : [rule.otherwise])];
  }
}

/** Throws a `Refusal` that names the owners the CRM does not know, or the numbers that are not connected. */
export function checkOwnerRule(
  rule: OwnerRule,
  known: { readonly ownerIds: readonly string[]; readonly channelIds: readonly string[] },
): void {
  const strangers = ownersIn(rule).filter((ownerId) => !known.ownerIds.includes(ownerId));
  if (strangers.length > 0) {
    const message = `The CRM has no active owner ${some(strangers)}: GET …/owners lists those it has.`;
    throw new Refusal('invalid', 'unknown_owner', message, [{ path: 'owner', message }]);
  }
  const missing =
    rule.kind === 'by channel'
      ? Object.keys(rule.owners).filter((channelId) => !known.channelIds.includes(channelId))
      : [];
  if (missing.length > 0) {
    const message = `There is no channel ${some(missing)}: GET /api/v1/channels lists those there are.`;
    throw new Refusal('invalid', 'unknown_channel', message, [{ path: 'owner.owners', message }]);
  }
}

/** A message names a few of many. */
function some(ids: readonly string[]): string {
  return [...new Set(ids)].slice(0, 10).join(', ');
}

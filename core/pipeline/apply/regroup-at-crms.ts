import {
  type ConnectionLink,
  reassignConflicts,
  forgetRefused,
  forgetWaiting,
  giveBackTimeline,
  givePrimaryRecords,
  holdContacts,
  keepOnePrimary,
  linkByPhone,
  linksOfJoined,
  madeFor,
  markPriority,
  markRecords,
  moveTimeline,
  openConflicts,
  saveJoinedLinks,
  severalPrimaries,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { survivorsOf } from '../decided.ts';
import type { Regrouped } from './restructure.ts';
import { shareLinks } from './share-links.ts';

/**
 * Contacts turned out to be one person, or several again: their links, conflicts and timelines follow. What two records of
 * one person should become is shown, and decided by a person (docs/design.md §3.2).
 */
export async function regroupAtCrms(
  trx: WorkspaceTransaction,
  contacts: readonly Regrouped[],
  now: number,
): Promise<void> {
  const regrouped = changedGroups(contacts);
  const ids = regrouped.map(({ contactId }) => contactId);
  const gone = regrouped.filter(
    ({ contactId, before, after }) => contactId === before && contactId !== after,
  );
  const parted = partedGroups(regrouped);
  const stand = [...new Set(regrouped.map(({ after }) => after))];
  const joined = stand.filter((survivor) => regrouped.filter(({ after }) => after === survivor).length > 1);
  await holdContacts(trx, ids);
  const links = await shareAll(trx, regrouped, ids);
  const partedIds = parted.map(({ contactId }) => contactId);
  await forgetWaiting(trx, {
    gone: gone.map(({ contactId }) => contactId),
    regrouped: [...partedIds, ...gone.map(({ contactId }) => contactId)],
  });
  const several = await severalPrimaries(trx, joined);
  await keepOnePrimary(trx, stand);
  await giveBackTimeline(trx, parted, now);
  await moveTimeline(
    trx,
    gone.map(({ contactId, after }) => ({ contactId, into: after })),
    now,
  );
  // Each goes on as if the others had never been theirs.
  for (const [connectionId, { touched, byPhone }] of parted.length === 0 ? [] : links) {
    await givePrimaryRecords(trx, connectionId, touched, now);
    await linkByPhone(trx, connectionId, byPhone, now);
    await markRecords(trx, connectionId, touched, { priority: markPriority.consent, reread: true }, now);
  }
  await reassignConflicts(trx, parted, now);
  await openConflicts(
    trx,
    several.map(({ connectionId, contactId, recordIds }) => ({
      connectionId,
      kind: 'two records' as const,
      contactId,
      recordIds,
      explanation:
        'These records turned out to be one person on WhatsApp. The oldest goes on being kept in step; merge them in the ' +
        'CRM, or say which one it should be.',
    })),
    now,
  );
  await forgetRefused(trx, [...new Set(parted.map(({ after }) => after))]);
}

/** Shares out the links of every connection; what was touched there. */
async function shareAll(
  trx: WorkspaceTransaction,
  regrouped: readonly Regrouped[],
  ids: readonly string[],
): Promise<
  ReadonlyMap<string, { readonly touched: readonly string[]; readonly byPhone: readonly string[] }>
> {
  const before = await linksOfJoined(trx, ids);
  const current: ConnectionLink[] = [];
  const beforeJoin: ConnectionLink[] = [];
  const touched = new Map<string, { touched: readonly string[]; byPhone: readonly string[] }>();
  for (const [connectionId] of Map.groupBy(before.current, (link) => link.connectionId)) {
    const ofConnection = (links: readonly ConnectionLink[]): ConnectionLink[] =>
      links.filter((link) => link.connectionId === connectionId);
    const recordIds = ofConnection([...before.current, ...before.beforeJoin]).map(({ recordId }) => recordId);
    const made = await madeFor(trx, connectionId, recordIds, ids);
    const shared = shareLinks({
      regrouped,
      current: ofConnection(before.current),
      beforeJoin: ofConnection(before.beforeJoin),
      livesOn: await survivorsOf(trx, connectionId, recordIds),
      madeFor: new Map(made.map(({ recordId, contactId }) => [recordId, contactId])),
    });
    current.push(...shared.current.map((link) => ({ ...link, connectionId })));
    beforeJoin.push(...shared.beforeJoin.map((link) => ({ ...link, connectionId })));
    touched.set(connectionId, { touched: [...new Set(recordIds)].toSorted(), byPhone: shared.byPhone });
  }
  await saveJoinedLinks(trx, ids, { current, beforeJoin });
  return touched;
}

/** Contacts of groups that are others than they were. */
function changedGroups(contacts: readonly Regrouped[]): Regrouped[] {
  const grown = new Set(contacts.flatMap(({ before, after }) => (before === after ? [] : [before, after])));
  return contacts.filter(({ before, after }) => grown.has(before) || grown.has(after));
}

/** Contacts of groups that are not one any more. */
function partedGroups(regrouped: readonly Regrouped[]): Regrouped[] {
  return [...Map.groupBy(regrouped, ({ before }) => before)].flatMap(([, members]) =>
    new Set(members.map(({ after }) => after)).size > 1 ? members : [],
  );
}

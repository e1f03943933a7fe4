import { joinLinks, moveTimeline, openConflicts, type WorkspaceTransaction } from '../../store/index.ts';

/**
 * Contacts turned out to be one person: their links and timelines follow. What two records of one person should become
 * is shown, and decided by a person (docs/design.md §3.2).
 */
export async function joinAtCrms(
  trx: WorkspaceTransaction,
  merges: readonly { readonly contactId: string; readonly into: string }[],
  now: number,
): Promise<void> {
  if (merges.length === 0) return;
  const several = await joinLinks(trx, merges);
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
  await moveTimeline(trx, merges, now);
}

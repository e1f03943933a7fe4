import { z } from 'zod';
import {
  conflictById,
  decideConflict,
  dueTimeline,
  findContact,
  keptLinks,
  type KeptLink,
  markContacts,
  markPriority,
  markRecords,
  recordsById,
  replaceLinks,
  type WorkspaceTransaction,
} from '../store/index.ts';
import { type DecidedEvidence, decidedEvidence } from './apply/read-event.ts';

/** What has to be kept to undo each kind of decision. */
const linksChanged = z.object({
  connectionId: z.string(),
  contactId: z.string(),
  recordId: z.string(),
  before: z.array(
    z.object({
      recordId: z.string(),
      primary: z.boolean(),
      reason: z.enum(['created', 'our id', 'phone', 'member', 'merge']),
      partedAt: z.number().nullable(),
      createdAt: z.number(),
    }),
  ),
});
const evidenceGiven = z.object({ evidence: z.array(decidedEvidence) });
const conflictDecided = z.object({ conflictId: z.string(), state: z.enum(['accepted', 'dismissed']) });

/** What a decision changed at once, and what is known of it afterwards; one decision may have changed several things. */
export function readDecision(subject: unknown): {
  readonly links: z.infer<typeof linksChanged> | undefined;
  readonly evidence: readonly DecidedEvidence[];
  readonly conflict: z.infer<typeof conflictDecided> | undefined;
} {
  return {
    links: linksChanged.safeParse(subject).data,
    evidence: evidenceGiven.safeParse(subject).data?.evidence ?? [],
    conflict: conflictDecided.safeParse(subject).data,
  };
}

/**
 * Puts a contact's links back as they were before a decision. What was tied since by something else stays, primary only
 * where the contact had none; what it is not tied to any more, as the record of somebody who was found to be another
 * person, does not come back. Records merged meanwhile are where they live on.
 */
export async function restoreLinks(
  trx: WorkspaceTransaction,
  changed: z.infer<typeof linksChanged>,
  now: number,
): Promise<void> {
  const { connectionId, recordId } = changed;
  const contactId = await findContact(trx, { contactId: changed.contactId });
  if (contactId === undefined) return;
  const current = await keptLinks(trx, connectionId, contactId);
  const livesOn = await survivorsOf(trx, connectionId, [
    recordId,
    ...changed.before.map((link) => link.recordId),
  ]);
  const before = changed.before
    .map((link): KeptLink => ({ ...link, recordId: livesOn(link.recordId) }))
    .filter(({ recordId }) => current.some((link) => link.recordId === recordId));
  const restored = new Map(before.map((link) => [link.recordId, link]));
  const hadPrimary = before.some((link) => link.primary && link.partedAt === null);
  const since = current
    .filter((link) => !restored.has(link.recordId) && link.recordId !== livesOn(recordId))
    .map((link): KeptLink => ({ ...link, primary: link.primary && !hadPrimary }));
  const links = [...restored.values(), ...since];
  await replaceLinks(trx, connectionId, contactId, links);
  await lookAgain(
    trx,
    connectionId,
    contactId,
    [...current, ...links].map((link) => link.recordId),
    now,
  );
}

/** Where records live on, however many merges they went through. */
export async function survivorsOf(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<(recordId: string) => string> {
  const moved = new Map<string, string>();
  let asked: readonly string[] = recordIds;
  while (asked.length > 0) {
    const rows = await recordsById(trx, connectionId, asked);
    const moves = rows.flatMap(({ recordId, movedTo }) =>
      movedTo === null ? [] : [[recordId, movedTo] as const],
    );
    for (const [from, to] of moves) moved.set(from, to);
    asked = moves.map(([, to]) => to).filter((to) => !moved.has(to));
  }
  return (recordId) => {
    const passed = new Set<string>();
    let at = recordId;
    for (let on = moved.get(at); on !== undefined && !passed.has(on); on = moved.get(at)) {
      passed.add(on);
      at = on;
    }
    return at;
  };
}

/** A conflict is open again, unless one about the same has been opened since. */
export async function reopenConflict(
  trx: WorkspaceTransaction,
  decided: z.infer<typeof conflictDecided>,
  now: number,
): Promise<void> {
  if ((await conflictById(trx, decided.conflictId)) === undefined) return;
  await decideConflict(trx, decided.conflictId, decided.state, 'open', now);
}

/** Both sides of a changed link are brought in step, and the conversation moves to the primary record. */
export async function lookAgain(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactId: string,
  recordIds: readonly string[],
  now: number,
): Promise<void> {
  await markRecords(trx, connectionId, recordIds, { priority: markPriority.fields, reread: true }, now);
  await markContacts(trx, [{ contactId, priority: markPriority.fields }], now);
  await dueTimeline(trx, connectionId, [contactId], now);
}

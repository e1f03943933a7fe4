import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { Evidence } from '../identity/index.ts';
import {
  type Conflict,
  connectionOf,
  contactIdentities,
  type Decision,
  decideConflict,
  dueTimeline,
  findContact,
  keptLinks,
  type KeptLink,
  listConflicts,
  listDecisions,
  markContacts,
  markPriority,
  markRecords,
  recordsById,
  releaseHeld,
  replaceLinks,
  saveDecision,
  type Store,
  undoDecision,
  type WorkspaceTransaction,
  writeAudit,
} from '../store/index.ts';
import { lanes } from '../whatsapp/index.ts';
import type { IdentityDecisionPayload } from './apply/read-event.ts';
import type { Receiver } from './receive/receive.ts';

export interface Actor {
  readonly workspaceId: string;
  readonly memberId: string;
}

/** A decision that was made, or why it cannot be. */
export type Decided =
  | { readonly outcome: 'decided'; readonly decisionId: string }
  | { readonly outcome: 'refused'; readonly code: string; readonly message: string };

/** What people put right by hand: audited, and every decision can be undone. */
export interface PutRight {
  /** Makes a record the contact's home. */
  relink(actor: Actor, link: LinkNamed): Promise<Decided>;
  /** Parts a contact from a record, for good. */
  unlink(actor: Actor, link: LinkNamed): Promise<Decided>;
  /** From `at` on (milliseconds) the phone is somebody else's. */
  handOver(actor: Actor, phone: string, at: number): Promise<Decided>;
  /** These two contacts are one person. */
  join(actor: Actor, contactId: string, otherId: string): Promise<Decided>;
  /** Lets in the new people that a rush held back, and everybody for an hour. Undefined: no such connection. */
  release(actor: Actor, connectionId: string): Promise<number | undefined>;
  conflicts(workspaceId: string, state: Conflict['state'] | undefined): Promise<Conflict[]>;
  /** Accepting two records of one person names the one that stays home. */
  acceptConflict(actor: Actor, conflictId: string, recordId: string | undefined): Promise<Decided>;
  dismissConflict(actor: Actor, conflictId: string): Promise<Decided>;
  decisions(workspaceId: string): Promise<Decision[]>;
  undo(actor: Actor, decisionId: string): Promise<Decided>;
}

export interface LinkNamed {
  readonly connectionId: string;
  readonly contactId: string;
  readonly recordId: string;
}

/** How long a release lets everybody in. */
const releasedMs = 60 * 60 * 1000;

/** What has to be kept to undo each kind of decision. */
const linksChanged = z.object({
  connectionId: z.string(),
  contactId: z.string(),
  recordId: z.string(),
  before: z.array(
    z.object({
      recordId: z.string(),
      home: z.boolean(),
      reason: z.enum(['created', 'our id', 'phone', 'member', 'merge']),
      partedAt: z.number().nullable(),
      createdAt: z.number(),
    }),
  ),
});
const evidenceGiven = z.object({
  evidence: z.array(
    z.object({ kind: z.enum(['joined', 'hand_over']), a: z.string(), b: z.string(), at: z.number() }),
  ),
});
const conflictDecided = z.object({ conflictId: z.string(), state: z.enum(['accepted', 'dismissed']) });

export function createPutRight(dependencies: {
  store: Store;
  receiver: Receiver;
  clock: Clock;
  /** Told that a workspace has records to bring in step. */
  wake: (workspaceId: string) => void;
}): PutRight {
  const { store, receiver, clock, wake } = dependencies;

  const changeLinks = (
    actor: Actor,
    kind: 'relink' | 'unlink',
    named: LinkNamed,
    change: (before: readonly KeptLink[], now: number) => readonly KeptLink[],
  ): Promise<Decided> =>
    store.transact(actor.workspaceId, async (trx) => {
      const now = clock.now();
      const connection = await connectionOf(trx, named.connectionId);
      const contactId = await findContact(trx, { contactId: named.contactId });
      if (connection === undefined) return refused('no_such_connection', 'There is no such connection.');
      if (contactId === undefined) return refused('no_such_contact', 'There is no such contact.');
      const before = await keptLinks(trx, named.connectionId, contactId);
      if (kind === 'unlink' && !before.some(({ recordId }) => recordId === named.recordId)) {
        return refused('no_such_link', 'This contact is not tied to that record.');
      }
      const [row] = await recordsById(trx, named.connectionId, [named.recordId]);
      if (kind === 'relink' && row !== undefined && row.gone !== null) {
        return refused('record_gone', 'That record is no longer in the CRM.');
      }
      await replaceLinks(trx, named.connectionId, contactId, change(before, now));
      await lookAgain(
        trx,
        named.connectionId,
        contactId,
        [...before.map(({ recordId }) => recordId), named.recordId],
        now,
      );
      const subject = { ...named, contactId, before };
      const decisionId = await saveDecision(trx, { kind, subject, memberId: actor.memberId, at: now });
      await audit(trx, actor, kind, `${contactId} ${named.recordId}`, now);
      return { outcome: 'decided' as const, decisionId };
    });

  const giveEvidence = async (
    actor: Actor,
    kind: 'join' | 'hand over',
    evidence: readonly DecidedEvidence[],
  ): Promise<Decided> => {
    const now = clock.now();
    const decisionId = await store.transact(actor.workspaceId, async (trx) => {
      await audit(trx, actor, kind, evidence.map(({ a, b }) => `${a} ${b}`).join(' '), now);
      return saveDecision(trx, { kind, subject: { evidence }, memberId: actor.memberId, at: now });
    });
    await tellPeople(actor.workspaceId, { evidence, retracted: [] });
    return { outcome: 'decided', decisionId };
  };

  const tellPeople = async (
    workspaceId: string,
    decision: { evidence: readonly DecidedEvidence[]; retracted: readonly DecidedEvidence[] },
  ): Promise<void> => {
    const payload: IdentityDecisionPayload = {
      field: 'sangam',
      part: 'identity_decision',
      at: clock.now(),
      evidence: [...decision.evidence],
      retracted: [...decision.retracted],
    };
    await receiver.takeIn(workspaceId, {
      key: `identity_decision:${randomUUID()}`,
      lane: lanes.inbound,
      payload,
    });
  };

  const settleConflict = (
    actor: Actor,
    conflictId: string,
    state: 'accepted' | 'dismissed',
  ): Promise<Decided> =>
    store.transact(actor.workspaceId, async (trx) => {
      const now = clock.now();
      const conflict = await decideConflict(trx, conflictId, 'open', state, now);
      if (conflict === undefined) return refused('no_such_conflict', 'There is no such open conflict.');
      const subject = { conflictId, state };
      const decisionId = await saveDecision(trx, {
        kind: 'conflict',
        subject,
        memberId: actor.memberId,
        at: now,
      });
      await audit(trx, actor, `${state} conflict`, conflictId, now);
      return { outcome: 'decided' as const, decisionId };
    });

  const relink: PutRight['relink'] = async (actor, named) => {
    const decided = await changeLinks(actor, 'relink', named, (before, now) => [
      ...before
        .filter(({ recordId }) => recordId !== named.recordId)
        .map((link) => ({ ...link, home: false })),
      { recordId: named.recordId, home: true, reason: 'member', partedAt: null, createdAt: now },
    ]);
    wake(actor.workspaceId);
    return decided;
  };

  return {
    relink,
    async unlink(actor, named) {
      const decided = await changeLinks(actor, 'unlink', named, (before, now) =>
        before.map((link) =>
          link.recordId === named.recordId ? { ...link, home: false, partedAt: now } : link,
        ),
      );
      wake(actor.workspaceId);
      return decided;
    },
    handOver: (actor, phone, at) =>
      giveEvidence(actor, 'hand over', [{ kind: 'hand_over', a: phone, b: phone, at }]),
    async join(actor, contactId, otherId) {
      const [one, other] = await store.transact(actor.workspaceId, (trx) =>
        Promise.all([contactIdentities(trx, contactId), contactIdentities(trx, otherId)]),
      );
      const [a, b] = [one?.[0], other?.[0]];
      if (a === undefined || b === undefined || contactId === otherId) {
        return refused('no_such_contact', 'Both must be contacts, and not the same one.');
      }
      return giveEvidence(actor, 'join', [{ kind: 'joined', a, b, at: clock.now() }]);
    },
    async release(actor, connectionId) {
      const released = await store.transact(actor.workspaceId, async (trx) => {
        if ((await connectionOf(trx, connectionId)) === undefined) return undefined;
        const now = clock.now();
        await audit(trx, actor, 'release held people', connectionId, now);
        return releaseHeld(trx, connectionId, now + releasedMs);
      });
      wake(actor.workspaceId);
      return released;
    },
    conflicts: (workspaceId, state) => store.transact(workspaceId, (trx) => listConflicts(trx, state)),
    async acceptConflict(actor, conflictId, recordId) {
      const open = await store.transact(actor.workspaceId, (trx) => listConflicts(trx, 'open'));
      const conflict = open.find((one) => one.conflictId === conflictId);
      if (conflict === undefined) return refused('no_such_conflict', 'There is no such open conflict.');
      if (conflict.kind === 'two records') {
        if (recordId === undefined || !conflict.recordIds.includes(recordId)) {
          return refused(
            'record_missing',
            `Name the record that stays: one of ${conflict.recordIds.join(', ')}.`,
          );
        }
        const { connectionId, contactId } = conflict;
        if (connectionId !== null && contactId !== null) {
          const moved = await relink(actor, { connectionId, contactId, recordId });
          if (moved.outcome === 'refused') return moved;
        }
      }
      return settleConflict(actor, conflictId, 'accepted');
    },
    dismissConflict: (actor, conflictId) => settleConflict(actor, conflictId, 'dismissed'),
    decisions: (workspaceId) => store.transact(workspaceId, listDecisions),
    async undo(actor, decisionId) {
      const undone = await store.transact(actor.workspaceId, async (trx) => {
        const now = clock.now();
        const decision = await undoDecision(trx, decisionId, now);
        if (decision === undefined) return undefined;
        const links = linksChanged.safeParse(decision.subject);
        if (links.success) {
          const { connectionId, contactId, recordId, before } = links.data;
          await replaceLinks(trx, connectionId, contactId, before);
          await lookAgain(
            trx,
            connectionId,
            contactId,
            [recordId, ...before.map((link) => link.recordId)],
            now,
          );
        }
        const conflict = conflictDecided.safeParse(decision.subject);
        if (conflict.success) {
          await decideConflict(trx, conflict.data.conflictId, conflict.data.state, 'open', now);
        }
        await audit(trx, actor, `undo ${decision.kind}`, decisionId, now);
        return evidenceGiven.safeParse(decision.subject).data?.evidence ?? [];
      });
      if (undone === undefined)
        return refused('no_such_decision', 'There is no such decision, or it was undone.');
      if (undone.length > 0) await tellPeople(actor.workspaceId, { evidence: [], retracted: undone });
      wake(actor.workspaceId);
      return { outcome: 'decided', decisionId };
    },
  };
}

type DecidedEvidence = Extract<Evidence, { kind: 'joined' | 'hand_over' }>;

/** Both sides of a changed link are brought in step, and the conversation moves to the home record. */
async function lookAgain(
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

async function audit(
  trx: WorkspaceTransaction,
  { memberId }: Actor,
  action: string,
  subject: string,
  at: number,
): Promise<void> {
  await writeAudit(trx, { memberId, action, subject, at });
}

function refused(code: string, message: string): Extract<Decided, { outcome: 'refused' }> {
  return { outcome: 'refused', code, message };
}

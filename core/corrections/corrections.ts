import type { Clock } from '../clock.ts';
import { noSuch, Refusal } from '../errors.ts';
import {
  type Actor,
  type AuditAction,
  type DecisionKind,
  closeAlertsOf,
  conflictById,
  connectionOf,
  decideConflict,
  findContact,
  identityOf,
  keptLinks,
  type KeptLink,
  lastSaidWhoIsWho,
  recordsById,
  releaseHeld,
  replaceLinks,
  saveDecision,
  standingDecision,
  type Store,
  takeIntoInbox,
  undoDecision,
  type WorkspaceTransaction,
  writeAudit,
} from '../store/index.ts';
import { lanes } from '../whatsapp/index.ts';
import type { DecidedEvidence, IdentityDecisionPayload } from '../pipeline/index.ts';
import { isBuiltOn } from './built-on.ts';
import type { Connectors } from '../work/index.ts';
import { lookAgain, readDecision, reopenConflict, restoreLinks } from '../pipeline/index.ts';
import { type LinkNamed, mustBeRecord } from './known-record.ts';
import { ownEvents } from '../pipeline/index.ts';

/** What people put right by hand: audited, and every decision can be undone. Answers decisions' ids; throws a `Refusal`. */
export interface Corrections {
  /** Makes a record the contact's primary one, one that is known or that the CRM shows now. Throws the connector's errors as well. */
  relink(actor: Actor, link: LinkNamed): Promise<string>;
  /** Parts a contact from a record, for good. */
  unlink(actor: Actor, link: LinkNamed): Promise<string>;
  /** From `at` on (milliseconds) the phone is somebody else's. */
  handOver(actor: Actor, phone: string, at: number): Promise<string>;
  /** These two contacts are one person. */
  join(actor: Actor, contactId: string, otherId: string): Promise<string>;
  /** Lets in the new people that a rush held back, and everybody for an hour; how many were held. */
  release(actor: Actor, connectionId: string): Promise<number>;
  /** Accepting two records of one person names the one that stays primary. */
  acceptConflict(actor: Actor, conflictId: string, recordId: string | undefined): Promise<string>;
  dismissConflict(actor: Actor, conflictId: string): Promise<string>;
  undo(actor: Actor, decisionId: string): Promise<string>;
}

/** How long a release lets everybody in. */
const releasedMs = 60 * 60 * 1000;

export function createCorrections(dependencies: {
  store: Store;
  clock: Clock;
  connectors: Connectors;
}): Corrections {
  const { store, clock, connectors } = dependencies;

  /** One decision with all it does, in one transaction. */
  const decide = (
    actor: Actor,
    work: (trx: WorkspaceTransaction, now: number) => Promise<string>,
  ): Promise<string> => store.transact(actor.workspaceId, (trx) => work(trx, clock.now()));

  /** What the decision changed. */
  const changeLinks = async (
    trx: WorkspaceTransaction,
    kind: 'relink' | 'unlink',
    named: LinkNamed,
    now: number,
  ): Promise<LinkNamed & { before: KeptLink[] }> => {
    const { connectionId, recordId } = named;
    const connection = await connectionOf(trx, connectionId);
    const contactId = await findContact(trx, { contactId: named.contactId });
    if (connection === undefined) throw noSuch('connection');
    if (contactId === undefined) throw noSuch('contact');
    const before = await keptLinks(trx, connectionId, contactId);
    if (kind === 'unlink' && !before.some((link) => link.recordId === recordId)) {
      throw new Refusal(
        'missing',
        'no_such_link',
        'This contact is not tied to that record: check both ids.',
      );
    }
    const [row] = await recordsById(trx, connectionId, [recordId]);
    if (kind === 'relink' && row !== undefined && row.gone !== null) {
      throw new Refusal(
        'conflict',
        'record_gone',
        'That record is no longer in the CRM: restore it there first, or name another.',
      );
    }
    await replaceLinks(trx, connectionId, contactId, linksAfter(kind, before, recordId, now));
    const touched = [...before.map((link) => link.recordId), recordId];
    await lookAgain(trx, connectionId, contactId, touched, now);
    return { connectionId, contactId, recordId, before };
  };

  const decideLinks = (actor: Actor, kind: 'relink' | 'unlink', named: LinkNamed): Promise<string> =>
    decide(actor, async (trx, now) => {
      const changed = await changeLinks(trx, kind, named, now);
      const { contactId, recordId } = changed;
      await audit(trx, actor, kind, `${contactId} ${recordId}`, now);
      return save(trx, actor, kind, changed, now);
    });

  const giveEvidence = async (
    trx: WorkspaceTransaction,
    actor: Actor,
    kind: 'join' | 'hand over',
    evidence: readonly DecidedEvidence[],
    at: number,
  ): Promise<string> => {
    // Whom it is about stands in the decision: it may be a phone.
    const decisionId = await save(trx, actor, kind, { evidence }, at);
    await audit(trx, actor, kind, decisionId, at);
    await tellPeople(trx, decisionId, { evidence, retracted: [] }, at);
    return decisionId;
  };

  return {
    async relink(actor, named) {
      await mustBeRecord({ store, connectors }, actor.workspaceId, named);
      return decideLinks(actor, 'relink', named);
    },
    unlink: (actor, named) => decideLinks(actor, 'unlink', named),
    handOver: (actor, phone, at) =>
      decide(actor, async (trx, now) => {
        if (at > now) {
          const message = 'must not lie ahead: hand the number over once it has changed hands';
          throw new Refusal('invalid', 'from_ahead', `from ${message}.`, [{ path: 'from', message }]);
        }
        const decidedAt = await afterAllSaid(trx, now);
        return giveEvidence(
          trx,
          actor,
          'hand over',
          [{ kind: 'hand_over', a: phone, b: phone, at }],
          decidedAt,
        );
      }),
    join: (actor, contactId, otherId) =>
      decide(actor, async (trx, now) => {
        const [a, b] = [await identityOf(trx, contactId), await identityOf(trx, otherId)];
        if (a === undefined || b === undefined) throw noSuch('contact');
        if (a !== null && a.value === b?.value && a.at === b.at) {
          throw new Refusal('conflict', 'same_contact', 'These two are one contact already: name another.');
        }
        if (a === null || b === null) throw withoutIds(a === null ? contactId : otherId);
        const at = await afterAllSaid(trx, now);
        const joined = { kind: 'joined' as const, a: a.value, b: b.value, at, aAt: a.at, bAt: b.at };
        return giveEvidence(trx, actor, 'join', [joined], at);
      }),
    async release(actor, connectionId) {
      return store.transact(actor.workspaceId, async (trx) => {
        if ((await connectionOf(trx, connectionId)) === undefined) throw noSuch('connection');
        const now = clock.now();
        await audit(trx, actor, 'release held people', connectionId, now);
        await closeAlertsOf(trx, connectionId, 'rush of new records', now);
        return releaseHeld(trx, connectionId, now + releasedMs);
      });
    },
    acceptConflict: (actor, conflictId, recordId) =>
      decide(actor, async (trx, now) => {
        const conflict = await conflictById(trx, conflictId);
        if (conflict?.state !== 'open') throw noSuch('open conflict');
        const { kind, recordIds, connectionId, contactId } = conflict;
        let moved: object = {};
        if (kind === 'two records') {
          if (recordId === undefined || !recordIds.includes(recordId)) {
            const message = `Name the record that stays: one of ${recordIds.join(', ')}.`;
            throw new Refusal('invalid', 'record_missing', message, [{ path: 'recordId', message }]);
          }
          if (connectionId !== null && contactId !== null) {
            moved = await changeLinks(trx, 'relink', { connectionId, contactId, recordId }, now);
          }
        }
        return settleConflict(trx, actor, conflictId, 'accepted', moved, now);
      }),
    dismissConflict: (actor, conflictId) =>
      decide(actor, async (trx, now) => {
        const conflict = await conflictById(trx, conflictId);
        if (conflict?.state !== 'open') throw noSuch('open conflict');
        return settleConflict(trx, actor, conflictId, 'dismissed', {}, now);
      }),
    undo: (actor, decisionId) =>
      decide(actor, async (trx, now) => {
        const decision = await standingDecision(trx, decisionId);
        if (decision === undefined) {
          throw new Refusal('missing', 'no_such_decision', 'There is no such decision, or it was undone.');
        }
        const { links, evidence, conflict } = readDecision(decision.subject);
        if (await isBuiltOn(trx, decisionId, decision.subject)) {
          throw new Refusal(
            'conflict',
            'later_decision',
            'A later decision about the same contact stands: undo that one first.',
          );
        }
        const at = evidence.length === 0 ? now : await afterAllSaid(trx, now);
        await undoDecision(trx, decisionId, at);
        if (links !== undefined) await restoreLinks(trx, links, now);
        if (conflict !== undefined) await reopenConflict(trx, conflict, now);
        if (evidence.length > 0) {
          await tellPeople(trx, `${decisionId}:undone`, { evidence: [], retracted: evidence }, at);
        }
        await audit(trx, actor, 'undo decision', decisionId, now);
        return decisionId;
      }),
  };
}

/** Who is who is applied in the order it was decided in, also where it was decided within one millisecond. */
async function afterAllSaid(trx: WorkspaceTransaction, now: number): Promise<number> {
  return Math.max(now, (await lastSaidWhoIsWho(trx)) + 1);
}

function linksAfter(
  kind: 'relink' | 'unlink',
  before: readonly KeptLink[],
  recordId: string,
  now: number,
): KeptLink[] {
  if (kind === 'unlink') {
    return before.map((link) =>
      link.recordId === recordId ? { ...link, primary: false, partedAt: now } : link,
    );
  }
  return [
    ...before.filter((link) => link.recordId !== recordId).map((link) => ({ ...link, primary: false })),
    { recordId, primary: true, reason: 'member', partedAt: null, createdAt: now },
  ];
}

async function settleConflict(
  trx: WorkspaceTransaction,
  actor: Actor,
  conflictId: string,
  state: 'accepted' | 'dismissed',
  changed: object,
  now: number,
): Promise<string> {
  await decideConflict(trx, conflictId, 'open', state, now);
  await audit(trx, actor, state === 'accepted' ? 'accept conflict' : 'dismiss conflict', conflictId, now);
  return save(trx, actor, 'conflict', { ...changed, conflictId, state }, now);
}

function withoutIds(contactId: string): Refusal {
  return new Refusal(
    'conflict',
    'contact_without_ids',
    `Contact ${contactId} is known by no phone and no user id any more: nothing says who it is. ` +
      'Join the contact that holds what it was known by, or undo the hand-over if it was one by mistake.',
  );
}

/** Who is who is decided by apply, from evidence that travels with the decision. */
async function tellPeople(
  trx: WorkspaceTransaction,
  name: string,
  decision: { readonly evidence: readonly DecidedEvidence[]; readonly retracted: readonly DecidedEvidence[] },
  now: number,
): Promise<void> {
  const payload: IdentityDecisionPayload = {
    field: 'sangam',
    part: 'identity_decision',
    at: now,
    evidence: [...decision.evidence],
    retracted: [...decision.retracted],
  };
  const event = { key: `identity_decision:${name}`, lane: lanes.inbound, payload };
  await takeIntoInbox(trx, ownEvents([event], now));
}

function save(
  trx: WorkspaceTransaction,
  { memberId }: Actor,
  kind: DecisionKind,
  subject: unknown,
  at: number,
): Promise<string> {
  return saveDecision(trx, { kind, subject, memberId, at });
}

async function audit(
  trx: WorkspaceTransaction,
  { memberId }: Actor,
  action: AuditAction,
  subject: string,
  at: number,
): Promise<void> {
  await writeAudit(trx, { memberId, action, subject, at });
}

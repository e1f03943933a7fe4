import type { Clock } from '../clock.ts';
import {
  closeAlertsOf,
  type Conflict,
  conflictById,
  connectionOf,
  contactIdentities,
  type Decision,
  decideConflict,
  decisionsAfter,
  findContact,
  findContacts,
  keptLinks,
  type KeptLink,
  listConflicts,
  listDecisions,
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
import type { DecidedEvidence, IdentityDecisionPayload } from './apply/read-event.ts';
import { lookAgain, readDecision, reopenConflict, restoreLinks } from './decided.ts';
import { ownEvents } from './receive/receive.ts';

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

export function createPutRight(dependencies: {
  store: Store;
  clock: Clock;
  /** Told that a workspace has something to apply, or records to bring in step. */
  wake: (workspaceId: string) => void;
}): PutRight {
  const { store, clock, wake } = dependencies;

  /** One decision with all it does, in one transaction. */
  const decide = async (
    actor: Actor,
    work: (trx: WorkspaceTransaction, now: number) => Promise<Decided>,
  ): Promise<Decided> => {
    const decided = await store.transact(actor.workspaceId, (trx) => work(trx, clock.now()));
    if (decided.outcome === 'decided') wake(actor.workspaceId);
    return decided;
  };

  /** What the decision changed, or why it cannot be made. */
  const changeLinks = async (
    trx: WorkspaceTransaction,
    kind: 'relink' | 'unlink',
    named: LinkNamed,
    now: number,
  ): Promise<{ readonly subject: LinkNamed & { before: KeptLink[] } } | Refused> => {
    const { connectionId, recordId } = named;
    const connection = await connectionOf(trx, connectionId);
    const contactId = await findContact(trx, { contactId: named.contactId });
    if (connection === undefined) return refused('no_such_connection', 'There is no such connection.');
    if (contactId === undefined) return refused('no_such_contact', 'There is no such contact.');
    const before = await keptLinks(trx, connectionId, contactId);
    if (kind === 'unlink' && !before.some((link) => link.recordId === recordId)) {
      return refused('no_such_link', 'This contact is not tied to that record.');
    }
    const [row] = await recordsById(trx, connectionId, [recordId]);
    if (kind === 'relink' && row !== undefined && row.gone !== null) {
      return refused('record_gone', 'That record is no longer in the CRM.');
    }
    await replaceLinks(trx, connectionId, contactId, linksAfter(kind, before, recordId, now));
    const touched = [...before.map((link) => link.recordId), recordId];
    await lookAgain(trx, connectionId, contactId, touched, now);
    return { subject: { connectionId, contactId, recordId, before } };
  };

  const decideLinks = (actor: Actor, kind: 'relink' | 'unlink', named: LinkNamed): Promise<Decided> =>
    decide(actor, async (trx, now) => {
      const changed = await changeLinks(trx, kind, named, now);
      if ('outcome' in changed) return changed;
      const { contactId, recordId } = changed.subject;
      await audit(trx, actor, kind, `${contactId} ${recordId}`, now);
      return save(trx, actor, kind, changed.subject, now);
    });

  const giveEvidence = async (
    trx: WorkspaceTransaction,
    actor: Actor,
    kind: 'join' | 'hand over',
    evidence: readonly DecidedEvidence[],
    now: number,
  ): Promise<Decided> => {
    await audit(trx, actor, kind, evidence.map(({ a, b }) => `${a} ${b}`).join(' '), now);
    const decided = await save(trx, actor, kind, { evidence }, now);
    await tellPeople(trx, decided.decisionId, { evidence, retracted: [] }, now);
    return decided;
  };

  return {
    relink: (actor, named) => decideLinks(actor, 'relink', named),
    unlink: (actor, named) => decideLinks(actor, 'unlink', named),
    handOver: (actor, phone, at) =>
      decide(actor, (trx, now) =>
        giveEvidence(trx, actor, 'hand over', [{ kind: 'hand_over', a: phone, b: phone, at }], now),
      ),
    join: (actor, contactId, otherId) =>
      decide(actor, async (trx, now) => {
        const [a] = (await contactIdentities(trx, contactId)) ?? [];
        const [b] = (await contactIdentities(trx, otherId)) ?? [];
        if (a === undefined || b === undefined || contactId === otherId) {
          return refused('no_such_contact', 'Both must be contacts, and not the same one.');
        }
        return giveEvidence(trx, actor, 'join', [{ kind: 'joined', a, b, at: now }], now);
      }),
    async release(actor, connectionId) {
      const released = await store.transact(actor.workspaceId, async (trx) => {
        if ((await connectionOf(trx, connectionId)) === undefined) return undefined;
        const now = clock.now();
        await audit(trx, actor, 'release held people', connectionId, now);
        await closeAlertsOf(trx, connectionId, 'rush of new records', now);
        return releaseHeld(trx, connectionId, now + releasedMs);
      });
      wake(actor.workspaceId);
      return released;
    },
    conflicts: (workspaceId, state) => store.transact(workspaceId, (trx) => listConflicts(trx, state)),
    acceptConflict: (actor, conflictId, recordId) =>
      decide(actor, async (trx, now) => {
        const conflict = await conflictById(trx, conflictId);
        if (conflict?.state !== 'open') return noSuchConflict();
        const { kind, recordIds, connectionId, contactId } = conflict;
        let moved: object = {};
        if (kind === 'two records') {
          if (recordId === undefined || !recordIds.includes(recordId)) {
            return refused('record_missing', `Name the record that stays: one of ${recordIds.join(', ')}.`);
          }
          if (connectionId !== null && contactId !== null) {
            const changed = await changeLinks(trx, 'relink', { connectionId, contactId, recordId }, now);
            if ('outcome' in changed) return changed;
            moved = changed.subject;
          }
        }
        return settleConflict(trx, actor, conflictId, 'accepted', moved, now);
      }),
    dismissConflict: (actor, conflictId) =>
      decide(actor, async (trx, now) => {
        const conflict = await conflictById(trx, conflictId);
        if (conflict?.state !== 'open') return noSuchConflict();
        return settleConflict(trx, actor, conflictId, 'dismissed', {}, now);
      }),
    decisions: (workspaceId) => store.transact(workspaceId, listDecisions),
    undo: (actor, decisionId) =>
      decide(actor, async (trx, now) => {
        const decision = await standingDecision(trx, decisionId);
        if (decision === undefined) {
          return refused('no_such_decision', 'There is no such decision, or it was undone.');
        }
        const { links, evidence, conflict } = readDecision(decision.subject);
        if (links !== undefined && (await isBuiltOn(trx, decisionId, links))) {
          return refused(
            'later_decision',
            'A later decision about the same contact stands: undo that one first.',
          );
        }
        await undoDecision(trx, decisionId, now);
        if (links !== undefined) await restoreLinks(trx, links, now);
        if (conflict !== undefined) await reopenConflict(trx, conflict, now);
        if (evidence.length > 0) {
          await tellPeople(trx, `${decisionId}:undone`, { evidence: [], retracted: evidence }, now);
        }
        await audit(trx, actor, `undo ${decision.kind}`, decisionId, now);
        return { outcome: 'decided', decisionId };
      }),
  };
}

function linksAfter(
  kind: 'relink' | 'unlink',
  before: readonly KeptLink[],
  recordId: string,
  now: number,
): KeptLink[] {
  if (kind === 'unlink') {
    return before.map((link) =>
      link.recordId === recordId ? { ...link, home: false, partedAt: now } : link,
    );
  }
  return [
    ...before.filter((link) => link.recordId !== recordId).map((link) => ({ ...link, home: false })),
    { recordId, home: true, reason: 'member', partedAt: null, createdAt: now },
  ];
}

async function settleConflict(
  trx: WorkspaceTransaction,
  actor: Actor,
  conflictId: string,
  state: 'accepted' | 'dismissed',
  changed: object,
  now: number,
): Promise<Decided> {
  await decideConflict(trx, conflictId, 'open', state, now);
  await audit(trx, actor, `${state} conflict`, conflictId, now);
  return save(trx, actor, 'conflict', { ...changed, conflictId, state }, now);
}

/** Whether a later decision that stands changed the links of the same contact. */
async function isBuiltOn(
  trx: WorkspaceTransaction,
  decisionId: string,
  { connectionId, contactId }: LinkNamed,
): Promise<boolean> {
  const later = (await decisionsAfter(trx, decisionId)).flatMap(({ subject }) => {
    const { links } = readDecision(subject);
    return links?.connectionId === connectionId ? [links.contactId] : [];
  });
  const livesOn = await findContacts(trx, [contactId, ...later]);
  const survivor = livesOn.get(contactId);
  return later.some((other) => livesOn.get(other) === survivor);
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

async function save(
  trx: WorkspaceTransaction,
  { memberId }: Actor,
  kind: string,
  subject: unknown,
  at: number,
): Promise<Extract<Decided, { outcome: 'decided' }>> {
  const decisionId = await saveDecision(trx, { kind, subject, memberId, at });
  return { outcome: 'decided', decisionId };
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

type Refused = Extract<Decided, { outcome: 'refused' }>;

function noSuchConflict(): Refused {
  return refused('no_such_conflict', 'There is no such open conflict.');
}

function refused(code: string, message: string): Refused {
  return { outcome: 'refused', code, message };
}

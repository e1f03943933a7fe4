import type { Clock } from '../clock.ts';
import {
  addCounts,
  deleteDeadLetters,
  type DeadLetterQuery,
  forgetRefused,
  type LetterSource,
  listDeadLetters,
  markContacts,
  markPriority,
  readDeadLetters,
  reopenInbox,
  retryTimeline,
  setLetterAside,
  type StoredDeadLetter,
  type Store,
  writeAudit,
} from '../store/index.ts';
import type { ChangeReceiver } from './receive/changes.ts';
import type { Receiver } from './receive/receive.ts';

/** A dead letter as a person reads it. */
export interface DeadLetterView {
  readonly deadLetterId: string;
  readonly reason: string;
  readonly explanation: string;
  readonly source: LetterSource;
  readonly contactId: string | null;
  /** What arrived, as text. */
  readonly payload: string | null;
  readonly receivedAt: string;
  readonly parkedAt: string;
  /** When `payload` had had its time: then nothing can replay it. */
  readonly contentsSweptAt: string | null;
  readonly setAside: { readonly at: string; readonly why: string } | null;
}

export interface Replayed {
  /** On their way again. */
  readonly replayed: number;
  /** Still where they were: their cause stands, as of a number nobody has connected. */
  readonly kept: number;
}

export interface DeadLetterOffice {
  list(workspaceId: string, query: DeadLetterQuery): Promise<{ results: DeadLetterView[]; total: number }>;
  /** Undefined: no such dead letter. Replaying twice does nothing twice. */
  replay(member: Actor, deadLetterId: string): Promise<Replayed | undefined>;
  replayAll(member: Actor): Promise<Replayed>;
  /**
   * Lets one rest that nothing can replay, such as a body that is no JSON: kept whole, no longer listed with the others.
   * Undefined: no such dead letter. False: it can be replayed, and is not set aside.
   */
  setAside(member: Actor, deadLetterId: string, why: string): Promise<boolean | undefined>;
}

interface Actor {
  readonly workspaceId: string;
  readonly memberId: string;
}

/** Reasons whose letters do not go back into the inbox they would come from. */
const handedOn: ReadonlySet<string> = new Set(['foreign channel', 'foreign account']);

const replayBatch = 500;

export function createDeadLetterOffice(dependencies: {
  store: Store;
  receiver: Receiver;
  changes: ChangeReceiver;
  clock: Clock;
  /** Told that a workspace has something to apply or to write again. */
  wake: (workspaceId: string) => void;
}): DeadLetterOffice {
  const { store, receiver, changes, clock, wake } = dependencies;

  const replayLetters = async (
    { workspaceId, memberId }: Actor,
    letters: readonly StoredDeadLetter[],
  ): Promise<Replayed> => {
    const going: StoredDeadLetter[] = [];
    const homes = new Map<StoredDeadLetter, string>();
    for (const letter of letters) {
      if (letter.reason === 'unparsed' || isEmptied(letter)) continue;
      if (handedOn.has(letter.reason)) {
        const office = letter.reason === 'foreign channel' ? receiver : changes;
        const home = await office.readmit(letter);
        if (home === undefined) continue;
        homes.set(letter, home);
      }
      going.push(letter);
    }
    await store.transact(workspaceId, async (trx) => {
      const at = clock.now();
      await writeAudit(trx, {
        memberId,
        action: 'replay dead letters',
        subject: going.map(({ deadLetterId }) => deadLetterId).join(' '),
        at,
      });
      await reopenInbox(
        trx,
        going.filter(({ reason }) => !handedOn.has(reason)),
      );
      await markContacts(
        trx,
        going.flatMap(({ contactId }) =>
          contactId === null ? [] : [{ contactId, priority: markPriority.newLead }],
        ),
        at,
      );
      await forgetRefused(
        trx,
        going.flatMap(({ contactId }) => contactId ?? []),
      );
      await retryTimeline(
        trx,
        going.flatMap(({ contactId, reason }) =>
          contactId !== null && reason.startsWith('timeline_') ? [contactId] : [],
        ),
        at,
      );
      await addCounts(
        trx,
        // What stays in this workspace was received once: as what it holds.
        [...homes].map(([{ receivedAt: at }, home]) =>
          home === workspaceId ? { name: 'received', at, count: -1 } : { name: 'handed on', at, count: 1 },
        ),
      );
      await deleteDeadLetters(
        trx,
        going.map(({ deadLetterId }) => deadLetterId),
      );
    });
    wake(workspaceId);
    return { replayed: going.length, kept: letters.length - going.length };
  };

  return {
    async list(workspaceId, query) {
      const { rows, total } = await store.transact(workspaceId, (trx) => listDeadLetters(trx, query));
      return { results: rows.map(viewOf), total };
    },
    async replay(member, deadLetterId) {
      const letters = await store.transact(member.workspaceId, (trx) => readDeadLetters(trx, [deadLetterId]));
      return letters.length === 0 ? undefined : replayLetters(member, letters);
    },
    async setAside({ workspaceId, memberId }, deadLetterId, why) {
      return store.transact(workspaceId, async (trx) => {
        const at = clock.now();
        if ((await readDeadLetters(trx, [deadLetterId])).length === 0) return undefined;
        if (!(await setLetterAside(trx, deadLetterId, { memberId, why, at }))) return false;
        await writeAudit(trx, { memberId, action: 'set dead letter aside', subject: deadLetterId, at });
        return true;
      });
    },
    async replayAll(member) {
      const sum = { replayed: 0, kept: 0 };
      // Only what is there now: a letter that comes back is parked behind this mark.
      const until = clock.now();
      let after: string | undefined;
      for (;;) {
        const query = { limit: replayBatch, after, reason: undefined };
        const { rows } = await store.transact(member.workspaceId, (trx) => listDeadLetters(trx, query));
        const due = rows.filter(({ parkedAt }) => parkedAt <= until);
        const outcome = await replayLetters(member, due);
        sum.replayed += outcome.replayed;
        sum.kept += outcome.kept;
        after = rows.at(-1)?.deadLetterId;
        if (rows.length < replayBatch || due.length < rows.length) return sum;
      }
    },
  };
}

/** What a contact's letter asks for is written from the contact; every other needs what arrived. */
function isEmptied({ contactId, contentsSweptAt }: StoredDeadLetter): boolean {
  return contactId === null && contentsSweptAt !== null;
}

function viewOf(letter: StoredDeadLetter): DeadLetterView {
  return {
    deadLetterId: letter.deadLetterId,
    reason: letter.reason,
    explanation: letter.explanation,
    source: letter.source,
    contactId: letter.contactId,
    payload: letter.payload?.toString('utf8') ?? null,
    receivedAt: new Date(letter.receivedAt).toISOString(),
    parkedAt: new Date(letter.parkedAt).toISOString(),
    contentsSweptAt: letter.contentsSweptAt === null ? null : new Date(letter.contentsSweptAt).toISOString(),
    setAside:
      letter.setAsideAt === null
        ? null
        : { at: new Date(letter.setAsideAt).toISOString(), why: letter.setAsideWhy ?? '' },
  };
}

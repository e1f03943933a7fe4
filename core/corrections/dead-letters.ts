import type { Clock } from '../clock.ts';
import { noSuch, Refusal } from '../errors.ts';
import {
  type Actor,
  addCounts,
  closeOptOutAlert,
  deleteDeadLetters,
  type DeadLetterRow,
  forgetRefused,
  listDeadLetters,
  markContacts,
  markPriority,
  markRecords,
  readDeadLetter,
  recordsOfLetters,
  reopenInbox,
  retryTimeline,
  setLetterAside,
  type Store,
  writeAudit,
} from '../store/index.ts';
import { optOutElsewhere, trySendsAnew } from '../pipeline/index.ts';
import type { ChangeReceiver } from '../pipeline/index.ts';
import type { Receiver } from '../pipeline/index.ts';

interface Replayed {
  /** On their way again. */
  readonly replayed: number;
  /** Still where they were: their cause stands, as of a number nobody has connected. */
  readonly kept: number;
}

/** How dead letters go on their way again, and how they rest. Throws a `Refusal`. */
export interface DeadLetters {
  /** Replaying twice does nothing twice. */
  replay(actor: Actor, deadLetterId: string): Promise<Replayed>;
  replayAll(actor: Actor): Promise<Replayed>;
  /** Lets one rest that nothing can replay, such as a body that is no JSON: kept whole, no longer listed with the others. */
  setAside(actor: Actor, deadLetterId: string, why: string): Promise<void>;
}

/** Reasons whose letters do not go back into the inbox they would come from. */
const handedOn: ReadonlySet<string> = new Set(['foreign channel', 'foreign account']);

const replayBatch = 500;

export function createDeadLetters(dependencies: {
  store: Store;
  receiver: Receiver;
  changes: ChangeReceiver;
  clock: Clock;
}): DeadLetters {
  const { store, receiver, changes, clock } = dependencies;

  /** The workspace whose channel or account it names, where it goes. One at a time: a body may be of megabytes. */
  const readmit = async (
    workspaceId: string,
    { deadLetterId, reason }: DeadLetterRow,
  ): Promise<string | undefined> => {
    const letter = await store.transact(workspaceId, (trx) => readDeadLetter(trx, deadLetterId));
    return letter && (reason === 'foreign channel' ? receiver : changes).readmit(letter);
  };

  const replayLetters = async (
    { workspaceId, memberId }: Actor,
    letters: readonly DeadLetterRow[],
  ): Promise<Replayed> => {
    const going: DeadLetterRow[] = [];
    const readmitted = new Map<DeadLetterRow, string>();
    for (const letter of letters) {
      if (letter.reason === 'unparsed' || isEmptied(letter)) continue;
      if (handedOn.has(letter.reason)) {
        const readmittedTo = await readmit(workspaceId, letter);
        if (readmittedTo === undefined) continue;
        readmitted.set(letter, readmittedTo);
      }
      going.push(letter);
    }
    await store.transact(workspaceId, async (trx) => {
      const at = clock.now();
      await writeAudit(trx, {
        memberId,
        action: 'replay dead letters',
        subject: namesOf(going),
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
      await trySendsAnew(
        trx,
        going.flatMap(({ sendId }) => sendId ?? []),
        at,
      );
      const ids = going.map(({ deadLetterId }) => deadLetterId);
      const records = await recordsOfLetters(trx, ids);
      for (const [connectionId, some] of Map.groupBy(records, (one) => one.connectionId)) {
        await markRecords(
          trx,
          connectionId,
          some.map(({ recordId }) => recordId),
          { priority: markPriority.newLead, reread: true },
          at,
        );
      }
      await forgetRefused(
        trx,
        going.flatMap(({ contactId }) => contactId ?? []),
      );
      await retryTimeline(
        trx,
        going.flatMap(({ contactId, aboutTimeline }) =>
          contactId !== null && aboutTimeline ? [contactId] : [],
        ),
        at,
      );
      await addCounts(
        trx,
        // What stays in this workspace was received once: as what it holds.
        [...readmitted].map(([{ receivedAt: at }, readmittedTo]) =>
          readmittedTo === workspaceId
            ? { name: 'received', at, count: -1 }
            : { name: 'handed on', at, count: 1 },
        ),
      );
      await deleteDeadLetters(trx, ids);
      if (readmitted.size > 0) await closeOptOutAlert(trx, optOutElsewhere, at);
    });
    return { replayed: going.length, kept: letters.length - going.length };
  };

  return {
    async replay(actor, deadLetterId) {
      const letter = await store.transact(actor.workspaceId, (trx) => readDeadLetter(trx, deadLetterId));
      if (letter === undefined) throw noSuch('dead letter');
      return replayLetters(actor, [letter]);
    },
    setAside: ({ workspaceId, memberId }, deadLetterId, why) =>
      store.transact(workspaceId, async (trx) => {
        const at = clock.now();
        if ((await readDeadLetter(trx, deadLetterId)) === undefined) throw noSuch('dead letter');
        if (!(await setLetterAside(trx, deadLetterId, { memberId, why, at }))) {
          throw new Refusal('conflict', 'replayable', 'It can be replayed, or was set aside already.');
        }
        await writeAudit(trx, { memberId, action: 'set dead letter aside', subject: deadLetterId, at });
      }),
    async replayAll(actor) {
      const sum = { replayed: 0, kept: 0 };
      // Only what is there now: a letter that comes back is parked behind this mark.
      const until = clock.now();
      let after: string | undefined;
      for (;;) {
        const page = { limit: replayBatch, after };
        const rows = await store.transact(actor.workspaceId, (trx) => listDeadLetters(trx, page));
        const due = rows.filter(({ parkedAt }) => parkedAt <= until);
        const outcome = await replayLetters(actor, due);
        sum.replayed += outcome.replayed;
        sum.kept += outcome.kept;
        after = rows.at(-1)?.deadLetterId;
        if (rows.length < replayBatch || due.length < rows.length) return sum;
      }
    },
  };
}

/** The letters of one line in the audit: all that lie between two ids may be thousands. */
function namesOf(letters: readonly DeadLetterRow[]): string {
  const [first, last] = [letters[0], letters.at(-1)];
  if (first === undefined || last === undefined) return 'none';
  return letters.length === 1
    ? first.deadLetterId
    : `${String(letters.length)} from ${first.deadLetterId} to ${last.deadLetterId}`;
}

/** What a contact's or a send's letter asks for is done from what is known; every other needs what arrived. */
function isEmptied({ contactId, sendId, contentsSweptAt }: DeadLetterRow): boolean {
  return contactId === null && sendId === null && contentsSweptAt !== null;
}

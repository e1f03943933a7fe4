/** Queues whose targets are connections; below, those whose target is the workspace itself. */
export const connectionQueues = ['records', 'timeline', 'checks', 'polls', 'webhooks'] as const;
/** Those whose target is a channel. */
export const channelQueues = ['sends', 'media'] as const;
const workspaceQueues = ['inbox', 'sweep', 'silence', 'retention', 'numbers', 'deletions'] as const;
export type Queue =
  (typeof connectionQueues)[number] | (typeof channelQueues)[number] | (typeof workspaceQueues)[number];

/** What a queue is worked off for. */
export interface DueTarget {
  readonly queue: Queue;
  readonly workspaceId: string;
  /** A connection's or a channel's id; of a queue of whole workspaces the workspace's own. */
  readonly targetId: string;
}

/** Until when what a queue has to do at a target is left alone, although it is due. */
export interface RestUntil {
  /** Milliseconds. */
  readonly notBefore: number;
  /** Only what is as pressing as this mark priority, or less; the rest is not left alone. */
  readonly from?: number;
}

/** A target of the transaction's workspace, due at a time: milliseconds, 0: now. */
export type DueNote = Pick<DueTarget, 'queue' | 'targetId'> & { readonly at: number };

/** What a transaction makes due: entered in the due list by its last statements, so that no other lock follows. */
export class DueNotes {
  readonly #notes = new Map<string, DueNote>();

  add(queue: Queue, targetId: string, at = 0): void {
    const name = `${queue} ${targetId}`;
    const known = this.#notes.get(name);
    if (known === undefined || known.at > at) this.#notes.set(name, { queue, targetId, at });
  }

  inOrder(): readonly DueNote[] {
    return [...this.#notes].toSorted(([x], [y]) => (x < y ? -1 : 1)).map(([, note]) => note);
  }
}

/** All queues of a connection are looked at: what it may do has changed. `at` in milliseconds; 0: now. */
export function dueConnection(trx: { readonly due: DueNotes }, connectionId: string, at = 0): void {
  for (const queue of connectionQueues) trx.due.add(queue, connectionId, at);
}

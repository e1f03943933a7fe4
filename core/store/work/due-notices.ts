import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import type { NewlyDue } from './due.ts';
import type { Queue } from './due-notes.ts';

/** Told what a queue has to do, as soon as it is there. */
export type DueListener = (due: Omit<NewlyDue, 'earlier'>) => void;

const channel = 'sangam_due';
/** As PostgreSQL carries it: less than 8,000 bytes a notice. */
const mostInNotice = 60;
/** What comes together is told together. */
const gatherMs = 10;
const reconnectMs = 5_000;
const goodbyeMs = 1_000;

/**
 * Tells workers of this process what transactions of this process made due, and those of others where none of this one
 * works that queue. A lost notice costs a look, never an event: what is due stands in the list.
 */
export class DueNotices {
  readonly #pool: pg.Pool;
  readonly #connect: () => pg.Client;
  readonly #lost: (error: Error) => void;
  readonly #listeners = new Map<Queue, Set<DueListener>>();
  #unsent: string[] = [];
  #sending: NodeJS.Timeout | undefined;
  #sent: Promise<unknown> = Promise.resolve();
  #heard: pg.Client | undefined;
  #connecting: Promise<void> | undefined;
  #reconnecting: NodeJS.Timeout | undefined;

  constructor(pool: pg.Pool, connect: () => pg.Client, lost: (error: Error) => void) {
    this.#pool = pool;
    this.#connect = connect;
    this.#lost = lost;
  }

  /** Until the returned function is called. */
  listen(queue: Queue, listener: DueListener): () => void {
    const listeners = this.#listeners.get(queue) ?? new Set();
    this.#listeners.set(queue, listeners.add(listener));
    void this.#hear();
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(queue);
      if (this.#listeners.size === 0) void this.#hush();
    };
  }

  tell(due: readonly NewlyDue[]): void {
    for (const one of due) {
      const listeners = this.#listeners.get(one.queue);
      if (listeners !== undefined) for (const listener of listeners) listener(one);
      else if (one.earlier) this.#send([one.queue, one.workspaceId, one.targetId, one.at].join(' '));
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#sending);
    this.#unsent = [];
    this.#listeners.clear();
    await this.#hush();
    await this.#sent;
  }

  #send(words: string): void {
    this.#unsent.push(words);
    this.#sending ??= setTimeout(() => {
      const unsent = this.#unsent;
      this.#unsent = [];
      this.#sending = undefined;
      const notices: string[] = [];
      for (let from = 0; from < unsent.length; from += mostInNotice)
        notices.push(unsent.slice(from, from + mostInNotice).join('\n'));
      this.#sent = this.#pool
        .query('select pg_notify($1, notice) from unnest($2::text[]) notice', [channel, notices])
        .catch(() => undefined);
    }, gatherMs);
  }

  async #hear(): Promise<void> {
    if (this.#heard !== undefined || this.#connecting !== undefined) return;
    const client = this.#connect();
    const again = (error?: Error): void => {
      if (this.#heard === client) this.#heard = undefined;
      if (this.#listeners.size === 0 || this.#reconnecting !== undefined) return;
      if (error !== undefined) this.#lost(error);
      this.#reconnecting = setTimeout(() => {
        this.#reconnecting = undefined;
        if (this.#listeners.size > 0) void this.#hear();
      }, reconnectMs);
    };
    client.on('error', again);
    client.on('end', () => again());
    client.on('notification', ({ payload = '' }) => {
      for (const words of payload.split('\n')) this.#passOn(words.split(' '));
    });
    this.#connecting = this.#begin(client).catch(again);
    await this.#connecting;
    this.#connecting = undefined;
    if (this.#listeners.size === 0) await this.#hush();
  }

  async #begin(client: pg.Client): Promise<void> {
    await client.connect();
    await client.query(`listen ${channel}`);
    this.#heard = client;
  }

  async #hush(): Promise<void> {
    clearTimeout(this.#reconnecting);
    this.#reconnecting = undefined;
    await this.#connecting;
    // Somebody may listen again by now.
    if (this.#listeners.size > 0) return;
    const heard = this.#heard;
    this.#heard = undefined;
    // A server that is gone without a word is not waited for.
    if (heard !== undefined)
      await Promise.race([heard.end().catch(() => undefined), wait(goodbyeMs, undefined, { ref: false })]);
  }

  #passOn([queue, workspaceId, targetId, at]: readonly string[]): void {
    if (queue === undefined || workspaceId === undefined || targetId === undefined) return;
    const due = { queue: queue as Queue, workspaceId, targetId, at: Number(at) };
    for (const listener of this.#listeners.get(due.queue) ?? []) listener(due);
  }
}

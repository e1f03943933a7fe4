import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import type { Append, JournalPart } from '../journal.ts';
import { type Due, DueQueue } from './due-queue.ts';
import { createPoster, type Outgoing } from './poster.ts';

/** When what was not accepted is tried again. Milliseconds of the sandbox's clock. */
export interface Retries {
  /** Before the second try, the third …; the last is that of all further ones. A pair: a random time between them. */
  readonly gapsMs: readonly (number | readonly [least: number, most: number])[];
  /** How often an item is tried in all. */
  readonly tries: number;
  /** How long after it was queued an item is given up. */
  readonly forMs: number;
  /** The gaps are of the machine's clock: nobody who moves ours hurries them. */
  readonly byMachine?: boolean;
}

/** How webhooks leave from here on. What waits already keeps its place and its number of copies. */
export interface DeliverySettings {
  /** Most items one webhook holds. */
  readonly batch: number;
  /** How long the first of them waits for company, milliseconds. */
  readonly gatherMs: number;
  /** Webhooks under way at once. */
  readonly mostAtOnce: number;
  /** How many more times each item is sent. */
  readonly duplicates: number;
  /** Copies leave in random order. */
  readonly shuffle: boolean;
  /** Every copy waits a random time up to this before it leaves. */
  readonly holdMs: number;
  /** Nothing leaves. */
  readonly paused: boolean;
  readonly retries: Retries;
}

/** An item in one webhook; `failures`: how often this copy was sent in vain. */
export interface Sent<Item> {
  readonly item: Item;
  readonly failures: number;
}

export interface DeliveryState {
  /** Copies not acknowledged yet. */
  readonly queued: number;
  /** Copies acknowledged since the start. */
  readonly delivered: number;
  /** Webhooks sent since the start, whatever came of them. */
  readonly attempts: number;
  /** Copies given up. */
  readonly givenUp: number;
}

/** A vendor's side of webhooks: batched, doubled, shuffled and tried again until they are accepted. */
export interface Deliveries<Item> {
  /** What waits, for a vendor whose queue outlives the process. */
  readonly journal: JournalPart;
  queue(item: Item): void;
  /** Everything queued so far once more, as far as it is remembered: how many items. */
  redeliver(): number;
  /** The settings are others now. */
  changed(): void;
  state(): DeliveryState;
  /** Sends what a journal brought back, and whatever is queued from now on. */
  start(): void;
  close(): Promise<void>;
}

interface Waiting<Item> {
  readonly id: number;
  readonly at: number;
  readonly item: Item;
  copies: number;
}

interface Copy<Item> extends Due {
  readonly of: Waiting<Item>;
  readonly failures: number;
}

export function createDeliveries<Item>(vendor: {
  clock: SandboxClock;
  /** Asked at every step. */
  settings: () => DeliverySettings;
  /** Of its journal, and of an item in it. */
  name: string;
  item: z.ZodType<Item>;
  append: Append;
  /** Throws where nobody is there yet: a failed try. */
  url: (batch: readonly Sent<Item>[]) => string;
  body: (batch: readonly Sent<Item>[]) => Buffer;
  /** Headers, over exactly these bytes. */
  sign: (webhook: {
    readonly url: string;
    readonly bytes: Buffer;
    readonly batch: readonly Sent<Item>[];
  }) => Readonly<Record<string, string>>;
  accepts: (status: number) => boolean;
  /** How long an answer is waited for. */
  answerMs: number;
  /** How many items `redeliver` knows. */
  remembers?: number;
  /** Hears of what is given up after a try; `status`: of that one, undefined = no answer. */
  gaveUp?: (item: Item, status: number | undefined) => void;
}): Deliveries<Item> {
  const { clock, settings, append, remembers = 0 } = vendor;
  const waiting = new Map<number, Waiting<Item>>();
  const copies = new DueQueue<Copy<Item>>();
  const poster = createPoster(vendor.answerMs);
  const remembered: Item[] = [];
  const machineWaits = new Set<NodeJS.Timeout>();
  let nextId = 1;
  let inFlight = 0;
  let queued = 0;
  let delivered = 0;
  let attempts = 0;
  let givenUp = 0;
  let open = false;
  let timer: NodeJS.Timeout | undefined;
  let pumping = false;
  let order = 0;
  /** Until when a webhook that is not full waits for company. */
  let gathersUntil = 0;

  const enqueue = (of: Waiting<Item>): void => {
    const { shuffle, holdMs, gatherMs } = settings();
    const now = clock.now();
    if ((copies.peek()?.dueAt ?? Infinity) > now) gathersUntil = now + gatherMs;
    for (let copy = 0; copy < of.copies; copy += 1) {
      order += 1;
      const hold = Math.random() * holdMs;
      const shuffled = { dueAt: hold === 0 ? 0 : now + hold, order: Math.random() };
      copies.push({ of, failures: 0, ...(shuffle ? shuffled : { dueAt: now + hold, order }) });
    }
  };

  const keep = (of: Waiting<Item>): void => {
    waiting.set(of.id, of);
    queued += of.copies;
  };

  const add = (item: Item): void => {
    const of = { id: nextId, at: clock.now(), item, copies: 1 + settings().duplicates };
    nextId += 1;
    keep(of);
    append({ kind: 'queued', ...of });
    enqueue(of);
    pumpSoon();
  };

  const forget = (id: number): void => {
    const of = waiting.get(id);
    if (of === undefined) return;
    queued -= 1;
    of.copies -= 1;
    if (of.copies === 0) waiting.delete(id);
  };

  const settle = (sent: readonly Copy<Item>[]): void => {
    for (const { of } of sent) forget(of.id);
    append({ kind: 'done', ids: sent.map(({ of }) => of.id) });
  };

  const giveUp = (copy: Copy<Item>): void => {
    givenUp += 1;
    settle([copy]);
  };
  const giveUpAfter = (copy: Copy<Item>, status: number | undefined): void => {
    giveUp(copy);
    vendor.gaveUp?.(copy.of.item, status);
  };

  /** What failed together is tried again together. */
  const retry = (batch: readonly Copy<Item>[], status: number | undefined): void => {
    const { retries } = settings();
    const [now, luck] = [clock.now(), Math.random()];
    const again = batch.filter(({ failures }) => failures + 1 < retries.tries);
    for (const copy of batch) if (!again.includes(copy)) giveUpAfter(copy, status);
    for (const [failures, some] of Map.groupBy(again, (copy) => copy.failures)) {
      const gap = gapOf(retries.gapsMs[failures] ?? retries.gapsMs.at(-1) ?? 0, luck);
      const wait = (dueAt: number): void => {
        for (const { of } of some) {
          order += 1;
          copies.push({ of, failures: failures + 1, dueAt, order });
        }
      };
      if (retries.byMachine === true) afterOnMachine(gap, () => wait(clock.now()));
      else wait(now + gap);
    }
  };

  const afterOnMachine = (ms: number, happen: () => void): void => {
    const timeout = setTimeout(() => {
      machineWaits.delete(timeout);
      happen();
      pump();
    }, ms);
    machineWaits.add(timeout);
  };

  const takeBatch = (now: number): Copy<Item>[] => {
    const { batch: most, retries } = settings();
    const batch: Copy<Item>[] = [];
    while (batch.length < most && (copies.peek()?.dueAt ?? Infinity) <= now) {
      const copy = copies.pop();
      if (copy === undefined) break;
      if (now - copy.of.at < retries.forMs) batch.push(copy);
      else giveUp(copy);
    }
    return batch;
  };

  const outgoing = (batch: readonly Copy<Item>[]): Outgoing => {
    const sent = batch.map(({ of, failures }) => ({ item: of.item, failures }));
    const [url, bytes] = [vendor.url(sent), vendor.body(sent)];
    return { url, bytes, headers: vendor.sign({ url, bytes, batch: sent }) };
  };

  const send = async (batch: readonly Copy<Item>[]): Promise<void> => {
    inFlight += 1;
    attempts += 1;
    const status = await poster.post(() => outgoing(batch));
    inFlight -= 1;
    if (status !== undefined && vendor.accepts(status)) {
      delivered += batch.length;
      settle(batch);
    } else if (open) {
      retry(batch, status);
    }
    pump();
  };

  const pump = (): void => {
    clearTimeout(timer);
    if (!open || settings().paused) return;
    for (;;) {
      const { mostAtOnce, batch: most } = settings();
      const next = copies.peek();
      if (next === undefined || inFlight >= mostAtOnce) return;
      const now = clock.now();
      const leavesAt = copies.size < most ? Math.max(next.dueAt, gathersUntil) : next.dueAt;
      if (leavesAt > now) {
        timer = setTimeout(pump, leavesAt - now);
        return;
      }
      const batch = takeBatch(now);
      if (batch.length > 0) void send(batch);
    }
  };

  /** What is queued at one go leaves together, as far as it fits. */
  const pumpSoon = (): void => {
    if (pumping) return;
    pumping = true;
    queueMicrotask(() => {
      pumping = false;
      pump();
    });
  };

  const stopListening = clock.onAdvance(pump);
  const entry = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('queued'), id: z.int(), at: z.number(), copies: z.int(), item: vendor.item }),
    z.object({ kind: z.literal('done'), ids: z.array(z.int()) }),
  ]);

  return {
    journal: {
      name: vendor.name,
      replay(line) {
        const read = entry.parse(line);
        if (read.kind === 'queued') {
          keep({ id: read.id, at: read.at, item: read.item, copies: read.copies });
          nextId = Math.max(nextId, read.id + 1);
        } else {
          read.ids.forEach(forget);
        }
      },
      *snapshot() {
        for (const of of waiting.values()) yield { kind: 'queued', ...of };
      },
    },
    queue(item) {
      if (remembers > 0) remembered.push(item);
      if (remembered.length > remembers) remembered.shift();
      add(item);
    },
    redeliver() {
      for (const item of remembered) add(item);
      return remembered.length;
    },
    changed: pump,
    state: () => ({ queued, delivered, attempts, givenUp }),
    start() {
      for (const of of waiting.values()) enqueue(of);
      open = true;
      pump();
    },
    async close() {
      open = false;
      clearTimeout(timer);
      for (const wait of machineWaits) clearTimeout(wait);
      stopListening();
      await poster.close();
    },
  };
}

function gapOf(gap: number | readonly [number, number], luck: number): number {
  if (typeof gap === 'number') return gap;
  const [least, most] = gap;
  return least + luck * (most - least);
}

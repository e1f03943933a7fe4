import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import type { Append, JournalPart } from '../journal.ts';
import { type Due, DueQueue } from './due-queue.ts';
import { createPoster } from './poster.ts';
import type { WhatsappRules } from './rules.ts';
import { type BusinessNumber, encode, envelope, sign, type WebhookItem } from './webhook.ts';

/** How webhooks are sent from here on. What waits already keeps its place and its number of copies. */
export const deliverySettings = z.strictObject({
  /** Most items one webhook holds. */
  batch: z.int().min(1).max(1_000).default(1),
  /** How many more times each item is sent. */
  duplicates: z.int().min(0).max(100).default(0),
  /** Copies leave in random order. */
  shuffle: z.boolean().default(false),
  /** Every copy waits a random time up to this before it leaves. */
  holdMs: z.number().min(0).max(600_000).default(0),
  /** Nothing leaves. */
  paused: z.boolean().default(false),
});

type DeliverySettings = z.infer<typeof deliverySettings>;

/**
 * Retries: growing gaps for up to 7 days (docs/vendors/whatsapp.md §1.3); the gaps are ours, made for people who wait.
 */
const firstGapMs = 250;
const longestGapMs = 30_000;
const givesUpAfterMs = 7 * 86_400_000;

const inFlightMax = 8;
/** How long the first item of a batch waits for company. */
const gatherMs = 50;

const entrySchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('queued'),
    id: z.int(),
    at: z.number(),
    copies: z.int(),
    item: z.object({
      field: z.enum(['messages', 'user_preferences']),
      list: z.enum(['messages', 'statuses', 'user_preferences']),
      item: z.record(z.string(), z.unknown()),
      contact: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
  z.object({ kind: z.literal('done'), ids: z.array(z.int()) }),
]);

interface Waiting {
  readonly id: number;
  readonly at: number;
  readonly item: WebhookItem;
  copies: number;
}

interface Copy extends Due {
  readonly of: Waiting;
  readonly failures: number;
}

interface DeliveryState {
  /** Copies not acknowledged yet. */
  readonly queued: number;
  /** Copies acknowledged since the start. */
  readonly delivered: number;
  /** Webhooks sent since the start, whatever came of them. */
  readonly attempts: number;
  /** Copies given up after 7 days. */
  readonly givenUp: number;
}

export interface Delivery {
  readonly journal: JournalPart;
  queue(item: WebhookItem): void;
  settings(): DeliverySettings;
  change(settings: DeliverySettings): void;
  state(): DeliveryState;
  /** Sends what a journal brought back, and whatever is queued from now on. */
  start(): void;
  close(): Promise<void>;
}

/** Meta's side of webhooks: signed, batched, doubled, shuffled and retried until answered with 200. */
export function createDelivery(options: {
  number: BusinessNumber;
  webhookUrl: () => string;
  appSecret: string;
  clock: SandboxClock;
  rules: () => WhatsappRules;
  append: Append;
}): Delivery {
  const { clock, append } = options;
  const waiting = new Map<number, Waiting>();
  const copies = new DueQueue<Copy>();
  const poster = createPoster();
  let settings = deliverySettings.parse({});
  let nextId = 1;
  let inFlight = 0;
  let queued = 0;
  let delivered = 0;
  let attempts = 0;
  let givenUp = 0;
  let open = false;
  let timer: NodeJS.Timeout | undefined;
  let order = 0;

  const enqueue = (of: Waiting): void => {
    for (let copy = 0; copy < of.copies; copy += 1) {
      order += 1;
      const hold = Math.random() * settings.holdMs;
      copies.push(
        settings.shuffle
          ? { of, failures: 0, dueAt: hold === 0 ? 0 : clock.now() + hold, order: Math.random() }
          : { of, failures: 0, dueAt: clock.now() + hold + (settings.batch > 1 ? gatherMs : 0), order },
      );
    }
  };

  const retry = ({ of, failures }: Copy): void => {
    const gap = Math.min(firstGapMs * 2 ** failures, longestGapMs);
    order += 1;
    copies.push({ of, failures: failures + 1, dueAt: clock.now() + gap, order });
  };

  const keep = (of: Waiting): void => {
    waiting.set(of.id, of);
    queued += of.copies;
  };

  const forget = (id: number): void => {
    const of = waiting.get(id);
    if (of === undefined) return;
    queued -= 1;
    of.copies -= 1;
    if (of.copies === 0) waiting.delete(id);
  };

  const settle = (sent: readonly Copy[]): void => {
    for (const { of } of sent) forget(of.id);
    append({ kind: 'done', ids: sent.map(({ of }) => of.id) });
  };

  const takeBatch = (now: number): Copy[] => {
    const batch: Copy[] = [];
    const until = settings.batch > 1 ? now + gatherMs : now;
    while (batch.length < settings.batch && (copies.peek()?.dueAt ?? Infinity) <= until) {
      const copy = copies.pop();
      if (copy === undefined) break;
      if (now - copy.of.at < givesUpAfterMs) {
        batch.push(copy);
        continue;
      }
      givenUp += 1;
      settle([copy]);
    }
    return batch;
  };

  const send = async (batch: readonly Copy[]): Promise<void> => {
    inFlight += 1;
    attempts += 1;
    const items = batch.map(({ of }) => of.item);
    const bytes = encode(envelope(options.number, items), options.rules().escapesSlash);
    const status = await poster.post(options.webhookUrl, bytes, sign(bytes, options.appSecret));
    inFlight -= 1;
    if (status === 200) {
      delivered += batch.length;
      settle(batch);
    } else {
      batch.forEach(retry);
    }
    pump();
  };

  const pump = (): void => {
    clearTimeout(timer);
    if (!open || settings.paused) return;
    for (;;) {
      const next = copies.peek();
      if (next === undefined || inFlight >= inFlightMax) return;
      const now = clock.now();
      if (next.dueAt > now) {
        timer = setTimeout(pump, next.dueAt - now);
        return;
      }
      const batch = takeBatch(now);
      if (batch.length > 0) void send(batch);
    }
  };

  const stopListening = clock.onAdvance(pump);

  return {
    journal: {
      name: 'webhooks',
      replay(line) {
        const entry = entrySchema.parse(line);
        if (entry.kind === 'queued') {
          keep({ id: entry.id, at: entry.at, item: entry.item, copies: entry.copies });
          nextId = Math.max(nextId, entry.id + 1);
        } else {
          entry.ids.forEach(forget);
        }
      },
      *snapshot() {
        for (const of of waiting.values()) yield { kind: 'queued', ...of };
      },
    },
    queue(item) {
      const of: Waiting = { id: nextId, at: clock.now(), item, copies: 1 + settings.duplicates };
      nextId += 1;
      keep(of);
      append({ kind: 'queued', ...of });
      enqueue(of);
      pump();
    },
    settings: () => settings,
    change(next) {
      settings = next;
      pump();
    },
    state: () => ({ queued, delivered, attempts, givenUp }),
    start() {
      for (const of of waiting.values()) enqueue(of);
      open = true;
      pump();
    },
    async close() {
      open = false;
      clearTimeout(timer);
      stopListening();
      await poster.close();
    },
  };
}

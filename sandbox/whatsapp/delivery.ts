import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import type { Append, JournalPart } from '../journal.ts';
import { createDeliveries, type DeliveryState, type Retries } from '../shared/deliveries.ts';
import type { WhatsappRules } from './rules.ts';
import { accountFields, type BusinessNumber, encode, envelope, sign, type WebhookItem } from './webhook.ts';

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
const retries: Retries = {
  gapsMs: [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000],
  tries: Infinity,
  forMs: 7 * 86_400_000,
};

const mostAtOnce = 8;
const answerMs = 10_000;
/** How long the first item of a batch waits for company. */
const gatherMs = 50;

const itemSchema = z.union([
  z.object({
    field: z.enum(['messages', 'user_preferences']),
    list: z.enum(['messages', 'statuses', 'user_preferences']),
    item: z.record(z.string(), z.unknown()),
    contact: z.record(z.string(), z.unknown()).optional(),
  }),
  z.object({ field: z.enum(accountFields), value: z.record(z.string(), z.unknown()), at: z.number() }),
]);

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
  let settings = deliverySettings.parse({});
  const deliveries = createDeliveries<WebhookItem>({
    clock,
    append,
    name: 'webhooks',
    item: itemSchema,
    settings: () => ({ ...settings, mostAtOnce, retries, gatherMs: settings.batch > 1 ? gatherMs : 0 }),
    url: options.webhookUrl,
    body: (batch) =>
      encode(
        envelope(
          options.number,
          batch.map(({ item }) => item),
        ),
        options.rules().escapesSlash,
      ),
    sign: ({ bytes }) => ({
      'User-Agent': 'facebookexternalua',
      'X-Hub-Signature-256': sign(bytes, options.appSecret),
    }),
    accepts: (status) => status === 200,
    answerMs,
  });
  return {
    ...deliveries,
    settings: () => settings,
    change(next) {
      settings = next;
      deliveries.changed();
    },
  };
}

import { Router } from 'express';
import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import { answering, ok, readChanges } from '../http.ts';
import { createDeliveries } from '../shared/deliveries.ts';
import { zohoTime } from './org.ts';

/** Nothing is tried again. docs/vendors/zoho.md §6.2, §7.2. */
const once = { gapsMs: [], tries: 1, forMs: Infinity };
/** From memory. */
const answerMs = 10_000;
const mostRemembered = 10_000;

const settingsSchema = z.strictObject({
  duplicates: z.int().min(0).default(0),
  shuffle: z.boolean().default(false),
  holdMs: z.number().min(0).default(0),
  paused: z.boolean().default(false),
});

const reference = z.object({ id: z.string(), name: z.string() });
const outgoingSchema = z.object({
  url: z.string(),
  body: z.string(),
  headers: z.record(z.string(), z.string()).default({}),
  /** Of a rule's webhook: what its failure is told with. */
  source: z
    .object({ webhook: reference, rule: reference, module: z.string(), record: z.string() })
    .optional(),
});
type Outgoing = z.output<typeof outgoingSchema>;

interface Failure extends NonNullable<Outgoing['source']> {
  readonly at: number;
  readonly reason: string;
}

/** All that leaves the org: notifications, and what rules send. It lasts as long as the process. */
export interface Outbox {
  send(outgoing: z.input<typeof outgoingSchema>): void;
  /** What rules sent in vain, oldest first. */
  readonly failures: readonly Failure[];
  readonly controls: Router;
  start(): void;
  close(): Promise<void>;
}

export function createOutbox(clock: SandboxClock, written: () => Promise<void>): Outbox {
  let settings = settingsSchema.parse({});
  const failures: Failure[] = [];
  const deliveries = createDeliveries<Outgoing>({
    clock,
    name: 'zoho outbox',
    item: outgoingSchema,
    append: () => undefined,
    settings: () => ({ batch: 1, gatherMs: 0, mostAtOnce: 10, ...settings, retries: once }),
    url: ([sent]) => sent?.item.url ?? '',
    body: ([sent]) => Buffer.from(sent?.item.body ?? ''),
    sign: ({ batch: [sent] }) => sent?.item.headers ?? {},
    accepts: (status) => status >= 200 && status < 300,
    answerMs,
    remembers: mostRemembered,
    gaveUp({ source }, status) {
      if (source === undefined) return;
      const reason = status === undefined ? 'no answer' : `answered ${String(status)}`;
      failures.push({ ...source, at: clock.now(), reason });
      if (failures.length > mostRemembered) failures.shift();
    },
  });

  const view = () => ({
    ...settings,
    ...deliveries.state(),
    failures: failures.map(({ at, ...failure }) => ({ ...failure, at: zohoTime(at) })),
  });
  const controls = Router();
  controls.get(
    '/webhooks',
    answering(written, () => ok(view())),
  );
  controls.put(
    '/webhooks',
    answering(written, (request) => {
      settings = readChanges(settingsSchema, settings, request);
      deliveries.changed();
      return ok(view());
    }),
  );
  controls.post(
    '/webhooks/redeliver',
    answering(written, () => ok({ events: deliveries.redeliver() })),
  );

  return {
    send: (item) => deliveries.queue(outgoingSchema.parse(item)),
    failures,
    controls,
    start: () => deliveries.start(),
    close: () => deliveries.close(),
  };
}

import { Router } from 'express';
import { z } from 'zod';
import type { MustBeTarget } from '../../targets.ts';
import type { SandboxClock } from '../../clock.ts';
import { answering, ok, readChanges } from '../../http.ts';
import { createDeliveries, type Retries } from '../../shared/deliveries.ts';
import type { PortalChange } from '../changes.ts';
import { portal } from '../portal.ts';
import type { AppFacts } from './install.ts';
import { signV3 } from './signature.ts';

/** Events in one webhook, and how often one is tried. docs/vendors/hubspot.md §3.2. */
const mostEvents = 100;
const mostTries = 11;
const answerMs = 5_000;
/** What `redeliver` sends again. */
const mostRemembered = 10_000;

const settingsSchema = z.strictObject({
  /** Undefined: the address the app came with; without one nothing is delivered. */
  targetUrl: z.url().optional(),
  /** Subscription types that are sent; `*` is all of them, which HubSpot has not. */
  subscriptions: z.array(z.string()).default(['*']),
  maxConcurrentRequests: z.int().min(1).default(10),
  /** How long the first event of a webhook waits for company, milliseconds. */
  batchWaitMs: z.int().min(0).default(50),
  duplicates: z.int().min(0).default(0),
  shuffle: z.boolean().default(false),
  paused: z.boolean().default(false),
  /** Tries again after 100 to 500 ms instead of spreading them over 24 hours of the sandbox's clock. */
  retryFast: z.boolean().default(false),
});

type HubspotEvent = { readonly subscriptionType: string } & Readonly<Record<string, unknown>>;

const daySpread: Retries = { gapsMs: [[0, 2 * 60 * 60 * 1_000]], tries: mostTries, forMs: Infinity };
const fast: Retries = { gapsMs: [[100, 500]], tries: mostTries, forMs: Infinity, byMachine: true };

/** Signed webhooks of everything that happens to contacts. The queue lives as long as the process. */
export interface HubspotWebhooks {
  changed(change: PortalChange): void;
  readonly controls: Router;
  start(): void;
  close(): Promise<void>;
}

export function createHubspotWebhooks(options: {
  app: AppFacts;
  clock: SandboxClock;
  installed: () => boolean;
  /** Where to deliver while the settings name no address. */
  webhookUrl: (() => string) | undefined;
  mustBeTarget: MustBeTarget;
  written: () => Promise<void>;
}): HubspotWebhooks {
  const { app, clock, installed, webhookUrl, mustBeTarget, written } = options;
  let settings = settingsSchema.parse({});
  let eventId = 1;

  const target = (): string | undefined => settings.targetUrl ?? webhookUrl?.();
  const deliveries = createDeliveries<HubspotEvent>({
    clock,
    name: 'hubspot webhooks',
    item: z.looseObject({ subscriptionType: z.string() }),
    append: () => undefined,
    settings: () => ({
      batch: mostEvents,
      gatherMs: settings.batchWaitMs,
      mostAtOnce: settings.maxConcurrentRequests,
      duplicates: settings.duplicates,
      shuffle: settings.shuffle,
      holdMs: 0,
      paused: settings.paused,
      retries: settings.retryFast ? fast : daySpread,
    }),
    url: () => target() ?? '',
    body: (batch) =>
      Buffer.from(JSON.stringify(batch.map(({ item, failures }) => ({ ...item, attemptNumber: failures })))),
    sign: ({ url, bytes }) =>
      signV3(app.clientSecret, { method: 'POST', url, body: bytes.toString() }, clock.now()),
    accepts: (status) => status >= 200 && status < 300,
    answerMs,
    remembers: mostRemembered,
  });

  const view = () => ({ ...settings, ...deliveries.state() });
  const controls = Router();
  controls.get(
    '/webhooks',
    answering(written, () => ok(view())),
  );
  controls.put(
    '/webhooks',
    answering(written, (request) => {
      const changed = readChanges(settingsSchema, settings, request);
      if (changed.targetUrl !== undefined) mustBeTarget(changed.targetUrl);
      settings = changed;
      deliveries.changed();
      return ok(view());
    }),
  );
  controls.post(
    '/webhooks/redeliver',
    answering(written, () => ok({ events: deliveries.redeliver() })),
  );

  return {
    changed(change) {
      if (target() === undefined || !installed()) return;
      const event = eventOf(change, app, eventId);
      eventId += 1;
      const { subscriptions } = settings;
      if (subscriptions.includes('*') || subscriptions.includes(event.subscriptionType))
        deliveries.queue(event);
    },
    controls,
    start: () => deliveries.start(),
    close: () => deliveries.close(),
  };
}

/** Ids of subscriptions are the app's own; the same type has the same id. */
const subscriptionTypes = [
  'object.creation',
  'object.deletion',
  'object.restore',
  'object.merge',
  'object.propertyChange',
  'contact.privacyDeletion',
];

/** One event as HubSpot sends it. docs/vendors/hubspot.md §3.2. */
function eventOf(change: PortalChange, app: AppFacts, eventId: number): HubspotEvent {
  const subscriptionType =
    change.kind === 'privacyDeletion' ? 'contact.privacyDeletion' : `object.${change.kind}`;
  const objectId = change.kind === 'merge' ? change.primaryObjectId : change.objectId;
  const base = {
    eventId,
    subscriptionId: 1_000 + subscriptionTypes.indexOf(subscriptionType),
    portalId: portal.portalId,
    appId: Number(app.appId),
    occurredAt: change.at,
    subscriptionType,
    objectId: Number(objectId),
    ...(change.kind === 'privacyDeletion' ? {} : { objectTypeId: '0-1' }),
    ...change.source,
  };
  switch (change.kind) {
    case 'propertyChange':
      return {
        ...base,
        propertyName: change.propertyName,
        propertyValue: change.propertyValue,
        isSensitive: false,
      };
    case 'merge':
      return {
        ...base,
        primaryObjectId: Number(change.primaryObjectId),
        mergedObjectIds: change.mergedObjectIds.map(Number),
        newObjectId: Number(change.newObjectId),
        numberOfPropertiesMoved: change.numberOfPropertiesMoved,
      };
    case 'creation':
      return { ...base, changeFlag: 'CREATED' };
    case 'deletion':
      return { ...base, changeFlag: 'DELETED' };
    case 'restore':
    case 'privacyDeletion':
      return base;
  }
}

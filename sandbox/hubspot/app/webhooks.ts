import { Router } from 'express';
import { z } from 'zod';
import type { MustBeTarget } from '../../targets.ts';
import type { SandboxClock } from '../../clock.ts';
import { answering, ok, readChanges } from '../../http.ts';
import { portal } from '../portal.ts';
import type { PortalChange } from '../portal-change.ts';
import type { AppFacts } from './oauth.ts';
import { signV3 } from './signature.ts';

/** Events in one webhook, and how often one is tried. docs/vendors/hubspot.md §3.2. */
const mostEvents = 100;
const mostTries = 11;
const answerMs = 5_000;
/** What `redeliver` sends again. */
const mostRemembered = 10_000;
/** How often the queue is looked at while something waits for its time. */
const lookMs = 50;

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

interface Queued {
  readonly event: Readonly<Record<string, unknown>>;
  tries: number;
  /** Milliseconds of the sandbox's clock, or of the machine's while tries are fast. */
  dueAt: number;
}

/** Signed webhooks of everything that happens to contacts. The queue lives as long as the process. */
export interface HubspotWebhooks {
  changed(change: PortalChange): void;
  readonly controls: Router;
  close(): void;
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
  let queue: Queued[] = [];
  const remembered: Readonly<Record<string, unknown>>[] = [];
  const counts = { delivered: 0, attempts: 0, givenUp: 0 };
  let underWay = 0;
  let inFlight = 0;
  let eventId = 1;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const target = (): string | undefined => settings.targetUrl ?? webhookUrl?.();

  const look = (afterMs: number): void => {
    if (closed || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      serve();
    }, afterMs);
  };

  const serve = (): void => {
    const { paused, maxConcurrentRequests, retryFast } = settings;
    const targetUrl = target();
    if (targetUrl === undefined || paused) return;
    while (underWay < maxConcurrentRequests) {
      const now = retryFast ? Date.now() : clock.now();
      const due = queue.filter(({ dueAt }) => dueAt <= now).slice(0, mostEvents);
      if (due.length === 0) break;
      const taken = new Set(due);
      queue = queue.filter((one) => !taken.has(one));
      underWay += 1;
      inFlight += due.length;
      void deliver(targetUrl, due).finally(() => {
        underWay -= 1;
        inFlight -= due.length;
        serve();
      });
    }
    if (queue.length > 0) look(lookMs);
  };

  const deliver = async (url: string, batch: Queued[]): Promise<void> => {
    const body = JSON.stringify(batch.map(({ event, tries }) => ({ ...event, attemptNumber: tries })));
    counts.attempts += 1;
    const answered = await fetch(url, {
      method: 'POST',
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
      headers: {
        'content-type': 'application/json',
        ...signV3(app.clientSecret, { method: 'POST', url, body }, clock.now()),
      },
    }).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) {
      counts.delivered += batch.length;
      return;
    }
    const again = batch.filter(({ tries }) => tries + 1 < mostTries);
    counts.givenUp += batch.length - again.length;
    const { retryFast } = settings;
    const wait = retryFast ? 100 + Math.random() * 400 : Math.random() * 2 * 60 * 60 * 1_000;
    for (const one of again) {
      one.tries += 1;
      one.dueAt = (retryFast ? Date.now() : clock.now()) + wait;
    }
    queue.push(...again);
  };

  const enqueue = (event: Readonly<Record<string, unknown>>): void => {
    const dueAt = settings.retryFast ? Date.now() : clock.now();
    for (let copy = 0; copy <= settings.duplicates; copy += 1) {
      const place = settings.shuffle ? Math.floor(Math.random() * (queue.length + 1)) : queue.length;
      queue.splice(place, 0, { event, tries: 0, dueAt });
    }
    look(settings.batchWaitMs);
  };

  const view = () => ({ ...settings, queued: queue.length + inFlight, ...counts });
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
      look(0);
      return ok(view());
    }),
  );
  controls.post(
    '/webhooks/redeliver',
    answering(written, () => {
      for (const event of remembered) enqueue(event);
      return ok({ events: remembered.length });
    }),
  );

  return {
    changed(change) {
      if (target() === undefined || !installed()) return;
      const event = eventOf(change, app, eventId);
      eventId += 1;
      const { subscriptions } = settings;
      if (!subscriptions.includes('*') && !subscriptions.includes(event.subscriptionType)) return;
      remembered.push(event);
      if (remembered.length > mostRemembered) remembered.shift();
      enqueue(event);
    },
    controls,
    close() {
      closed = true;
      clearTimeout(timer);
    },
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
function eventOf(
  change: PortalChange,
  app: AppFacts,
  eventId: number,
): { readonly subscriptionType: string } & Readonly<Record<string, unknown>> {
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

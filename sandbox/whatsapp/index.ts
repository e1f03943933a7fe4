import { type RequestHandler, Router } from 'express';
import { type Calls, createCalls } from '../calls.ts';
import type { SandboxClock } from '../clock.ts';
import { callControls } from '../control.ts';
import { createFaults } from '../faults.ts';
import { answering, ok, readChanges } from '../http.ts';
import type { Append, JournalPart } from '../journal.ts';
import { createVendorFront } from '../vendor-front.ts';
import { mediaBodies } from './bodies.ts';
import { createCases } from './cases.ts';
import { createConversations } from './conversations.ts';
import { customerRoutes } from './customer-routes.ts';
import { createDelivery, deliverySettings } from './delivery.ts';
import { createFates } from './fates.ts';
import { createGraph, isGraphPath } from './graph.ts';
import { createMediaBytes } from './media-bytes.ts';
import { createMediaOperations } from './media-operations.ts';
import { createMedia } from './media.ts';
import { createNumbers } from './numbers.ts';
import { createRequests } from './requests.ts';
import { type WhatsappRules, whatsappRules } from './rules.ts';
import { createSender } from './send.ts';
import { sendingControls } from './sending-controls.ts';
import { createSendingLimits } from './sending-limits.ts';
import { templateControls } from './template-controls.ts';
import { createTemplateLife } from './template-life.ts';
import { createTemplateOperations } from './template-operations.ts';
import { createTemplates } from './templates.ts';
import { createUploadSessions } from './upload-sessions.ts';

/** The business number the sandbox plays Meta for. */
export interface WhatsappOptions {
  readonly channelId: string;
  readonly phoneNumberId: string;
  readonly wabaId: string;
  readonly displayPhoneNumber: string;
  readonly webhookUrl: () => string;
  readonly appSecret: string;
  readonly verifyToken: string;
  readonly accessToken: string;
}

export interface Whatsapp {
  readonly router: Router;
  /** Reads media, which are larger than other bodies; to stand before what reads those. */
  readonly bodies: RequestHandler;
  readonly journals: readonly JournalPart[];
  /** What GET /sandbox tells of it. */
  facts(): object;
  start(): void;
  close(): Promise<void>;
}

/** The app the sandbox knows: the same in every installation. */
const appId = '300000000000001';

export function createWhatsapp(
  options: WhatsappOptions & {
    clock: SandboxClock;
    rules: WhatsappRules;
    append: (part: string) => Append;
    written: () => Promise<void>;
    /** Where the bytes of media are kept; without it in memory. */
    dataDir: string | undefined;
  },
): Whatsapp {
  const { channelId, phoneNumberId, wabaId, displayPhoneNumber, webhookUrl, appSecret, verifyToken } =
    options;
  const { accessToken, clock, written, append } = options;
  let rules = options.rules;
  const world = { ...options, clock, rules: () => rules };
  const conversations = createConversations(append('conversations'));
  const delivery = createDelivery({
    ...world,
    number: { wabaId, phoneNumberId, displayPhoneNumber },
    append: append('webhooks'),
  });
  const templates = createTemplates(append('templates'), clock);
  const life = createTemplateLife({ ...world, templates, delivery });
  const media = createMedia({ ...world, append: append('media'), bytes: createMediaBytes(options.dataDir) });
  const mediaOperations = createMediaOperations({ ...world, media });
  const limits = createSendingLimits(world);
  const cases = createCases();
  const requests = createRequests();
  const fates = createFates({ ...world, conversations, delivery });
  const graph = createGraph({
    ...world,
    appId,
    numbers: createNumbers(world),
    templates: createTemplateOperations({ ...world, templates, life }),
    media: mediaOperations,
    uploads: createUploadSessions(),
    limits,
    requests,
    prepareSend: createSender({ ...world, conversations, templates, media, limits, cases, fates }),
  });
  const calls: Calls = createCalls();
  const faults = createFaults();
  const front = createVendorFront({ vendor: graph, calls, faults, clock, written });

  const router = Router();
  router.use(
    '/customer',
    customerRoutes({ ...world, conversations, delivery, media, mediaOperations, limits }),
  );
  router.use('/templates', templateControls({ templates, life, written }));
  router.use(sendingControls({ clock, conversations, delivery, cases, fates, requests, written }));
  router.use(callControls({ calls, faults, written }));
  router.get(
    '/delivery',
    answering(written, () => ok({ ...delivery.settings(), ...delivery.state() })),
  );
  router.put(
    '/delivery',
    answering(written, (request) => {
      delivery.change(readChanges(deliverySettings, delivery.settings(), request));
      return ok({ ...delivery.settings(), ...delivery.state() });
    }),
  );
  router.put(
    '/rules',
    answering(written, (request) => {
      rules = readChanges(whatsappRules, rules, request);
      return ok(rules);
    }),
  );
  router.use((request, response, next) =>
    isGraphPath(request.path) ? front.handler(request, response, next) : next(),
  );

  return {
    router,
    bodies: mediaBodies(graph),
    journals: [conversations.journal, delivery.journal, templates.journal, media.journal],
    facts: () => ({
      appId,
      channelId,
      phoneNumberId,
      wabaId,
      displayPhoneNumber,
      webhookUrl: webhookUrl(),
      appSecret,
      verifyToken,
      accessToken,
    }),
    start() {
      media.start();
      life.start();
      delivery.start();
    },
    close() {
      front.close();
      life.close();
      return delivery.close();
    },
  };
}

import { type Request, Router } from 'express';
import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import { answering, answeringAnybody, bodyText, ControlError, ok, readBody, readChanges } from '../http.ts';
import type { Append, JournalPart } from '../journal.ts';
import { createConversations, messageStatuses } from './conversations.ts';
import { customerRoutes } from './customer-routes.ts';
import { createDelivery, deliverySettings } from './delivery.ts';
import { newWamid, toWaId } from './ids.ts';
import { createNumbers, type GraphRead } from './numbers.ts';
import { type WhatsappRules, whatsappRules } from './rules.ts';
import { createSender } from './send.ts';
import { statusItem } from './status.ts';

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
  readonly journals: readonly JournalPart[];
  /** What GET /sandbox tells of it. */
  facts(): object;
  start(): void;
  close(): Promise<void>;
}

const statusBody = z.object({
  wamid: z.string().min(1).optional(),
  to: z.string().optional(),
  userId: z.string().min(1).optional(),
  status: z.string().min(1),
  errors: z.array(z.unknown()).optional(),
});

export function createWhatsapp(
  options: WhatsappOptions & {
    clock: SandboxClock;
    rules: WhatsappRules;
    append: (part: string) => Append;
    written: () => Promise<void>;
  },
): Whatsapp {
  const { channelId, phoneNumberId, wabaId, displayPhoneNumber, webhookUrl, appSecret, verifyToken } =
    options;
  const { clock, written } = options;
  let rules = options.rules;
  const conversations = createConversations(options.append('conversations'));
  const delivery = createDelivery({
    number: { wabaId, phoneNumberId, displayPhoneNumber },
    webhookUrl,
    appSecret,
    clock,
    rules: () => rules,
    append: options.append('webhooks'),
  });
  const send = createSender({
    phoneNumberId,
    accessToken: options.accessToken,
    clock,
    rules: () => rules,
    conversations,
    delivery,
  });
  const numbers = createNumbers(options);

  const router = Router();
  router.use('/customer', customerRoutes({ clock, conversations, delivery, written }));

  router.post(
    '/statuses',
    answering(written, (request) => {
      const { wamid = newWamid(), to, userId, status, errors } = readBody(statusBody, request);
      const known = conversations.get(wamid);
      const phone = to === undefined ? undefined : toWaId(to);
      const named = phone === undefined && userId === undefined ? known : { phone, userId };
      if (named?.phone === undefined && named?.userId === undefined) {
        throw new ControlError(
          400,
          'nobody',
          'Of a message the sandbox does not know, to or userId is needed.',
        );
      }
      const ids = { phone: named.phone, userId: named.userId };
      const person = {
        ...conversations.people.find(ids),
        ...(ids.phone === undefined ? {} : { phone: ids.phone }),
        ...(ids.userId === undefined ? {} : { userId: ids.userId }),
      };
      const ladder = messageStatuses.find((step) => step === status);
      if (ladder !== undefined) conversations.setStatus(wamid, ladder);
      const sentTo = ids.phone === undefined ? 'userId' : 'phone';
      delivery.queue(statusItem({ wamid, status, at: clock.now(), to: person, sentTo, errors }));
      return ok({ wamid });
    }),
  );

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
  // Any version: the sandbox does not tell them apart. docs/vendors/whatsapp.md §3.1.
  router.post(
    '/v:version/:phoneNumberId/messages',
    answeringAnybody(written, (request) =>
      send({
        authorization: request.headers.authorization,
        phoneNumberId: String(request.params['phoneNumberId']),
        text: bodyText(request),
      }),
    ),
  );
  router.get(
    '/v:version/:id/phone_numbers',
    answeringAnybody(written, (request) => numbers.list(graphRead(request))),
  );
  router.get(
    '/v:version/:id',
    answeringAnybody(written, (request) => numbers.read(graphRead(request))),
  );

  return {
    router,
    journals: [conversations.journal, delivery.journal],
    facts: () => ({
      channelId,
      phoneNumberId,
      wabaId,
      displayPhoneNumber,
      webhookUrl: webhookUrl(),
      appSecret,
      verifyToken,
      accessToken: options.accessToken,
    }),
    start: () => delivery.start(),
    close: () => delivery.close(),
  };
}

function graphRead({ headers, params, query }: Request): GraphRead {
  return { authorization: headers.authorization, id: String(params['id']), query };
}

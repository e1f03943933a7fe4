import { Router } from 'express';
import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import { answering, bodyBytes, ControlError, ok, readBody, readInput } from '../http.ts';
import type { Conversations } from './conversations.ts';
import { messageItem, numberChangeItem, preferenceItem, preferenceValues } from './customer.ts';
import type { Delivery } from './delivery.ts';
import { newWamid, toWaId } from './ids.ts';
import { shownOfInbound, withMedium } from './inbound-content.ts';
import type { MediaOperations } from './media-operations.ts';
import type { Media } from './media.ts';
import type { Person } from './people.ts';
import type { WhatsappRules } from './rules.ts';
import { seenMessages } from './seen-messages.ts';
import type { SendingLimits } from './sending-limits.ts';
import { wordsOf } from './words.ts';

const phone = z.string().transform((written, context) => {
  const waId = toWaId(written);
  if (waId !== undefined) return waId;
  context.issues.push({
    code: 'custom',
    input: written,
    message: 'not a phone number with its country code',
  });
  return z.NEVER;
});

const who = { from: phone.optional(), userId: z.string().min(1).optional() };

const messageBody = z.looseObject({
  ...who,
  parentUserId: z.string().min(1).optional(),
  username: z.string().min(1).optional(),
  name: z.string().optional(),
  type: z.string().optional(),
  text: z.union([z.string(), z.looseObject({})]).optional(),
  id: z.string().min(1).optional(),
  /** Unix seconds, as Meta gives them. */
  timestamp: z.union([z.string().regex(/^\d+$/), z.int().min(0).transform(String)]).optional(),
});

const preferenceBody = z.object({
  ...who,
  username: z.string().optional(),
  name: z.string().optional(),
  value: z.enum(preferenceValues),
  signupId: z.string().optional(),
});

const numberChangeBody = z.object({
  ...who,
  to: phone.optional(),
  newUserId: z.string().min(1).optional(),
});

const phoneBody = z.strictObject({ ...who, onWhatsapp: z.boolean() });

const messagesQuery = z.object({ phone: phone.optional(), userId: z.string().optional() });

/** What a customer does on their phone. */
export function customerRoutes(options: {
  clock: SandboxClock;
  conversations: Conversations;
  delivery: Delivery;
  media: Media;
  mediaOperations: MediaOperations;
  limits: SendingLimits;
  rules: () => WhatsappRules;
  written: () => Promise<void>;
}): Router {
  const { clock, conversations, delivery, media, limits, rules, written } = options;
  const router = Router();

  router.post(
    '/messages',
    answering(written, (request) => {
      const { from, userId, parentUserId, username, name, type, text, id, timestamp, ...content } = readBody(
        messageBody,
        request,
      );
      const person: Person = {
        phone: from,
        userId,
        parentUserId,
        username: username?.replace(/^@/, ''),
        name,
      };
      mustBeSomebody(person);
      const kind = type ?? 'text';
      const body = typeof text === 'string' ? { body: text } : text;
      if (kind === 'text' && body === undefined)
        throw new ControlError(400, 'bad_request', 'A text message needs text.');
      const message = withMedium(
        kind,
        { ...content, ...(body === undefined ? {} : { text: body }) },
        { media, operations: options.mediaOperations, rules: rules(), host: request.headers.host },
      );
      const wamid = id ?? newWamid();
      const seconds = timestamp ?? String(Math.floor(clock.now() / 1000));
      conversations.see(person);
      conversations.record({
        wamid,
        direction: 'in',
        type: kind,
        body: wordsOf(kind, message),
        status: 'received',
        at: Number(seconds) * 1000,
        phone: from,
        userId,
        shown: shownOfInbound(kind, message),
        isReferred: content['referral'] === undefined ? undefined : true,
      });
      limits.countInbound();
      delivery.queue(messageItem({ wamid, type: kind, timestamp: seconds, person, content: message }));
      return ok({ wamid });
    }),
  );

  router.get(
    '/messages',
    answering(written, (request) => {
      const ids = readInput(messagesQuery, request.query);
      mustBeSomebody(ids);
      return ok({
        results: seenMessages(conversations.messagesOf(ids)),
        typing: conversations.isTyping(ids, clock.now()),
      });
    }),
  );

  router.post(
    '/media',
    answering(written, (request) => {
      const bytes = bodyBytes(request);
      if (bytes.length === 0)
        throw new ControlError(400, 'bad_request', 'The body is the medium: it is empty.');
      const { id, mimeType, sha256 } = media.put(
        'customer',
        request.headers['content-type'] ?? 'application/octet-stream',
        bytes,
      );
      return ok({ id, mime_type: mimeType, sha256 });
    }),
  );

  router.put(
    '/phone',
    answering(written, (request) => {
      const { from, userId, onWhatsapp } = readBody(phoneBody, request);
      mustBeSomebody({ phone: from, userId });
      conversations.see({ phone: from, userId, onWhatsapp });
      return ok({});
    }),
  );

  router.post(
    '/preferences',
    answering(written, (request) => {
      const { from, userId, username, name, value, signupId } = readBody(preferenceBody, request);
      const person = { phone: from, userId, username, name };
      mustBeSomebody(person);
      const seen = conversations.see({ ...person, stopsMarketing: value === 'stop' });
      delivery.queue(preferenceItem({ person: seen, value, signupId, at: clock.now() }));
      return ok({});
    }),
  );

  router.post(
    '/number-change',
    answering(written, (request) => {
      const { from, userId, to, newUserId } = readBody(numberChangeBody, request);
      const [before, after] = [
        { phone: from, userId },
        { phone: to, userId: newUserId },
      ];
      mustBeSomebody(before);
      mustBeSomebody(after);
      const name = conversations.people.find(before)?.name;
      conversations.move(before, after);
      const wamid = newWamid();
      delivery.queue(numberChangeItem({ wamid, before: { ...before, name }, after, at: clock.now() }));
      return ok({ wamid });
    }),
  );

  return router;
}

function mustBeSomebody({ phone: number, userId }: Pick<Person, 'phone' | 'userId'>): void {
  if (number === undefined && userId === undefined) {
    throw new ControlError(400, 'nobody', 'A phone or a userId is needed: nobody is named.');
  }
}

import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import { type Answer, ok, parseJson } from '../http.ts';
import type { Conversations } from './conversations.ts';
import type { Delivery } from './delivery.ts';
import { badParameter, badToken, unknownObject, windowClosed } from './graph-errors.ts';
import { newWamid, toWaId } from './ids.ts';
import type { Person } from './people.ts';
import type { WhatsappRules } from './rules.ts';
import { statusItem } from './status.ts';
import { wordsOf } from './words.ts';

/** Types a business may send. docs/vendors/whatsapp.md §3.2. */
const sendTypes: ReadonlySet<string> = new Set([
  'text',
  'image',
  'video',
  'audio',
  'document',
  'sticker',
  'location',
  'contacts',
  'reaction',
  'interactive',
  'template',
]);

/** docs/vendors/whatsapp.md §3.7. */
const windowMs = 24 * 3_600_000;

/** docs/vendors/whatsapp.md §3.3. */
const opaqueMaxBytes = 512;

const sendBody = z.looseObject({
  messaging_product: z.literal('whatsapp'),
  to: z.string().optional(),
  recipient: z.string().optional(),
  type: z.string().default('text'),
  biz_opaque_callback_data: z
    .string()
    .refine((opaque) => Buffer.byteLength(opaque) <= opaqueMaxBytes, 'at most 512 bytes')
    .optional(),
});

const readReceipt = z.looseObject({
  messaging_product: z.literal('whatsapp'),
  status: z.literal('read'),
  message_id: z.string(),
});

/**
 * What is priced how since 1 Oct 2026, as far as the sandbox can tell: it knows no template's category.
 * docs/vendors/whatsapp.md §1.7, §3.7.
 */
const pricing = {
  freeForm: { billable: false, pricing_model: 'PMP', type: 'free_customer_service', category: 'service' },
  template: { billable: true, pricing_model: 'PMP', type: 'regular', category: 'utility' },
};

export interface SendRequest {
  readonly authorization: string | undefined;
  readonly phoneNumberId: string;
  readonly text: string;
}

/** `POST /{phone number id}/messages`: accepted at once, its fate told by webhook. docs/vendors/whatsapp.md §3.1. */
export function createSender(options: {
  phoneNumberId: string;
  accessToken: string;
  clock: SandboxClock;
  rules: () => WhatsappRules;
  conversations: Conversations;
  delivery: Delivery;
}): (request: SendRequest) => Answer {
  const { clock, conversations, delivery } = options;

  const accept = (message: z.infer<typeof sendBody>, asked: Pick<Person, 'phone' | 'userId'>): Answer => {
    const to = conversations.see({ ...conversations.people.find(asked), ...asked });
    const sentTo = asked.phone === undefined ? 'userId' : 'phone';
    const wamid = newWamid();
    const at = clock.now();
    const { type, biz_opaque_callback_data: opaque } = message;
    conversations.record({
      wamid,
      direction: 'out',
      type,
      body: wordsOf(type, message),
      status: 'accepted',
      at,
      phone: to.phone,
      userId: to.userId,
    });
    const template = type === 'template';
    const told = {
      wamid,
      at,
      to,
      sentTo,
      opaque,
      pricing: template ? pricing.template : pricing.freeForm,
    } as const;
    if (template || isWindowOpen(to, at)) {
      for (const status of ['sent', 'delivered'] as const) {
        conversations.setStatus(wamid, status);
        delivery.queue(statusItem({ ...told, status }));
      }
    } else {
      conversations.setStatus(wamid, 'failed');
      const echoed = options.rules().echoesOpaqueOnFailed ? opaque : undefined;
      delivery.queue(statusItem({ ...told, status: 'failed', opaque: echoed, errors: [windowClosed] }));
    }
    const contact =
      sentTo === 'phone'
        ? { input: message.to, wa_id: asked.phone }
        : { input: message.recipient, user_id: asked.userId };
    return ok({
      messaging_product: 'whatsapp',
      contacts: [contact],
      messages: [{ id: wamid, ...(template ? { message_status: 'accepted' } : {}) }],
    });
  };

  const isWindowOpen = (to: Person, at: number): boolean => {
    const lastInboundAt = conversations.lastInboundAt(to);
    return lastInboundAt !== undefined && at - lastInboundAt < windowMs;
  };

  return ({ authorization, phoneNumberId, text }) => {
    if (authorization !== `Bearer ${options.accessToken}`) return badToken(authorization);
    if (phoneNumberId !== options.phoneNumberId) return unknownObject(phoneNumberId);
    const body = parseJson(text);
    const receipt = readReceipt.safeParse(body);
    if (receipt.success) {
      if (conversations.get(receipt.data.message_id)?.direction !== 'in')
        return badParameter('message_id is unknown');
      conversations.setStatus(receipt.data.message_id, 'read');
      return ok({ success: true });
    }
    const message = sendBody.safeParse(body);
    if (!message.success) return badParameter(z.prettifyError(message.error));
    const { to, recipient, type } = message.data;
    if (!sendTypes.has(type)) return badParameter(`type must be one of ${[...sendTypes].join(', ')}`);
    const content = message.data[type];
    if (typeof content !== 'object' || content === null)
      return badParameter(`The parameter ${type} is required`);
    // Phone wins where both are given. docs/vendors/whatsapp.md §2.5.
    if (to !== undefined) {
      const phone = toWaId(to);
      return phone === undefined ? badParameter('to is not a phone number') : accept(message.data, { phone });
    }
    return recipient === undefined
      ? badParameter('The parameter to is required, or recipient')
      : accept(message.data, { userId: recipient });
  };
}
